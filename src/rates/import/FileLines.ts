import { Stream } from "effect"
import { MAX_LINE_LENGTH } from "../../domain/rates/ImportRow.ts"

/** Line of a text file, without its line ending. */
export interface NumberedLine {
  /** Starts at 1. */
  readonly line: number
  /** Truncated after `MAX_LINE_LENGTH`, so that a longer line is still recognizable as too long. */
  readonly text: string
}

/**
 * Splits UTF-8 text into lines that end with LF or CRLF, and drops a byte order mark. Memory use is bounded, also for a
 * file without line endings.
 */
export const read = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>): Stream.Stream<NumberedLine, E, R> =>
  bytes.pipe(
    Stream.decodeText,
    Stream.mapAccumArray(
      () => ({ pending: "", line: 0 }),
      (state, texts) => {
        const parts = (state.pending + texts.join("")).split("\n")
        const pending = (parts.pop() ?? "").slice(0, MAX_LINE_LENGTH + 1)
        const lines = parts.map((text, index) => ({
          line: state.line + index + 1,
          text: text.endsWith("\r") ? text.slice(0, -1) : text
        }))
        return [{ pending, line: state.line + parts.length }, lines]
      },
      { onHalt: ({ line, pending }) => (pending === "" ? [] : [{ line: line + 1, text: pending }]) }
    )
  )
