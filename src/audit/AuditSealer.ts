import { Array, Context, DateTime, Effect, Layer, Option } from "effect"
import * as Cluster from "../platform/Cluster.ts"
import { Database, type StoreUnavailable } from "../platform/postgres/Database.ts"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import { underWay } from "../platform/telemetry/MetricSeries.ts"
import { chain } from "./AuditHash.ts"
import { AuditSigner } from "./AuditSigner.ts"
import * as MerkleTree from "./MerkleTree.ts"
import { type Seal, SealRepo } from "./SealRepo.ts"
import { UnsealedRecords } from "./UnsealedRecords.ts"

/** The most records that one head seals. */
const MAX_BATCH = 1000

/** Seals records in order: each is chained to the one before, and each batch ends with a signed head of the tree. */
export class AuditSealer extends Context.Service<
  AuditSealer,
  {
    /** Seals what waits, and returns how many records it sealed: 0 where another process is at it. */
    readonly sealAll: Effect.Effect<number, StoreUnavailable>
    /** How many conversions wait to be sealed, and since when the first of them. */
    readonly backlog: SealRepo["Service"]["backlog"]
  }
>()("effex/audit/AuditSealer") {
  static readonly layer = Layer.effect(
    AuditSealer,
    Effect.suspend(() => make)
  )

  /** Seals in the background, in one process of the cluster, within a second of each conversion. */
  static readonly layerBackground = Layer.unwrap(
    Effect.map(AuditSealer, ({ sealAll }) =>
      Cluster.singleton(
        "sealer",
        sealAll.pipe(
          Effect.catch((error) => Effect.logWarning("The audit could not be sealed", error)),
          Effect.andThen(Effect.sleep("1 second")),
          Effect.forever,
          underWay(Metrics.leading.of({ task: "sealer" }))
        )
      )
    )
  )
}

const make = Effect.gen(function* () {
  const { exclusively } = yield* Database
  const repo = yield* SealRepo
  const { sign } = yield* AuditSigner

  const unsealed = yield* UnsealedRecords

  const sealBatch = repo.sealNext(
    MAX_BATCH,
    unsealed.find,
    Effect.fnUntraced(function* (records, end, nodesAt) {
      const signedAt = DateTime.formatIso(yield* DateTime.now)
      const tree = MerkleTree.grow(end.size, yield* nodesAt(MerkleTree.peaks(end.size)))
      let chainHash = end.chainHash
      const seals = Array.map(records, ({ bytes, id }, i): Seal => {
        const prevHash = chainHash
        chainHash = chain(prevHash, bytes)
        tree.append(MerkleTree.leafHash(bytes))
        return { position: end.size + i + 1, auditId: id, prevHash, hash: chainHash }
      })
      const head = sign({ treeSize: tree.size(), rootHash: tree.root(), chainHash, signedAt })
      return { seals, nodes: tree.made(), head }
    })
  )

  const drain = Effect.gen(function* () {
    let total = 0
    for (;;) {
      const sealed = yield* sealBatch
      unsealed.sealed(sealed)
      total += sealed.length
      if (sealed.length < MAX_BATCH) return total
    }
  }).pipe(
    // What the database does not take is read from it the next time.
    Effect.onError(() => Effect.sync(unsealed.clear)),
    Effect.catchTag("SqlError", (error) => Effect.die(error))
  )

  const sealAll = exclusively("seal", drain).pipe(
    Effect.map(Option.getOrElse(() => 0)),
    Effect.withSpan("AuditSealer.sealAll")
  )

  return AuditSealer.of({ sealAll, backlog: repo.backlog })
})
