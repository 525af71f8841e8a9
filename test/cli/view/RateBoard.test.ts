import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Exit, Queue, Scope, Terminal } from "effect"
import { TestClock } from "effect/testing"
import * as RateBoard from "../../../src/cli/view/RateBoard.ts"
import * as RateBoardView from "../../../src/cli/view/RateBoardView.ts"
import { rate } from "../../support/RateMessages.ts"

/** 12 seconds after the sample rates were fetched. */
const now = DateTime.makeUnsafe("2026-11-21T03:27:29.999Z")
const layout = { now, columns: 80, isColored: false }

const rowsOf = (...messages: ReadonlyArray<ReturnType<typeof rate>>) =>
  messages.map((message) => RateBoard.nextRow(undefined, message))

const trimmed = (lines: ReadonlyArray<string>) => lines.map((line) => line.trimEnd())

describe("RateBoard", () => {
  it("shows pair, rate, change, age and provider, aligned at the decimal point", () => {
    const rows = [
      RateBoard.nextRow(RateBoard.nextRow(undefined, rate("1534.1")), rate("1534.35")),
      RateBoard.nextRow(RateBoard.nextRow(undefined, rate("9.5", "GHS")), {
        ...rate("9.25", "GHS"),
        stale: true
      }),
      RateBoard.nextRow(undefined, rate("129", "KES"))
    ]
    assert.deepStrictEqual(trimmed(RateBoard.render(rows, layout)), [
      "PAIR     RATE     CHANGE   AGE        PROVIDER",
      "USD:NGN  1534.35  ▲ +0.25  12s        test",
      "USD:GHS     9.25  ▼ -0.25  12s stale  test",
      "USD:KES   129              12s        test"
    ])
  })

  it("computes exact changes and keeps a change until the next rate", () => {
    const [first, second] = [rate("0.1"), rate("0.3")]
    const row = RateBoard.nextRow(RateBoard.nextRow(undefined, first), second)
    assert.strictEqual(RateBoard.changeText(row.change), "▲ +0.2")
    assert.strictEqual(RateBoard.changeText(RateBoard.nextRow(row, second).change), "▲ +0.2")
    const same = { ...rate("0.3"), rateId: first.rateId }
    assert.strictEqual(RateBoard.changeText(RateBoard.nextRow(row, same).change), "= 0")
  })

  it("rounds large and small rates to the requested significant digits", () => {
    const digits = (value: string) =>
      RateBoard.render(rowsOf(rate(value)), { ...layout, digits: 7 })[1]?.split(/ +/)[1]
    assert.deepStrictEqual(["1534.123456789", "0.000651234567891", "1234567890.5", "130"].map(digits), [
      "1534.123",
      "0.0006512346",
      "1234567891",
      "130"
    ])
  })

  it("drops columns and rows that do not fit, and uses blocks side by side if they fit", () => {
    const rows = rowsOf(rate("1"), rate("2", "GHS"), rate("3", "KES"), rate("4", "ZAR"))
    assert.deepStrictEqual(trimmed(RateBoard.renderWithin(rows, 3, { ...layout, columns: 15 })), [
      "PAIR     RATE",
      "USD:NGN  1",
      "… 3 more rows d"
    ])
    assert.deepStrictEqual(trimmed(RateBoard.renderWithin(rows, 3, { ...layout, columns: 44 })), [
      "PAIR     RATE  AGE  PAIR     RATE  AGE",
      "USD:NGN  1     12s  USD:KES  3     12s",
      "USD:GHS  2     12s  USD:ZAR  4     12s"
    ])
    for (const columns of [0, 5, 20, 60]) {
      for (const line of RateBoard.renderWithin(rows, 4, { ...layout, columns }))
        assert.isAtMost(line.length, columns)
    }
  })

  it("formats an age in its largest unit", () => {
    const age = (at: string) => RateBoard.ageText(DateTime.makeUnsafe(at), now)
    assert.deepStrictEqual(
      ["2026-11-21T03:27:30Z", "2026-11-21T03:26:00Z", "2026-11-20T23:00:00Z", "2026-11-18T00:00:00Z"].map(
        age
      ),
      ["0s", "1m", "4h", "3d"]
    )
  })
})

/** A terminal of 80 columns and 24 rows that records its output. */
const makeTerminal = () => {
  const written: Array<string> = []
  const terminal = Terminal.make({
    columns: Effect.succeed(80),
    rows: Effect.succeed(24),
    size: Queue.unbounded<Terminal.Size>(),
    readInput: Effect.never,
    readLine: Effect.never,
    display: (text) => Effect.sync(() => void written.push(text))
  })
  return { terminal, written }
}

describe("RateBoardView on a terminal", () => {
  it.effect("draws in place and leaves the last rates on the normal screen", () =>
    Effect.gen(function* () {
      const { terminal, written } = makeTerminal()
      const scope = yield* Scope.make()
      const view = yield* RateBoardView.makeBoard("effex rates", "http://127.0.0.1:8000").pipe(
        Effect.provideService(Terminal.Terminal, terminal),
        Scope.provide(scope)
      )
      assert.strictEqual(written[0], "\u001b[?1049h\u001b[?25l")
      yield* view.showRate(rate("1534.5"))
      yield* view.showStatus("reconnecting")
      yield* TestClock.adjust("1 second")
      const frame = written.at(-1) ?? ""
      assert.isTrue(
        frame.startsWith("\u001b[Heffex rates · reconnecting · http://127.0.0.1:8000\u001b[K\r\n")
      )
      assert.include(frame, "USD:NGN  1534.5")
      assert.isTrue(frame.endsWith("\u001b[J"))
      yield* Scope.close(scope, Exit.void)
      const last = written.at(-1) ?? ""
      assert.isTrue(last.startsWith("\u001b[?25h\u001b[?1049leffex rates · reconnecting"))
      assert.isTrue(last.endsWith("\n"))
      const count = written.length
      yield* TestClock.adjust("10 seconds")
      assert.lengthOf(written, count)
    })
  )
})
