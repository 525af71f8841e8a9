import { Array, type BigDecimal, Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { UserId } from "../domain/accounts/User.ts"
import { type Adjustment, AdjustmentState } from "../domain/ledger/Adjustment.ts"
import type { LedgerAccountId } from "../domain/ledger/LedgerAccount.ts"
import { TransferId } from "../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { AccountIdFromBigInt, Amount } from "./Amount.ts"

/** A request for an adjustment. */
export interface AdjustmentRequest {
  readonly account: LedgerAccountId
  /** Signed change of the balance. */
  readonly amount: BigDecimal.BigDecimal
  readonly reason: string
  readonly principal: string
  /** A retry with the same key returns the first adjustment. */
  readonly key: string | undefined
}

/** Decision of the second administrator. */
export interface AdjustmentDecision {
  readonly id: TransferId
  readonly principal: string
  readonly reason: string | undefined
}

/** Adjustments in PostgreSQL. All methods but `page` run in the open transaction of the caller. */
export class AdjustmentRepo extends Context.Service<
  AdjustmentRepo,
  {
    /** Asset of an account with its decimals, and the user of its wallet. */
    readonly accountOf: (
      account: LedgerAccountId
    ) => Effect.Effect<Option.Option<typeof AdjustedAccount.Type>, SqlError.SqlError>
    /** Returns false if the principal, or another API key of its owner, has used the key before. */
    readonly insert: (
      id: TransferId,
      request: AdjustmentRequest,
      state: "pending" | "posted"
    ) => Effect.Effect<boolean, SqlError.SqlError>
    readonly byKey: (
      principal: string,
      key: string
    ) => Effect.Effect<Option.Option<Adjustment>, SqlError.SqlError>
    /** Locks the adjustment, so that two decisions follow each other. */
    readonly lock: (id: TransferId) => Effect.Effect<Option.Option<Adjustment>, SqlError.SqlError>
    readonly byId: (id: TransferId) => Effect.Effect<Option.Option<Adjustment>, SqlError.SqlError>
    readonly decide: (
      decision: AdjustmentDecision,
      state: "posted" | "rejected"
    ) => Effect.Effect<void, SqlError.SqlError>
    /** At most `limit` adjustments before an id, newest first. */
    readonly page: (
      state: AdjustmentState | undefined,
      before: TransferId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Adjustment>, StoreUnavailable>
  }
>()("effex/ledger/AdjustmentRepo") {
  static readonly layer = Layer.effect(
    AdjustmentRepo,
    Effect.gen(function* () {
      const { read, sql } = yield* Database
      const select = sql`
        SELECT adjustment.id, account_id AS account, asset, amount, reason, requested_by, requested_at, state, decided_by,
          decided_at, decision_reason
        FROM ledger_adjustment AS adjustment JOIN ledger_account AS account ON account.id = adjustment.account_id`
      const decoded = (rows: unknown) => Effect.orDie(decode(rows))
      const first = Effect.flatMap((rows: unknown) => Effect.map(decoded(rows), Array.head))

      const accountOf = (account: LedgerAccountId) =>
        Effect.map(
          Effect.flatMap(
            sql`
              SELECT code AS asset, decimals, wallet.user_id FROM ledger_account AS account
              JOIN asset ON code = account.asset LEFT JOIN wallet ON wallet.id = account.owner
              WHERE account.id = ${account}::bigint`,
            (rows) => Effect.orDie(decodeAccounts(rows))
          ),
          Array.head
        )

      const byKey = (principal: string, key: string) =>
        first(sql`
          ${select} WHERE key = ${key} AND (requested_by = ${principal} OR requested_by IN (
            SELECT other.id FROM api_key AS one JOIN api_key AS other USING (name, mode) WHERE one.id = ${principal}
          ))
          ORDER BY adjustment.id LIMIT 1`)

      const insert = Effect.fnUntraced(function* (
        id: TransferId,
        { account, amount, key, principal, reason }: AdjustmentRequest,
        state: "pending" | "posted"
      ) {
        const now = DateTime.toDateUtc(yield* DateTime.now)
        if (key !== undefined) {
          // Two API keys of one owner do not use the key at once.
          yield* sql`SELECT pg_advisory_xact_lock(hashtextextended(${`adjustment ${key}`}, 0))`
          if (Option.isSome(yield* byKey(principal, key))) return false
        }
        const rows = yield* sql`
          INSERT INTO ledger_adjustment (id, account_id, amount, reason, requested_by, requested_at, key, state, decided_at)
          VALUES (${id}, ${account}::bigint, ${Decimal.format(amount)}::numeric, ${reason}, ${principal}, ${now},
            ${key ?? null}, ${state}, ${state === "posted" ? now : null})
          ON CONFLICT (requested_by, key) DO NOTHING RETURNING 1`
        return rows.length > 0
      })

      const decide = Effect.fnUntraced(function* (
        { id, principal, reason }: AdjustmentDecision,
        state: "posted" | "rejected"
      ) {
        const now = DateTime.toDateUtc(yield* DateTime.now)
        yield* sql`
          UPDATE ledger_adjustment SET state = ${state}, decided_by = ${principal}, decided_at = ${now},
            decision_reason = ${reason ?? null}
          WHERE id = ${id}`
      })

      const page = Effect.fn("AdjustmentRepo.page")(function* (
        state: AdjustmentState | undefined,
        before: TransferId | undefined,
        limit: number
      ) {
        const conditions = [
          ...(state === undefined ? [] : [sql`state = ${state}`]),
          ...(before === undefined ? [] : [sql`adjustment.id < ${before}`])
        ]
        const rows = yield* read(
          sql`${select} WHERE ${sql.and(conditions)} ORDER BY adjustment.id DESC LIMIT ${limit}`
        )
        return yield* decoded(rows)
      })

      return AdjustmentRepo.of({
        accountOf,
        insert,
        byKey,
        lock: (id) => first(sql`${select} WHERE adjustment.id = ${id} FOR UPDATE OF adjustment`),
        byId: (id) => first(sql`${select} WHERE adjustment.id = ${id}`),
        decide,
        page
      })
    })
  )
}

const decode = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      id: TransferId,
      account: AccountIdFromBigInt,
      asset: AssetCode,
      amount: Amount,
      reason: Schema.String,
      requestedBy: Schema.String,
      requestedAt: Schema.DateTimeUtcFromDate,
      state: AdjustmentState,
      decidedBy: Schema.NullOr(Schema.String),
      decidedAt: Schema.NullOr(Schema.DateTimeUtcFromDate),
      decisionReason: Schema.NullOr(Schema.String)
    })
  )
)
const AdjustedAccount = Schema.Struct({
  asset: AssetCode,
  decimals: Schema.Int,
  userId: Schema.NullOr(UserId)
})
const decodeAccounts = Schema.decodeUnknownEffect(Schema.Array(AdjustedAccount))
