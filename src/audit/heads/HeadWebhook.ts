import { Array, DateTime, Effect, Option, Redacted } from "effect"
import { Database } from "../../platform/postgres/Database.ts"
import { Webhook } from "../../platform/Webhook.ts"
import * as CanonicalEncoding from "../CanonicalEncoding.ts"
import { type HeadDestination, PublishFailed } from "./HeadDestination.ts"
import { toReceiptHead } from "../Receipt.ts"

/** Posts heads to a URL as `{"heads":[…]}`. The database records how far they were delivered, for all nodes. */
export const make = Effect.fnUntraced(function* (url: Redacted.Redacted) {
  const { execute, sql, withLock } = yield* Database
  const { post } = yield* Webhook
  const destination = CanonicalEncoding.sha256(Buffer.from(Redacted.value(url)))

  const last = Effect.map(
    execute(sql<{ treeSize: bigint }>`
      SELECT tree_size FROM audit_head_delivery WHERE destination = ${destination}`),
    (rows) =>
      Option.map(Array.head(rows), ({ treeSize }) => ({
        treeSize: Number(treeSize),
        rootHash: Option.none()
      }))
  )

  const webhook: HeadDestination = {
    kind: "url",
    setting: "AUDIT_HEADS_URL",
    exclusively: (publish) =>
      Effect.map(
        withLock("publish heads", publish),
        Option.getOrElse(() => 0)
      ),
    last,
    publish: Effect.fnUntraced(function* (heads) {
      yield* post(url, { heads: heads.map(toReceiptHead) }).pipe(
        Effect.mapError(({ reason }) => new PublishFailed({ reason }))
      )
      const treeSize = heads.at(-1)?.treeSize ?? 0
      const deliveredAt = DateTime.toDateUtc(yield* DateTime.now)
      yield* execute(sql`
        INSERT INTO audit_head_delivery (destination, tree_size, delivered_at)
        VALUES (${destination}, ${treeSize}, ${deliveredAt})
        ON CONFLICT (destination) DO UPDATE SET tree_size = excluded.tree_size, delivered_at = excluded.delivered_at`)
    })
  }
  return webhook
})
