import { Context, Effect, Layer, Option, Schedule } from "effect"
import type { AuditId } from "../domain/conversion/AuditRecord.ts"
import type { StoreUnavailable } from "../platform/postgres/Database.ts"
import { AuditRepo } from "./AuditRepo.ts"
import { AuditSealer } from "./AuditSealer.ts"
import * as MerkleTree from "./MerkleTree.ts"
import { type Receipt, toReceiptHead } from "./Receipt.ts"
import { SealRepo } from "./SealRepo.ts"

/** How often a receipt looks again for the seal of its record, twenty times a second. */
const SEAL_TRIES = 40

/** Proofs that records are in the audit. */
export class Receipts extends Context.Service<
  Receipts,
  {
    /**
     * The receipt of a record under the newest signed head; none for an id that was never given. A record that waits
     * to be sealed is sealed first; where that takes longer than two seconds, there is no receipt yet.
     */
    readonly of: (id: AuditId) => Effect.Effect<Option.Option<Receipt | "not-yet">, StoreUnavailable>
    /** At most `limit` signed heads after a tree size, in order: to be kept where nobody who runs effex can change them. */
    readonly headsAfter: SealRepo["Service"]["headsAfter"]
  }
>()("effex/audit/Receipts") {
  static readonly layer = Layer.effect(
    Receipts,
    Effect.gen(function* () {
      const audit = yield* AuditRepo
      const repo = yield* SealRepo
      const sealer = yield* AuditSealer

      /** Seals it where that is still to be done, and waits where another process is just at it. */
      const sealOf = (id: AuditId) =>
        repo.sealOf(id).pipe(
          Effect.filterOrElse(Option.isSome, () => Effect.andThen(sealer.sealAll, repo.sealOf(id))),
          Effect.repeat({ while: Option.isNone, schedule: Schedule.spaced("50 millis"), times: SEAL_TRIES })
        )

      const of = Effect.fn("Receipts.of")(function* (id: AuditId) {
        const record = yield* audit.byId(id)
        if (Option.isNone(record)) return Option.none()
        const seal = yield* sealOf(id)
        const head = yield* repo.latestHead
        if (Option.isNone(seal) || Option.isNone(head)) return Option.some("not-yet" as const)
        const [leaf, size] = [seal.value.position - 1, head.value.treeSize]
        const hashes = yield* repo.nodes(MerkleTree.pathNodes(leaf, size))
        return Option.some<Receipt>({
          record: record.value,
          position: seal.value.position,
          proof: MerkleTree.inclusionProof(leaf, size, hashes).map((hash) => hash.toString("hex")),
          head: toReceiptHead(head.value)
        })
      })

      return Receipts.of({ of, headsAfter: repo.headsAfter })
    })
  )
}
