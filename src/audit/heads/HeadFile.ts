import { Effect, type FileSystem, Option, Result, Schema, Stream } from "effect"
import { KeptHead } from "../../api/conversion/ProofMessage.ts"
import * as StrictJson from "../../domain/StrictJson.ts"
import * as HeadMessage from "./HeadMessage.ts"
import type { SignedTreeHead } from "../TreeHead.ts"

/** A file does not contain signed heads. */
export class InvalidHeadFile extends Schema.TaggedError<InvalidHeadFile>()("InvalidHeadFile", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.file} ${this.reason}; allowed: signed heads as JSON or NDJSON, as \`effex audit heads\` and /api/v1/audit/heads return them`
  }
}

/** A head, a response of `/api/v1/audit/heads`, a list of heads, or a receipt. */
const HeadJson = Schema.Union([
  KeptHead,
  Schema.Struct({ heads: Schema.Array(KeptHead) }),
  Schema.Struct({ head: KeptHead }),
  Schema.Array(KeptHead)
])

const decode = Schema.decodeUnknownResult(HeadJson)

/** Parses the heads of a JSON text. */
export const parse = (text: string): Result.Result<ReadonlyArray<SignedTreeHead>, string> => {
  const json = StrictJson.parse(text)
  if (Option.isNone(json)) return Result.fail("is not valid JSON")
  const decoded = decode(json.value)
  if (Result.isFailure(decoded)) return Result.fail("is not a signed head")
  const message = decoded.success
  const heads = "heads" in message ? message.heads : "head" in message ? [message.head] : [message].flat()
  return Result.succeed(heads.map(HeadMessage.fromMessage))
}

/**
 * Reads the signed heads of a file, JSON or NDJSON. NDJSON is read line by line, because an audit that is sealed every
 * second has many heads. Fails on a file without heads, which would prove nothing.
 */
export const read = (
  fs: FileSystem.FileSystem,
  file: string
): Stream.Stream<SignedTreeHead, InvalidHeadFile> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const unreadable = () => new InvalidHeadFile({ file, reason: "cannot be read" })
      const lines = fs.stream(file).pipe(
        Stream.mapError(unreadable),
        Stream.decodeText,
        Stream.splitLines,
        Stream.zipWithIndex,
        Stream.filter(([line]) => line.trim() !== "")
      )
      const first = yield* Stream.runHead(lines)
      if (Option.isNone(first)) return yield* new InvalidHeadFile({ file, reason: "is empty" })
      const isNdjson = Option.isSome(StrictJson.parse(first.value[0]))
      const wholeFile = Stream.fromEffect(Effect.mapError(fs.readFileString(file), unreadable))
      const documents = isNdjson ? lines : Stream.zipWithIndex(wholeFile)
      let count = 0
      const heads = documents.pipe(
        Stream.mapEffect(([text, index]) =>
          Effect.mapError(
            Effect.fromResult(parse(text)),
            (reason) =>
              new InvalidHeadFile({ file, reason: isNdjson ? `line ${index + 1} ${reason}` : reason })
          )
        ),
        Stream.flatMap(Stream.fromIterable),
        Stream.tap(() =>
          Effect.sync(() => {
            count += 1
          })
        )
      )
      const failWithoutHeads = Stream.unwrap(
        Effect.suspend(() =>
          count > 0
            ? Effect.succeed(Stream.empty)
            : Effect.fail(new InvalidHeadFile({ file, reason: "has no heads" }))
        )
      )
      return Stream.concat(heads, failWithoutHeads)
    })
  )
