import { Context, Effect, FileSystem, Layer, Option, Path, Redacted, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import { Settings } from "../config/Settings.ts"
import { makeSigner, type SignedTreeHead, type TreeHead } from "./TreeHead.ts"

/** The key that signs the audit could not be read, or made. */
export class SigningKeyError extends Schema.TaggedError<SigningKeyError>()("SigningKeyError", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `The key that signs the audit, ${this.path}, cannot be used: ${this.detail}. Set AUDIT_SIGNING_KEY, or DATA_DIR`
  }
}

/** Signs heads of the audit with Ed25519. */
export class AuditSigner extends Context.Service<
  AuditSigner,
  {
    readonly publicKey: Buffer
    readonly sign: (head: TreeHead) => SignedTreeHead
  }
>()("effex/audit/AuditSigner") {
  /** The key of `AUDIT_SIGNING_KEY`, else the one under `DATA_DIR`, which is made on the first start. */
  static readonly layer = Layer.effect(
    AuditSigner,
    Effect.gen(function* () {
      const { auditSigningKey, dataDir } = yield* Settings
      const seed = Option.isSome(auditSigningKey)
        ? Redacted.value(auditSigningKey.value)
        : yield* keyUnder(dataDir)
      return AuditSigner.of(makeSigner(Buffer.from(seed, "base64")))
    })
  )
}

const keyUnder = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const random = yield* SecureRandom.SecureRandom
  const file = path.join(folder, "audit-signing-key")
  const failed = (error: { readonly message: string }) =>
    new SigningKeyError({ path: file, detail: error.message })
  return yield* Effect.gen(function* () {
    yield* fs.makeDirectory(folder, { recursive: true })
    const fresh = Buffer.from(yield* random.randomBytes(32)).toString("base64")
    // Written aside and then linked, whole and only if there is none: another process may make one at the same moment.
    const aside = yield* fs.makeTempFileScoped({ directory: folder, prefix: "audit-signing-key-" })
    yield* fs.chmod(aside, 0o600)
    yield* fs.writeFileString(aside, fresh)
    yield* fs.link(aside, file).pipe(
      Effect.catchIf(
        (error) => error.reason._tag === "AlreadyExists",
        () => Effect.void
      )
    )
    const seed = (yield* fs.readFileString(file)).trim()
    if (Buffer.from(seed, "base64").length === 32) return seed
    return yield* new SigningKeyError({ path: file, detail: "it is not 32 bytes in base64" })
  }).pipe(
    Effect.scoped,
    Effect.mapError((error) => (error._tag === "SigningKeyError" ? error : failed(error)))
  )
})
