import { Console, DateTime, Effect, Schedule, Terminal } from "effect"
import type { RateMessage } from "../../api/rates/RateMessage.ts"
import * as RateBoard from "./RateBoard.ts"

const ENTER = "\u001b[?1049h\u001b[?25l"
const LEAVE = "\u001b[?25h\u001b[?1049l"
const HOME = "\u001b[H"
const CLEAR_LINE = "\u001b[K"
const CLEAR_BELOW = "\u001b[J"

/** A place where rates are shown as they change. */
export interface RateBoardView {
  /** Shows a rate, in the place of the one before it. */
  readonly tell: (rate: RateMessage) => Effect.Effect<void>
  /** Says how things stand. */
  readonly say: (status: string) => Effect.Effect<void>
  /** The same for what is of interest for a moment only. */
  readonly mention: (status: string) => Effect.Effect<void>
}

export const isTerminal = process.stdout.isTTY === true

/** As many significant digits as the eye can follow. */
const DIGITS = 7

/**
 * A board that is drawn in place on a terminal, and gives it back with the scope; a line for each change elsewhere.
 * `detail` stands in the head of the board, behind how things stand.
 */
export const make = (title: string, detail: string) =>
  isTerminal ? makeBoard(title, detail) : makeLines(title)

/** Ends when nobody reads what is printed any more, as with `| head`. */
export const readerGone = Effect.callback<void>((resume) => {
  process.stdout.on("error", () => resume(Effect.void))
})

const makeLines = (title: string) =>
  Effect.sync((): RateBoardView => {
    const rows = new Map<string, RateBoard.Row>()
    return {
      tell: Effect.fnUntraced(function* (rate) {
        const key = RateBoard.keyOf(rate)
        const row = RateBoard.follow(rows.get(key), rate)
        rows.set(key, row)
        yield* Console.log(lineOf(key, row))
      }),
      say: (status) => Console.error(`${title}: ${status}`),
      mention: () => Effect.void
    }
  })

const lineOf = (key: string, { change, rate }: RateBoard.Row) =>
  [
    DateTime.formatIso(rate.fetchedAt),
    key,
    RateBoard.rateText(rate),
    RateBoard.changeText(change) || "-",
    rate.provider,
    ...(rate.stale ? ["stale"] : [])
  ].join(" ")

/** The board of a terminal. */
export const makeBoard = Effect.fnUntraced(function* (title: string, detail: string) {
  const terminal = yield* Terminal.Terminal
  const isColored = process.env["NO_COLOR"] === undefined
  const rows = new Map<string, RateBoard.Row>()
  let status = "connecting"
  const display = (text: string) => Effect.ignore(terminal.display(text))

  const frame = Effect.gen(function* () {
    const [columns, height] = [yield* terminal.columns, yield* terminal.rows]
    const now = yield* DateTime.now
    const shown = Array.from(rows.values())
    return [
      [title, status, detail].join(" · ").slice(0, columns),
      ...RateBoard.renderWithin(shown, height - 1, { now, columns, isColored, digits: DIGITS })
    ]
  })

  const draw = Effect.flatMap(frame, (lines) =>
    display(HOME + lines.map((line) => line + CLEAR_LINE).join("\r\n") + CLEAR_BELOW)
  )

  yield* Effect.acquireRelease(display(ENTER), () =>
    // What was seen last stays on the screen behind the board.
    Effect.flatMap(frame, (lines) => display(`${LEAVE}${lines.map((line) => line.trimEnd()).join("\n")}\n`))
  )
  yield* Effect.forkScoped(Effect.repeat(draw, Schedule.spaced("250 millis")))

  const say = (next: string) =>
    Effect.sync(() => {
      status = next
    })
  return {
    tell: (rate) =>
      Effect.sync(() => {
        const key = RateBoard.keyOf(rate)
        rows.set(key, RateBoard.follow(rows.get(key), rate))
      }),
    say,
    mention: say
  } satisfies RateBoardView
})
