import { Effect, FileSystem, Path, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Ed25519 from "./Ed25519.ts"

/** The signing key could not be read, created or replaced. */
export class SigningKeyError extends Schema.TaggedError<SigningKeyError>()("SigningKeyError", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `Cannot use the audit signing key ${this.path}: ${this.detail}. Set AUDIT_SIGNING_KEY or DATA_DIR`
  }
}

const NAME = "audit-signing-key"

/** Returns the seed of a new key, in base64. */
export const newSeed = Effect.gen(function* () {
  const random = yield* SecureRandom.SecureRandom
  return Buffer.from(yield* random.randomBytes(Ed25519.KEY_BYTES)).toString("base64")
})

/** Reads a seed in base64 from a file. */
export const readSeed = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const seed = (yield* Effect.mapError(fs.readFileString(file), toError(file))).trim()
  if (Buffer.from(seed, "base64").length === Ed25519.KEY_BYTES) return seed
  return yield* new SigningKeyError({ path: file, detail: `it must be ${Ed25519.KEY_BYTES} bytes in base64` })
})

/** Reads the key file of a directory, and creates it on the first start. Returns the seed in base64. */
export const readOrCreate = Effect.fnUntraced(function* (directory: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(directory, NAME)
  yield* Effect.gen(function* () {
    yield* fs.makeDirectory(directory, { recursive: true })
    // Another process may create the key at the same time. A link publishes the complete file, and only if none exists.
    const temporary = yield* fs.makeTempFileScoped({ directory, prefix: `${NAME}-` })
    yield* fs.chmod(temporary, 0o600)
    yield* fs.writeFileString(temporary, yield* newSeed)
    yield* fs.link(temporary, file).pipe(
      Effect.catchIf(
        (error) => error.reason._tag === "AlreadyExists",
        () => Effect.void
      )
    )
  }).pipe(Effect.scoped, Effect.mapError(toError(file)))
  return yield* readSeed(file)
})

/**
 * Replaces the key file of a directory. Writes the new seed to a file beside it, runs `record`, and then renames both, so
 * that a crash loses neither key. Returns the paths of the new and of the previous key.
 */
export const replace = Effect.fnUntraced(function* <A, E, R>(
  directory: string,
  { previousKey, seed }: { readonly previousKey: Buffer; readonly seed: string },
  record: Effect.Effect<A, E, R>
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(directory, NAME)
  const next = `${file}.new`
  const previous = `${file}.${previousKey.toString("hex").slice(0, 16)}`
  const io = <B, F extends { readonly message: string }>(effect: Effect.Effect<B, F>) =>
    Effect.mapError(effect, toError(file))
  yield* Effect.scoped(
    Effect.gen(function* () {
      const opened = yield* fs.open(next, { flag: "w", mode: 0o600 })
      yield* opened.writeAll(new TextEncoder().encode(seed))
      yield* opened.sync
    })
  ).pipe(io)
  const recorded = yield* Effect.onError(record, () => Effect.ignore(fs.remove(next)))
  yield* io(fs.copyFile(file, previous))
  yield* io(fs.rename(next, file))
  return { recorded, file, previous }
})

const toError = (path: string) => (error: { readonly message: string }) =>
  new SigningKeyError({ path, detail: error.message })
