import { Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { GENESIS } from "../AuditHash.ts"
import { AuditSigner } from "../AuditSigner.ts"
import type { KeyPair } from "./Ed25519.ts"
import * as KeyRotation from "./KeyRotation.ts"
import { KeyRotationRepo } from "./KeyRotationRepo.ts"
import * as MerkleTree from "../tree/MerkleTree.ts"
import { SealRepo } from "../SealRepo.ts"

/** The signing key cannot be replaced. */
export class KeyRotationRefused extends Schema.TaggedError<KeyRotationRefused>()("KeyRotationRefused", {
  reason: Schema.String
}) {
  override get message(): string {
    return `The signing key was not changed: ${this.reason}`
  }
}

/** Keys that sign the audit: the key of this process, and the rotations that connect it to earlier and later keys. */
export class AuditKeys extends Context.Service<
  AuditKeys,
  {
    /** Public key of this process. */
    readonly publicKey: Buffer
    /** All recorded rotations, oldest first. */
    readonly rotations: KeyRotationRepo["Service"]["all"]
    /** Returns the keys that are trusted by a client that trusts these public keys. */
    readonly trustedBy: (
      publicKeys: ReadonlyArray<Buffer>
    ) => Effect.Effect<KeyRotation.TrustedKeys, StoreUnavailable>
    /**
     * Records that a new key succeeds the key of this process, signed with both. From then on both may sign, so that nodes
     * can be restarted one by one.
     */
    readonly rotate: (
      next: KeyPair
    ) => Effect.Effect<KeyRotation.SignedKeyRotation, KeyRotationRefused | StoreUnavailable>
    /**
     * Records that the key of this process succeeds a key that was lost. Only this process vouches for what the lost key
     * signed, so clients that know the lost key must learn the new one by other means.
     */
    readonly replaceLost: (
      lostKey: Buffer
    ) => Effect.Effect<KeyRotation.SignedKeyRotation, KeyRotationRefused | StoreUnavailable>
  }
>()("effex/audit/keys/AuditKeys") {
  static readonly layerNoDeps = Layer.effect(
    AuditKeys,
    Effect.gen(function* () {
      const repo = yield* KeyRotationRepo
      const { latestHead } = yield* SealRepo
      const { publicKey, signBytes } = yield* AuditSigner

      const trustedBy = (publicKeys: ReadonlyArray<Buffer>) =>
        Effect.map(repo.all, (rotations) => KeyRotation.trust(publicKeys, rotations))

      /** Returns the audit as it is covered by the newest head, and that head. */
      const currentState = Effect.gen(function* () {
        const head = yield* latestHead
        const { chainHash, rootHash, treeSize } = Option.getOrElse(head, () => EMPTY)
        const signedAt = DateTime.formatIso(yield* DateTime.now)
        return { head, state: { treeSize, rootHash, chainHash, signedAt } }
      })

      const rotate = Effect.fn("AuditKeys.rotate")(function* (next: KeyPair) {
        const { head, state } = yield* currentState
        const trusted = yield* trustedBy([publicKey])
        if (next.publicKey.equals(publicKey))
          return yield* new KeyRotationRefused({ reason: "the new key is the current key" })
        if (trusted.accepts(next.publicKey, Number.POSITIVE_INFINITY))
          return yield* new KeyRotationRefused({
            reason: "the new key was used before; generate another one"
          })
        const successor = trusted.rotations.find(
          ({ previousKey, previousSignature }) =>
            previousKey.equals(publicKey) && Option.isSome(previousSignature)
        )
        if (successor !== undefined)
          return yield* new KeyRotationRefused({
            reason: `the current key was already replaced by ${successor.publicKey.toString("hex")}; rotate that one`
          })
        if (Option.isSome(head) && !trusted.accepts(head.value.publicKey, head.value.treeSize))
          return yield* new KeyRotationRefused({
            reason: `the audit is signed with ${head.value.publicKey.toString("hex")}, and the current key is ${publicKey.toString("hex")}; run this with the key that signs the audit`
          })
        const rotation = { ...state, previousKey: publicKey, publicKey: next.publicKey }
        const bytes = KeyRotation.encode(rotation)
        const signed: KeyRotation.SignedKeyRotation = {
          ...rotation,
          previousSignature: Option.some(signBytes(bytes)),
          signature: next.signBytes(bytes)
        }
        yield* repo.insert(signed)
        return signed
      })

      const replaceLost = Effect.fn("AuditKeys.replaceLost")(function* (lostKey: Buffer) {
        const { state } = yield* currentState
        if (lostKey.equals(publicKey))
          return yield* new KeyRotationRefused({ reason: "the lost key is the current key" })
        if ((yield* trustedBy([publicKey])).accepts(lostKey, state.treeSize))
          return yield* new KeyRotationRefused({
            reason: "the current key already vouches for the records of this key"
          })
        const rotation = { ...state, previousKey: lostKey, publicKey }
        const signed: KeyRotation.SignedKeyRotation = {
          ...rotation,
          previousSignature: Option.none(),
          signature: signBytes(KeyRotation.encode(rotation))
        }
        yield* repo.insert(signed)
        return signed
      })

      return AuditKeys.of({ publicKey, rotations: repo.all, trustedBy, rotate, replaceLost })
    })
  )

  static readonly layer = AuditKeys.layerNoDeps.pipe(Layer.provide(KeyRotationRepo.layer))
}

const EMPTY = { treeSize: 0, rootHash: MerkleTree.resume(0, []).root(), chainHash: GENESIS }
