import { Array, Context, DateTime, Effect, Layer, Option } from "effect"
import * as LeaderElection from "../platform/LeaderElection.ts"
import * as ClusterMetrics from "../platform/metrics/ClusterMetrics.ts"
import { trackInFlight } from "../platform/metrics/MetricSeries.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { chain } from "./AuditHash.ts"
import { AuditSigner } from "./AuditSigner.ts"
import * as MerkleTree from "./MerkleTree.ts"
import { type Seal, SealRepo } from "./SealRepo.ts"
import { UnsealedRecords } from "./UnsealedRecords.ts"

/** Records covered by one signed head. */
const MAX_BATCH_SIZE = 1000

/** Seals records in order: chains the hash of each to the previous one and signs a tree head after each batch. */
export class AuditSealer extends Context.Service<
  AuditSealer,
  {
    /** Seals all unsealed records. Returns their number, or 0 while another process is sealing. */
    readonly sealAll: Effect.Effect<number, StoreUnavailable>
    /** Number of unsealed records, and the time of the oldest. */
    readonly backlog: SealRepo["Service"]["backlog"]
  }
>()("effex/audit/AuditSealer") {
  static readonly layer = Layer.effect(
    AuditSealer,
    Effect.gen(function* () {
      const { withLock } = yield* Database
      const repo = yield* SealRepo
      const { sign } = yield* AuditSigner
      const unsealed = yield* UnsealedRecords

      const sealBatch = repo.sealNext(
        MAX_BATCH_SIZE,
        unsealed.find,
        Effect.fnUntraced(function* (records, end, nodeHashes) {
          const signedAt = DateTime.formatIso(yield* DateTime.now)
          const tree = MerkleTree.resume(end.size, yield* nodeHashes(MerkleTree.peaks(end.size)))
          let chainHash = end.chainHash
          const seals = Array.map(records, ({ bytes, id }, i): Seal => {
            const prevHash = chainHash
            chainHash = chain(prevHash, bytes)
            tree.append(MerkleTree.leafHash(bytes))
            return { position: end.size + i + 1, auditId: id, prevHash, hash: chainHash }
          })
          const head = sign({ treeSize: tree.size(), rootHash: tree.root(), chainHash, signedAt })
          return { seals, nodes: tree.newNodes(), head }
        })
      )

      const drain = Effect.gen(function* () {
        let total = 0
        for (;;) {
          const sealed = yield* sealBatch
          unsealed.removeSealed(sealed)
          total += sealed.length
          if (sealed.length < MAX_BATCH_SIZE) return total
        }
      }).pipe(
        // Records that the database rejected are read from it on the next attempt.
        Effect.onError(() => Effect.sync(unsealed.clear)),
        Effect.catchTag("SqlError", (error) => Effect.die(error))
      )

      const sealAll = withLock("seal", drain).pipe(
        Effect.map(Option.getOrElse(() => 0)),
        Effect.withSpan("AuditSealer.sealAll")
      )

      return AuditSealer.of({ sealAll, backlog: repo.backlog })
    })
  )

  /** Seals once a second, in one process of the cluster. */
  static readonly layerBackground = Layer.unwrap(
    Effect.map(AuditSealer, ({ sealAll }) =>
      LeaderElection.singleton(
        "sealer",
        sealAll.pipe(
          Effect.catch((error) =>
            Effect.logWarning("The audit sealer failed; it retries in 1 second", error)
          ),
          Effect.andThen(Effect.sleep("1 second")),
          Effect.forever,
          trackInFlight(ClusterMetrics.isLeader.of({ task: "sealer" }))
        )
      )
    )
  )
}
