import { Console, DateTime, Effect, Queue, Schedule, Terminal } from "effect"
import type { RateMessage } from "../../api/rates/RateMessage.ts"
import * as RateBoard from "./RateBoard.ts"

const ENTER_BOARD = "\u001b[?1049h\u001b[?25l"
const LEAVE_BOARD = "\u001b[?25h\u001b[?1049l"
const CURSOR_HOME = "\u001b[H"
const CLEAR_LINE = "\u001b[K"
const CLEAR_BELOW = "\u001b[J"

/** Shows rates as they change. */
export interface RateBoardView {
  /** Shows a rate in place of the previous rate of its pair. */
  readonly showRate: (rate: RateMessage) => Effect.Effect<void>
  /** Shows the status, such as `connected`. */
  readonly showStatus: (status: string) => Effect.Effect<void>
  /** Shows a short-lived status. Only a board shows it; the line output skips it. */
  readonly showProgress: (status: string) => Effect.Effect<void>
  /** Completes when the user leaves the board with `q`, Esc or Ctrl+C. The line output never completes. */
  readonly left: Effect.Effect<void>
}

export const isTerminal = process.stdout.isTTY === true

/** Significant digits of a rate on the board. */
const BOARD_DIGITS = 7

/**
 * Draws a board in place on a terminal and restores the screen with the scope. Otherwise prints one line per change.
 * `detail` follows the status in the title line.
 */
export const make = (title: string, detail: string) =>
  isTerminal ? makeBoard(title, detail) : makeLines(title)

/** Completes when the reader of standard output closes it, as in `effex rates --watch | head`. */
export const stdoutClosed = Effect.callback<void>((resume) => {
  process.stdout.on("error", () => resume(Effect.void))
})

const makeLines = (title: string) =>
  Effect.sync((): RateBoardView => {
    const rows = new Map<string, RateBoard.Row>()
    return {
      showRate: Effect.fnUntraced(function* (rate) {
        const key = RateBoard.keyOf(rate)
        const row = RateBoard.nextRow(rows.get(key), rate)
        rows.set(key, row)
        yield* Console.log(lineOf(key, row))
      }),
      showStatus: (status) => Console.error(`${title}: ${status}`),
      showProgress: () => Effect.void,
      left: Effect.never
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

/** Waits for a key that leaves the board. Without a terminal as standard input, only a signal ends it. */
const awaitLeave = (terminal: Terminal.Terminal) =>
  process.stdin.isTTY === true ? Effect.scoped(awaitLeaveKey(terminal)) : Effect.never

/** Waits for `q` or Esc, or for the end of the input. */
export const awaitLeaveKey = Effect.fnUntraced(function* (terminal: Terminal.Terminal) {
  const keys = yield* terminal.readInput
  const key = Queue.take(keys).pipe(Effect.map(({ key }) => key.name))
  // The end of the input, and Ctrl+C and Ctrl+D, end the queue.
  yield* Effect.ignore(Effect.repeat(key, { until: (name) => name === "q" || name === "escape" }))
})

/** Draws a board on a terminal. */
export const makeBoard = Effect.fnUntraced(function* (title: string, detail: string) {
  const terminal = yield* Terminal.Terminal
  const isColored = process.env["NO_COLOR"] === undefined
  const rows = new Map<string, RateBoard.Row>()
  let status = "connecting"
  const display = (text: string) => Effect.ignore(terminal.display(text))

  const hint = process.stdin.isTTY === true ? ["q to leave"] : []
  const render = Effect.fnUntraced(function* (titles: ReadonlyArray<string>) {
    const [columns, height] = [yield* terminal.columns, yield* terminal.rows]
    const now = yield* DateTime.now
    const current = Array.from(rows.values())
    return [
      [title, status, detail, ...titles].join(" · ").slice(0, columns),
      ...RateBoard.renderWithin(current, height - 1, { now, columns, isColored, digits: BOARD_DIGITS })
    ]
  })

  const draw = Effect.flatMap(render(hint), (lines) =>
    display(CURSOR_HOME + lines.map((line) => line + CLEAR_LINE).join("\r\n") + CLEAR_BELOW)
  )

  yield* Effect.acquireRelease(display(ENTER_BOARD), () =>
    // Leaves the last rates on the normal screen.
    Effect.flatMap(render([]), (lines) =>
      display(`${LEAVE_BOARD}${lines.map((line) => line.trimEnd()).join("\n")}\n`)
    )
  )
  yield* Effect.forkScoped(Effect.repeat(draw, Schedule.spaced("250 millis")))

  const showStatus = (next: string) =>
    Effect.sync(() => {
      status = next
    })
  return {
    showRate: (rate) =>
      Effect.sync(() => {
        const key = RateBoard.keyOf(rate)
        rows.set(key, RateBoard.nextRow(rows.get(key), rate))
      }),
    showStatus,
    showProgress: showStatus,
    left: awaitLeave(terminal)
  } satisfies RateBoardView
})
