import { Context, Effect, Layer, Option, Redacted } from "effect"
import { Settings } from "../config/Settings.ts"
import * as SigningKeyFile from "./keys/SigningKeyFile.ts"
import { makeSigner, type SignedTreeHead, type TreeHead } from "./TreeHead.ts"

/** Signs tree heads and key rotations of the audit with Ed25519. */
export class AuditSigner extends Context.Service<
  AuditSigner,
  {
    readonly publicKey: Buffer
    readonly sign: (head: TreeHead) => SignedTreeHead
    readonly signBytes: (bytes: Uint8Array) => Buffer
  }
>()("effex/audit/AuditSigner") {
  /** Uses the key of `AUDIT_SIGNING_KEY`, else the key file in `DATA_DIR`, which is created on the first start. */
  static readonly layer = Layer.effect(
    AuditSigner,
    Effect.gen(function* () {
      const { auditSigningKey, dataDir } = yield* Settings
      const seed = Option.isSome(auditSigningKey)
        ? Redacted.value(auditSigningKey.value)
        : yield* SigningKeyFile.readOrCreate(dataDir)
      return AuditSigner.of(makeSigner(Buffer.from(seed, "base64")))
    })
  )
}
