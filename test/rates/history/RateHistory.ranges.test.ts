import { assert, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { HistoryRepo, type HistoryRange } from "../../../src/rates/history/HistoryRepo.ts"
import { MIN_TIME, RateHistory } from "../../../src/rates/history/RateHistory.ts"
import { pairOf } from "../../support/RateTicks.ts"

const at = DateTime.makeUnsafe
const pair = pairOf("USD", "NGN")
const NOW = at("2026-11-21T12:00:00Z")

/** Returns the ranges that a query without a result searches. */
const searchedRanges = Effect.fnUntraced(function* <A, E>(
  query: (history: RateHistory["Service"]) => Effect.Effect<A, E>
) {
  const ranges: Array<HistoryRange> = []
  const none = (range: HistoryRange) => Effect.sync(() => (ranges.push(range), Option.none()))
  const nothing = (range: HistoryRange) => Effect.sync(() => (ranges.push(range), []))
  const repo = HistoryRepo.of({
    archivedUntil: Effect.succeedNone,
    last: none,
    lastForwardDated: none,
    first: none,
    rows: nothing,
    candles: nothing
  })
  yield* TestClock.setTime(DateTime.toEpochMillis(NOW))
  yield* Effect.flatMap(RateHistory, query).pipe(
    Effect.provide(RateHistory.layerNoDeps.pipe(Layer.provide(Layer.succeed(HistoryRepo, repo))))
  )
  return ranges
})

const daysOf = ({ end, start }: HistoryRange) => Duration.toDays(DateTime.distance(start, end))

/** Asserts that the ranges are consecutive, from start to end. */
const assertCover = (ranges: ReadonlyArray<HistoryRange>, start: DateTime.Utc, end: DateTime.Utc) => {
  const ends = ranges.map((range) => DateTime.formatIso(range.end))
  assert.deepStrictEqual(
    ranges.map((range) => DateTime.formatIso(range.start)),
    [DateTime.formatIso(start), ...ends.slice(0, -1)]
  )
  assert.strictEqual(ends.at(-1), DateTime.formatIso(end))
}

it.effect("searches at most four years per statement, and about a month first", () =>
  Effect.gen(function* () {
    const rows = yield* searchedRanges((history) =>
      history.rows({ pair, start: at("1000-01-01"), end: NOW }, undefined, 100)
    )
    assertCover(rows, MIN_TIME, NOW)
    assert.strictEqual(rows.map(daysOf)[0], 34)
    assert.isAtMost(Math.max(...rows.map(daysOf)), 1461)

    const asOf = yield* searchedRanges((history) => history.asOf(pair, NOW, NOW))
    assertCover(asOf.toReversed(), MIN_TIME, DateTime.addDuration(NOW, "1 millis"))
    assert.strictEqual(asOf.map(daysOf)[0], 34)
    assert.isAtMost(Math.max(...asOf.map(daysOf)), 1461)

    const forwardDated = yield* searchedRanges((history) => history.asOf(pair, NOW, at("1000-01-01")))
    assertCover(forwardDated.toReversed(), MIN_TIME, DateTime.addDuration(NOW, "1 millis"))
    assert.isAtMost(Math.max(...forwardDated.map(daysOf)), 1461)
  })
)

it.effect("searches the future in one statement", () =>
  Effect.gen(function* () {
    const end = at("2999-12-31")
    const start = at("2026-01-01")
    const rows = yield* searchedRanges((history) => history.rows({ pair, start, end }, undefined, 100))
    assertCover(rows, start, end)
    assert.strictEqual(rows.length, 3)
    assert.deepStrictEqual(
      yield* searchedRanges((history) => history.rows({ pair, start: end, end: start }, undefined, 1)),
      []
    )
  })
)
