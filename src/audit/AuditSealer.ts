import { Array, Context, DateTime, Effect, Layer, Metric, Option, Ref, Result } from "effect"
import * as LeaderElection from "../platform/LeaderElection.ts"
import * as AuditMetrics from "../platform/metrics/AuditMetrics.ts"
import * as ClusterMetrics from "../platform/metrics/ClusterMetrics.ts"
import { trackInFlight } from "../platform/metrics/MetricSeries.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { chain } from "./AuditHash.ts"
import { AuditKeys } from "./keys/AuditKeys.ts"
import { AuditSigner } from "./AuditSigner.ts"
import * as ConsistencyProof from "./tree/ConsistencyProof.ts"
import type { TrustedKeys } from "./keys/KeyRotation.ts"
import * as MerkleTree from "./tree/MerkleTree.ts"
import * as SealedEndCheck from "./SealedEndCheck.ts"
import { SealRepo } from "./SealRepo.ts"
import type { Seal, SealedBatch } from "./Seal.ts"
import { isSignedBy, type SignedTreeHead } from "./TreeHead.ts"
import { UnsealedRecords } from "./UnsealedRecords.ts"

/** Records covered by one signed head. */
const MAX_BATCH_SIZE = 1000

/** Seals records in order: chains the hash of each to the previous one and signs a tree head after each batch. */
export class AuditSealer extends Context.Service<
  AuditSealer,
  {
    /**
     * Seals all unsealed records. Returns their number, or 0 while another process is sealing. Seals nothing, and logs the
     * reason, while the audit contradicts its newest signed head or the last one that this process signed.
     */
    readonly sealAll: Effect.Effect<number, StoreUnavailable>
    /** Number of unsealed records, and the time of the oldest. */
    readonly backlog: SealRepo["Service"]["backlog"]
    /** The last head that this process signed or {@link expect}s. It is evidence that is not in the database. */
    readonly lastHead: Effect.Effect<Option.Option<SignedTreeHead>>
    /** Reason for which this process seals nothing. None while it seals, or another process does. */
    readonly refusal: Effect.Effect<Option.Option<string>>
    /**
     * Seals only an audit that continues this head, which was kept outside of the database. Ignores, with a warning, a head
     * whose key this process does not trust.
     */
    readonly expect: (head: SignedTreeHead) => Effect.Effect<void, StoreUnavailable>
  }
>()("effex/audit/AuditSealer") {
  static readonly layer = Layer.effect(
    AuditSealer,
    Effect.gen(function* () {
      const { withLock } = yield* Database
      const repo = yield* SealRepo
      const keys = yield* AuditKeys
      const { publicKey, sign } = yield* AuditSigner
      const unsealed = yield* UnsealedRecords
      const lastHead = yield* Ref.make(Option.none<SignedTreeHead>())
      const refusal = yield* Ref.make(Option.none<string>())

      const sealBatch = Effect.fnUntraced(function* (trusted: TrustedKeys) {
        const last = yield* Ref.get(lastHead)
        let signed = Option.none<SignedTreeHead>()
        const sealed = yield* repo.sealNext(
          MAX_BATCH_SIZE,
          unsealed.find,
          Effect.fnUntraced(function* (records, end, nodeHashes) {
            const tree = MerkleTree.resume(end.size, yield* nodeHashes(MerkleTree.peaks(end.size)))
            const endHead = { treeSize: end.size, rootHash: tree.root() }
            const fault = SealedEndCheck.findFault(end, endHead.rootHash, trusted)
            if (Option.isSome(fault)) return Result.fail(fault.value)
            if (Option.isSome(last)) {
              const { treeSize } = last.value
              const proof =
                treeSize > end.size
                  ? []
                  : ConsistencyProof.make(
                      treeSize,
                      end.size,
                      yield* nodeHashes(ConsistencyProof.nodes(treeSize, end.size))
                    )
              if (!ConsistencyProof.isValid(last.value, endHead, proof))
                return Result.fail(
                  `its ${end.size} sealed records do not continue the ${treeSize} records of the last head that this node signed: records were deleted or rewritten, or an older backup was restored`
                )
            }

            const signedAt = DateTime.formatIso(yield* DateTime.now)
            let chainHash = end.chainHash
            const seals = Array.map(records, ({ bytes, id }, i): Seal => {
              const prevHash = chainHash
              chainHash = chain(prevHash, bytes)
              tree.append(MerkleTree.leafHash(bytes))
              return { position: end.size + i + 1, auditId: id, prevHash, hash: chainHash }
            })
            const head = sign({ treeSize: tree.size(), rootHash: tree.root(), chainHash, signedAt })
            signed = Option.some(head)
            return Result.succeed<SealedBatch>({ seals, nodes: tree.takeNewNodes(), head })
          })
        )
        if (Result.isSuccess(sealed) && Option.isSome(signed)) yield* Ref.set(lastHead, signed)
        return sealed
      })

      /** Logs a new reason once, not on every attempt. */
      const setRefusal = Effect.fnUntraced(function* (reason: Option.Option<string>) {
        const previous = yield* Ref.getAndSet(refusal, reason)
        yield* Metric.update(AuditMetrics.sealRefused, Option.isSome(reason) ? 1 : 0)
        if (Option.isSome(reason) && Option.getOrNull(previous) !== reason.value) {
          yield* Effect.logError(
            `The audit is not sealed: ${reason.value}. Conversions continue. Run \`effex audit verify\` with the heads that you kept, then restore the database`
          )
        }
      })

      const drain = Effect.gen(function* () {
        const trusted = yield* keys.trustedBy([publicKey])
        let total = 0
        for (;;) {
          const sealed = yield* sealBatch(trusted)
          yield* setRefusal(Result.getFailure(sealed))
          if (Result.isFailure(sealed)) {
            unsealed.clear()
            return total
          }
          unsealed.removeSealed(sealed.success)
          total += sealed.success.length
          if (sealed.success.length < MAX_BATCH_SIZE) return total
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

      const expect = Effect.fn("AuditSealer.expect")(function* (head: SignedTreeHead) {
        const trusted = yield* keys.trustedBy([publicKey])
        if (!trusted.accepts(head.publicKey, head.treeSize) || !isSignedBy(head, head.publicKey))
          return yield* Effect.logWarning(
            `The kept head of ${head.treeSize} records is ignored: it is not signed with a key that this node trusts`
          )
        yield* Ref.update(lastHead, (last) =>
          Option.exists(last, ({ treeSize }) => treeSize >= head.treeSize) ? last : Option.some(head)
        )
      })

      return AuditSealer.of({
        sealAll,
        backlog: repo.backlog,
        lastHead: Ref.get(lastHead),
        refusal: Ref.get(refusal),
        expect
      })
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
