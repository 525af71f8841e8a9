import { Effect, FileSystem, identity, Option, Path, Ref, Result } from "effect"
import { type HeadDestination, PublishFailed, type PublishedHead } from "./HeadDestination.ts"
import * as HeadFile from "./HeadFile.ts"
import { toReceiptHead } from "../Receipt.ts"
import type { SignedTreeHead } from "../TreeHead.ts"

/** A head has about 430 bytes. */
const TAIL_BYTES = 16 * 1024

/** Every line starts with this. */
const LINE_START = '{"tree_size":'

const toFailure = Effect.mapError(
  (error: { readonly message: string }) => new PublishFailed({ reason: error.message })
)

/**
 * Reads the last head of a file, none if there is no file, and the length of its complete lines. Fails if the file has
 * other content.
 */
const readEnd = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  if (!(yield* fs.exists(file))) return { head: Option.none<SignedTreeHead>(), size: 0, complete: 0 }
  const size = Number((yield* fs.stat(file)).size)
  const start = Math.max(0, size - TAIL_BYTES)
  const tail = Buffer.alloc(size - start)
  yield* Effect.scoped(
    Effect.gen(function* () {
      const opened = yield* fs.open(file, { flag: "r" })
      yield* opened.seek(BigInt(start), "start")
      yield* opened.read(tail)
    })
  )
  const end = tail.lastIndexOf("\n") + 1
  const line = tail.subarray(0, end).toString().trimEnd().split("\n").at(-1) ?? ""
  const heads = line === "" ? Result.succeed([]) : HeadFile.parse(line)
  const incomplete = tail.subarray(end).toString()
  const isOwn = incomplete.startsWith(LINE_START) || LINE_START.startsWith(incomplete)
  if (Result.isFailure(heads) || !isOwn)
    return yield* new PublishFailed({
      reason: `${file} is not a file of signed heads; set AUDIT_HEADS_FILE to another path`
    })
  return { head: Option.fromUndefinedOr(heads.success.at(-1)), size, complete: start + end }
}, toFailure)

/** Returns the last head of a file; none if there is no file. */
export const lastHead = (file: string) => Effect.map(readEnd(file), ({ head }) => head)

/** Appends heads to a file as NDJSON, flushed to disk. The last line of the file says where to continue. */
export const make = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const last = yield* Ref.make(Option.none<PublishedHead>())
  const isOpened = yield* Ref.make(false)

  /** Removes an incomplete line at the end, which a crash left: its head is appended again. */
  const open = Effect.gen(function* () {
    if (yield* Ref.get(isOpened)) return
    yield* fs.makeDirectory(path.dirname(file), { recursive: true })
    const { complete, head, size } = yield* readEnd(file).pipe(
      Effect.provideService(FileSystem.FileSystem, fs)
    )
    if (complete < size) yield* fs.truncate(file, complete)
    yield* Ref.set(
      last,
      Option.map(head, ({ rootHash, treeSize }) => ({ treeSize, rootHash: Option.some(rootHash) }))
    )
    yield* Ref.set(isOpened, true)
  }).pipe(toFailure)

  const append = (heads: ReadonlyArray<SignedTreeHead>) =>
    Effect.scoped(
      Effect.gen(function* () {
        const lines = heads.map((head) => `${JSON.stringify(toReceiptHead(head))}\n`).join("")
        const opened = yield* fs.open(file, { flag: "a" })
        yield* opened.writeAll(new TextEncoder().encode(lines))
        yield* opened.sync
      })
    ).pipe(
      toFailure,
      // A part of the lines may be in the file.
      Effect.tapError(() => Ref.set(isOpened, false))
    )

  const destination: HeadDestination = {
    kind: "file",
    setting: "AUDIT_HEADS_FILE",
    exclusively: identity,
    last: Effect.andThen(open, Ref.get(last)),
    publish: Effect.fnUntraced(function* (heads) {
      yield* append(heads)
      const newest = heads.at(-1)
      if (newest !== undefined)
        yield* Ref.set(
          last,
          Option.some({ treeSize: newest.treeSize, rootHash: Option.some(newest.rootHash) })
        )
    })
  }
  return destination
})
