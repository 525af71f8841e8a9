import { Context, Effect, Layer, Option } from "effect"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import type { SignedKeyRotation } from "./KeyRotation.ts"

/** Rotations of the signing key in PostgreSQL: inserted, never updated. */
export class KeyRotationRepo extends Context.Service<
  KeyRotationRepo,
  {
    /** All rotations, oldest first. */
    readonly all: Effect.Effect<ReadonlyArray<SignedKeyRotation>, StoreUnavailable>
    readonly insert: (rotation: SignedKeyRotation) => Effect.Effect<void, StoreUnavailable>
  }
>()("effex/audit/keys/KeyRotationRepo") {
  static readonly layer = Layer.effect(
    KeyRotationRepo,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database

      const all = execute(
        sql<RotationRow>`SELECT * FROM audit_key_rotation ORDER BY tree_size, signed_at`
      ).pipe(
        Effect.map((rows) => rows.map(toRotation)),
        Effect.withSpan("KeyRotationRepo.all")
      )

      const insert = Effect.fn("KeyRotationRepo.insert")(
        ({ previousSignature, ...rotation }: SignedKeyRotation) =>
          execute(sql`
            INSERT INTO audit_key_rotation
              ${sql.insert({ ...rotation, previousSignature: Option.getOrNull(previousSignature) })}`)
      )

      return KeyRotationRepo.of({ all, insert: (rotation) => Effect.asVoid(insert(rotation)) })
    })
  )
}

interface RotationRow {
  readonly previousKey: Uint8Array
  readonly publicKey: Uint8Array
  readonly treeSize: bigint
  readonly rootHash: Uint8Array
  readonly chainHash: Uint8Array
  readonly signedAt: Date
  readonly previousSignature: Uint8Array | null
  readonly signature: Uint8Array
}

const toRotation = (row: RotationRow): SignedKeyRotation => ({
  previousKey: Buffer.from(row.previousKey),
  publicKey: Buffer.from(row.publicKey),
  treeSize: Number(row.treeSize),
  rootHash: Buffer.from(row.rootHash),
  chainHash: Buffer.from(row.chainHash),
  signedAt: row.signedAt.toISOString(),
  previousSignature: Option.map(Option.fromNullishOr(row.previousSignature), (bytes) => Buffer.from(bytes)),
  signature: Buffer.from(row.signature)
})
