import { Context, Effect, Layer, Option, Schedule } from "effect"
import type { AuditId } from "../domain/conversion/AuditId.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { AuditLog } from "./AuditLog.ts"
import { AuditSealer } from "./AuditSealer.ts"
import * as MerkleTree from "./tree/MerkleTree.ts"
import { type Receipt, toReceiptHead } from "./Receipt.ts"
import { SealRepo } from "./SealRepo.ts"

/** Attempts every 50 ms, 2 seconds in total. */
const MAX_SEAL_ATTEMPTS = 40

/** Proofs that records are in the audit. */
export class Receipts extends Context.Service<
  Receipts,
  {
    /**
     * Returns the receipt of a record under the latest signed head, and none for an unknown id. Seals the record first if
     * it is not sealed yet. Returns "unsealed" after 2 seconds in which another process was sealing.
     */
    readonly find: (id: AuditId) => Effect.Effect<Option.Option<Receipt | "unsealed">, StoreUnavailable>
    /**
     * At most `limit` signed heads after a tree size, in order. Copies kept outside of effex prove later that the audit
     * was not rewritten.
     */
    readonly headsAfter: SealRepo["Service"]["headsAfter"]
  }
>()("effex/audit/Receipts") {
  static readonly layer = Layer.effect(
    Receipts,
    Effect.gen(function* () {
      const audit = yield* AuditLog
      const repo = yield* SealRepo
      const sealer = yield* AuditSealer

      const sealed = (id: AuditId) =>
        repo.findSeal(id).pipe(
          Effect.filterOrElse(Option.isSome, () => Effect.andThen(sealer.sealAll, repo.findSeal(id))),
          Effect.repeat({
            while: Option.isNone,
            schedule: Schedule.spaced("50 millis"),
            times: MAX_SEAL_ATTEMPTS
          })
        )

      const find = Effect.fn("Receipts.find")(function* (id: AuditId) {
        const entry = yield* audit.byId(id)
        if (Option.isNone(entry)) return Option.none()
        const seal = yield* sealed(id)
        const head = yield* repo.latestHead
        if (Option.isNone(seal) || Option.isNone(head)) return Option.some("unsealed" as const)
        const leaf = seal.value.position - 1
        const size = head.value.treeSize
        const hashes = yield* repo.nodeHashes(MerkleTree.proofNodes(leaf, size))
        const { position: _, ...record } = entry.value
        return Option.some<Receipt>({
          record,
          position: seal.value.position,
          proof: MerkleTree.inclusionProof(leaf, size, hashes).map((hash) => hash.toString("hex")),
          chain: {
            previous_hash: seal.value.prevHash.toString("hex"),
            hash: seal.value.hash.toString("hex")
          },
          head: toReceiptHead(head.value)
        })
      })

      return Receipts.of({ find, headsAfter: repo.headsAfter })
    })
  )
}
