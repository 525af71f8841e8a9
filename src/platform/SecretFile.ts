import { Effect, FileSystem, Path, Schema } from "effect"

/** A generated secret could not be read or stored. */
export class SecretFileError extends Schema.TaggedError<SecretFileError>()("SecretFileError", {
  path: Schema.String,
  setting: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `Cannot use the key file ${this.path}: ${this.detail}. Set ${this.setting} or DATA_DIR`
  }
}

/**
 * Returns the text of a file in a directory, and creates it with `generate` on the first start. Only the owner can read it.
 * `setting` is the setting that replaces the file, for error messages.
 */
export const readOrCreate = Effect.fnUntraced(function* <R>(
  directory: string,
  {
    generate,
    name,
    setting
  }: {
    readonly name: string
    readonly setting: string
    readonly generate: Effect.Effect<string, never, R>
  }
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(directory, name)
  const toError = (error: { readonly message: string }) =>
    new SecretFileError({ path: file, setting, detail: error.message })
  yield* Effect.gen(function* () {
    if (yield* fs.exists(file)) return
    yield* fs.makeDirectory(directory, { recursive: true })
    // Another process may create the file at the same time. A link publishes it complete, and only if none exists.
    const temporary = yield* fs.makeTempFileScoped({ directory, prefix: `${name}-` })
    yield* fs.chmod(temporary, 0o600)
    yield* fs.writeFileString(temporary, yield* generate)
    yield* fs.link(temporary, file).pipe(
      Effect.catchIf(
        (error) => error.reason._tag === "AlreadyExists",
        () => Effect.void
      )
    )
  }).pipe(Effect.scoped, Effect.mapError(toError))
  return { file, text: (yield* Effect.mapError(fs.readFileString(file), toError)).trim() }
})
