import * as NodeStream from "@effect/platform-node/NodeStream"
import { Effect, FileSystem, Path, Schema, Stream } from "effect"
import { createHash } from "node:crypto"
import { createGunzip, createGzip } from "node:zlib"
import * as ArchiveManifest from "./ArchiveManifest.ts"

/** An archive cannot be read or written, or is not what its manifest says. */
export class ArchiveError extends Schema.TaggedError<ArchiveError>()("ArchiveError", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

export const archiveError = (detail: string) => new ArchiveError({ detail })

const orFail =
  (what: string) =>
  <A, E extends { readonly message: string }, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.mapError(effect, ({ message }) => archiveError(`${what}: ${message}`))

/** Creates a folder and those above it, which outlast a crash afterwards. */
export const createFolder = Effect.fnUntraced(
  function* (folder: string) {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const changed: Array<string> = []
    for (let missing = path.resolve(folder); !(yield* fs.exists(missing)); missing = path.dirname(missing))
      changed.push(path.dirname(missing))
    yield* fs.makeDirectory(folder, { recursive: true })
    yield* Effect.forEach(changed, flush)
  },
  (effect, folder) => orFail(`${folder} cannot be created`)(effect)
)

/** Flushes the files of an archive and its folder to disk. */
export const flushAll = Effect.fnUntraced(
  function* (folder: string, partition: string) {
    const path = yield* Path.Path
    const names = [ArchiveManifest.fileNameOf(partition), ArchiveManifest.manifestNameOf(partition)]
    yield* Effect.forEach([...names.map((name) => path.join(folder, name)), folder], flush)
  },
  (effect, folder) => orFail(`${folder} cannot be flushed to disk`)(effect)
)

/** Flushes a file or a folder, by whomever it was written. */
const flush = Effect.fnUntraced(function* (path: string) {
  const file = yield* (yield* FileSystem.FileSystem).open(path, { flag: "r" })
  yield* file.sync
}, Effect.scoped)

/** Writes lines into a compressed file. Returns the SHA-256 of the file. */
export const write = Effect.fnUntraced(function* <E, R>(path: string, lines: Stream.Stream<string, E, R>) {
  const fs = yield* FileSystem.FileSystem
  const bytes = lines.pipe(
    Stream.map((line) => `${line}\n`),
    Stream.encodeText,
    NodeStream.pipeThroughDuplex({ evaluate: () => createGzip() })
  )
  yield* Stream.run(bytes, fs.sink(path))
  return yield* digestOf(path)
})

const digestOf = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const hash = createHash("sha256")
  yield* Stream.runForEach(fs.stream(path), (chunk) => Effect.sync(() => hash.update(chunk)))
  return hash.digest("hex")
})

/** Reads the lines of a compressed file. */
export const read = (path: string) =>
  Stream.unwrap(
    Effect.map(FileSystem.FileSystem, (fs) =>
      fs.stream(path).pipe(
        NodeStream.pipeThroughDuplex({ evaluate: () => createGunzip() }),
        Stream.decodeText,
        Stream.splitLines,
        Stream.mapError(({ message }) => archiveError(`${path}: ${message}`))
      )
    )
  )

export const writeManifest = Effect.fnUntraced(function* (
  folder: string,
  manifest: ArchiveManifest.ArchiveManifest
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, ArchiveManifest.manifestNameOf(manifest.partition))
  yield* fs.writeFileString(file, `${yield* Effect.orDie(ArchiveManifest.encode(manifest))}\n`)
})

/** Reads the manifest of a partition. */
export const readManifest = Effect.fnUntraced(function* (folder: string, partition: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const name = ArchiveManifest.manifestNameOf(partition)
  const text = yield* fs.readFileString(path.join(folder, name)).pipe(orFail(name))
  const manifest = yield* ArchiveManifest.decode(text).pipe(orFail(`${name} is not a manifest`))
  if (manifest.partition !== partition || manifest.file !== ArchiveManifest.fileNameOf(partition))
    return yield* archiveError(`${name} describes ${manifest.partition}`)
  return manifest
})

/** Reads the manifest of a partition, and proves that its file is complete: length, digests and number of rows. */
export const verify = Effect.fnUntraced(function* (folder: string, partition: string) {
  const path = yield* Path.Path
  const manifest = yield* readManifest(folder, partition)
  const file = path.join(folder, manifest.file)
  const digest = yield* digestOf(file).pipe(orFail(manifest.file))
  if (digest !== manifest.fileDigest)
    return yield* archiveError(
      `${manifest.file} was changed: its SHA-256 is ${digest}, not ${manifest.fileDigest}`
    )
  const hash = createHash("sha256")
  let rows = 0
  yield* Stream.runForEach(read(file), (line) =>
    Effect.sync(() => {
      hash.update(line).update("\n")
      rows++
    })
  )
  if (rows !== manifest.content.rows || hash.digest("hex") !== manifest.content.digest)
    return yield* archiveError(
      `${manifest.file} does not have the ${manifest.content.rows} rows of its manifest`
    )
  return { manifest, file }
})

/** Verifies every archive of a folder. Returns their manifests. */
export const verifyAll = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const names = yield* fs.readDirectory(folder).pipe(orFail(folder))
  const partitions = names.flatMap((name) => /^(.+)\.manifest\.json$/.exec(name)?.[1] ?? []).toSorted()
  if (partitions.length === 0) return yield* archiveError(`${folder} has no archive`)
  return yield* Effect.forEach(partitions, (partition) =>
    Effect.map(verify(folder, partition), ({ manifest }) => manifest)
  )
})
