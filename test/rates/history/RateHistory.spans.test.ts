import { assert, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { HistoryRepo, type Span } from "../../../src/rates/history/HistoryRepo.ts"
import { BEGINNING, RateHistory } from "../../../src/rates/history/RateHistory.ts"
import { pairOf } from "../../support/RateTicks.ts"

const at = DateTime.makeUnsafe
const pair = pairOf("USD", "NGN")
const NOW = at("2026-11-21T12:00:00Z")

/** The spans that are looked through for what is not there, each as its days from 1970 on. */
const spansOf = Effect.fnUntraced(function* <A, E>(
  ask: (history: RateHistory["Service"]) => Effect.Effect<A, E>
) {
  const spans: Array<Span> = []
  const none = (span: Span) => Effect.sync(() => (spans.push(span), Option.none()))
  const nothing = (span: Span) => Effect.sync(() => (spans.push(span), []))
  const repo = HistoryRepo.of({
    last: none,
    lastForetold: none,
    first: none,
    rows: nothing,
    candles: nothing
  })
  yield* TestClock.setTime(DateTime.toEpochMillis(NOW))
  yield* Effect.flatMap(RateHistory, ask).pipe(
    Effect.provide(RateHistory.layerNoDeps.pipe(Layer.provide(Layer.succeed(HistoryRepo, repo))))
  )
  return spans
})

const lengthOf = ({ end, start }: Span) => Duration.toDays(DateTime.distance(start, end))

/** One behind the other, from a moment to another. */
const assertCover = (spans: ReadonlyArray<Span>, start: DateTime.Utc, end: DateTime.Utc) => {
  const ends = spans.map((span) => DateTime.formatIso(span.end))
  assert.deepStrictEqual(
    spans.map((span) => DateTime.formatIso(span.start)),
    [DateTime.formatIso(start), ...ends.slice(0, -1)]
  )
  assert.strictEqual(ends.at(-1), DateTime.formatIso(end))
}

it.effect("names the partitions of four years at most in a statement, and of a month at first", () =>
  Effect.gen(function* () {
    const rows = yield* spansOf((history) =>
      history.rows({ pair, start: at("1000-01-01"), end: NOW }, undefined, 100)
    )
    assertCover(rows, BEGINNING, NOW)
    assert.strictEqual(rows.map(lengthOf)[0], 34)
    assert.isAtMost(Math.max(...rows.map(lengthOf)), 1461)

    const asOf = yield* spansOf((history) => history.asOf(pair, NOW, NOW))
    assertCover(asOf.toReversed(), BEGINNING, DateTime.addDuration(NOW, "1 millis"))
    assert.strictEqual(asOf.map(lengthOf)[0], 34)
    assert.isAtMost(Math.max(...asOf.map(lengthOf)), 1461)

    const foretold = yield* spansOf((history) => history.asOf(pair, NOW, at("1000-01-01")))
    assertCover(foretold.toReversed(), BEGINNING, DateTime.addDuration(NOW, "1 millis"))
    assert.isAtMost(Math.max(...foretold.map(lengthOf)), 1461)
  })
)

it.effect("looks through what is ahead at once, since there is little", () =>
  Effect.gen(function* () {
    const end = at("2999-12-31")
    const start = at("2026-01-01")
    const rows = yield* spansOf((history) => history.rows({ pair, start, end }, undefined, 100))
    assertCover(rows, start, end)
    assert.strictEqual(rows.length, 3)
    assert.deepStrictEqual(
      yield* spansOf((history) => history.rows({ pair, start: end, end: start }, undefined, 1)),
      []
    )
  })
)
