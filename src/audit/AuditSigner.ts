import { Context, Effect, FileSystem, Layer, Option, Path, Redacted, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { Settings } from "../config/Settings.ts"
import { makeSigner, type SignedTreeHead, type TreeHead } from "./TreeHead.ts"

/** The signing key could not be read or created. */
export class SigningKeyError extends Schema.TaggedError<SigningKeyError>()("SigningKeyError", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `Cannot use the audit signing key ${this.path}: ${this.detail}. Set AUDIT_SIGNING_KEY or DATA_DIR`
  }
}

const SEED_BYTES = 32

/** Signs tree heads of the audit with Ed25519. */
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
        : yield* readOrCreateKey(dataDir)
      return AuditSigner.of(makeSigner(Buffer.from(seed, "base64")))
    })
  )
}

const readOrCreateKey = Effect.fnUntraced(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const random = yield* SecureRandom.SecureRandom
  const file = path.join(directory, "audit-signing-key")
  const toError = (error: { readonly message: string }) =>
    new SigningKeyError({ path: file, detail: error.message })
  return yield* Effect.gen(function* () {
    yield* fs.makeDirectory(directory, { recursive: true })
    const newSeed = Buffer.from(yield* random.randomBytes(SEED_BYTES)).toString("base64")
    // Another process may create the key at the same time. A link publishes the complete file, and only if none exists.
    const temporary = yield* fs.makeTempFileScoped({ directory, prefix: "audit-signing-key-" })
    yield* fs.chmod(temporary, 0o600)
    yield* fs.writeFileString(temporary, newSeed)
    yield* fs.link(temporary, file).pipe(
      Effect.catchIf(
        (error) => error.reason._tag === "AlreadyExists",
        () => Effect.void
      )
    )
    const seed = (yield* fs.readFileString(file)).trim()
    if (Buffer.from(seed, "base64").length === SEED_BYTES) return seed
    return yield* new SigningKeyError({ path: file, detail: `it must be ${SEED_BYTES} bytes in base64` })
  }).pipe(
    Effect.scoped,
    Effect.mapError((error) => (error._tag === "SigningKeyError" ? error : toError(error)))
  )
})
