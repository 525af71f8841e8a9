import { Stream } from "effect"
import { MAX_LINE_LENGTH } from "../../domain/rates/ImportRow.ts"

/** A line of a text file, without what ends it. */
export interface NumberedLine {
  /** The first one is 1. */
  readonly line: number
  /** Cut where it is longer than any line may be, but still longer than that. */
  readonly text: string
}

/**
 * The lines of a file in UTF-8, with or without a byte order mark, ended by LF or CRLF. A file without line ends takes
 * no more memory than one with them.
 */
export const read = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<NumberedLine, E, R> =>
  bytes.pipe(
    Stream.decodeText,
    Stream.mapAccumArray(
      () => ({ rest: "", line: 0 }),
      (state, texts) => {
        const parts = (state.rest + texts.join("")).split("\n")
        const rest = (parts.pop() ?? "").slice(0, MAX_LINE_LENGTH + 1)
        const lines = parts.map((text, index) => ({
          line: state.line + index + 1,
          text: text.endsWith("\r") ? text.slice(0, -1) : text
        }))
        return [{ rest, line: state.line + parts.length }, lines]
      },
      { onHalt: ({ line, rest }) => (rest === "" ? [] : [{ line: line + 1, text: rest }]) }
    )
  )
