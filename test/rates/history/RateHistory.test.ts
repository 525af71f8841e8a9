import { assert, layer } from "@effect/vitest"
import { Array, BigDecimal, DateTime, Effect, Layer, Option, Stream } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as History from "../../../src/domain/rates/History.ts"
import { MIN_TIME, RateHistory } from "../../../src/rates/history/RateHistory.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { pairOf } from "../../support/RateTicks.ts"
import * as GeneratedHistory from "./GeneratedHistory.ts"

const QUERIES = 10_000
const ROWS = 3000
const [USD_NGN, USD_KES] = [pairOf("USD", "NGN"), pairOf("USD", "KES")]
/** Stored, but not among the configured pairs. */
const JPY_NGN = pairOf("JPY", "NGN")

const random = GeneratedHistory.seededRandom(20261121)
const whole = (below: number) => Math.floor(random() * below)
const generated = [USD_NGN, USD_KES, JPY_NGN].flatMap((pair) => GeneratedHistory.make(pair, ROWS, random))
const usdNgn = GeneratedHistory.ratesInForce(generated, USD_NGN)

const TestLayer = Layer.effectDiscard(GeneratedHistory.store(generated)).pipe(
  Layer.provideMerge(RateHistory.layer),
  Layer.provideMerge(TestDatabase.layer())
)

const at = DateTime.makeUnsafe
const END = at(GeneratedHistory.END_TIME)
const idsOf = (rows: ReadonlyArray<{ readonly id: string }>) => rows.map(({ id }) => id)

/** A time at, just before or just after one of the given times, or any other time. */
const pickTime = (times: ReadonlyArray<number>) =>
  random() < 0.7
    ? (times[whole(times.length)] ?? 0) + whole(3) - 1
    : Date.parse("2018-01-01") + whole(GeneratedHistory.END_TIME - Date.parse("2018-01-01"))

layer(TestLayer, { excludeTestServices: true })("RateHistory", (it) => {
  it.effect(
    "returns the same rate in force as a simple model",
    () =>
      Effect.gen(function* () {
        const history = yield* RateHistory
        const times = usdNgn.flatMap(({ observedAt, recordedAt }) => [observedAt, recordedAt])
        const queries = Array.makeBy(QUERIES, () => {
          const time = pickTime(times)
          return { time, known: random() < 0.3 ? GeneratedHistory.END_TIME : pickTime(times) }
        })
        let none = 0
        yield* Effect.forEach(
          queries,
          Effect.fnUntraced(function* ({ known, time }) {
            const expected = usdNgn.findLast(
              ({ observedAt, recordedAt }) => observedAt <= time && recordedAt <= known
            )
            const found = Option.getOrUndefined(yield* history.asOf(USD_NGN, at(time), at(known)))
            if (expected === undefined) none++
            const context = `at ${new Date(time).toISOString()}, known at ${new Date(known).toISOString()}`
            assert.strictEqual(found?.rate.id, expected?.id, context)
            if (found === undefined || expected === undefined) return
            assert.strictEqual(Decimal.format(found.rate.rate), trimmed(expected.rate))
            assert.strictEqual(DateTime.toEpochMillis(found.rate.observedAt), expected.observedAt)
            assert.strictEqual(DateTime.toEpochMillis(found.recordedAt), expected.recordedAt)
          }),
          { concurrency: 16, discard: true }
        )
        assert.isAbove(none, QUERIES / 100)
        assert.isBelow(none, QUERIES / 2)
      }),
    300_000
  )

  it.effect("pages through every row once, in order, with any page size", () =>
    Effect.gen(function* () {
      const history = yield* RateHistory
      const span = { pair: USD_NGN, start: MIN_TIME, end: END }
      for (const size of [1, 40, 100, 1000, ROWS]) {
        const rows: Array<History.HistoryRow> = []
        for (;;) {
          const page = yield* history.rows(span, rows.at(-1), size)
          rows.push(...page)
          if (page.length < size || rows.length > (size === 1 ? 50 : ROWS)) break
        }
        assert.deepStrictEqual(idsOf(rows), idsOf(usdNgn).slice(0, rows.length))
        if (size > 1) assert.strictEqual(rows.length, usdNgn.length)
      }
      const streamed = yield* Stream.runCollect(history.streamRows(span))
      assert.deepStrictEqual(idsOf(streamed), idsOf(usdNgn))
      assert.deepStrictEqual(
        streamed.map(({ rate }) => rate),
        usdNgn.map(({ rate }) => trimmed(rate))
      )
    })
  )

  it.effect("returns the rows from start to end, also after a position before start", () =>
    Effect.gen(function* () {
      const history = yield* RateHistory
      for (let i = 0; i < 50; i++) {
        const [start, end] = [whole(usdNgn.length), whole(usdNgn.length)]
          .toSorted((a, b) => a - b)
          .map((n) => usdNgn[n])
        if (start === undefined || end === undefined) continue
        const span = { pair: USD_NGN, start: at(start.observedAt), end: at(end.observedAt) }
        const expected = usdNgn.filter(
          ({ observedAt }) => observedAt >= start.observedAt && observedAt < end.observedAt
        )
        assert.deepStrictEqual(idsOf(yield* history.rows(span, undefined, ROWS)), idsOf(expected))
        const [first] = yield* history.rows({ ...span, start: MIN_TIME }, undefined, 1)
        const afterFirst = yield* history.rows(span, first, ROWS)
        assert.deepStrictEqual(idsOf(afterFirst), idsOf(expected.filter(({ id }) => id !== first?.id)))
      }
      const other = yield* history.rows({ pair: JPY_NGN, start: MIN_TIME, end: END }, undefined, 1)
      assert.deepStrictEqual(
        idsOf(other),
        idsOf(GeneratedHistory.ratesInForce(generated, JPY_NGN)).slice(0, 1)
      )
      const none = { pair: pairOf("NGN", "USD"), start: MIN_TIME, end: END }
      assert.deepStrictEqual(yield* history.rows(none, undefined, 1), [])
    })
  )

  for (const [interval, length] of [
    ["1h", GeneratedHistory.HOUR],
    ["1d", GeneratedHistory.DAY]
  ] as const) {
    it.effect(`returns the same candles of ${interval} as a simple model`, () =>
      Effect.gen(function* () {
        const history = yield* RateHistory
        const expected = expectedCandles(length)
        const all = { pair: USD_NGN, start: MIN_TIME, end: END }
        const streamed = yield* Stream.runCollect(history.streamCandles(all, interval))
        assert.deepStrictEqual(streamed.map(History.candleFields), expected)

        const readPages = Effect.fnUntraced(function* (limit: number) {
          const pages: Array<ReadonlyArray<History.Candle>> = []
          let start = Option.some(MIN_TIME)
          while (Option.isSome(start) && pages.length < 200) {
            const page = yield* history.candles({ ...all, start: start.value }, interval, limit)
            assert.isAtMost(page.candles.length, limit)
            assert.isAtLeast(page.candles.length, 1)
            pages.push(page.candles)
            start = page.next
          }
          const candles = pages.flat().map(History.candleFields)
          assert.deepStrictEqual(candles, expected.slice(0, candles.length))
          if (limit === 50) assert.strictEqual(candles.length, expected.length)
        })
        yield* Effect.forEach([1, 3, 50], readPages, { concurrency: 3, discard: true })

        const ranges = Array.makeBy(50, () =>
          [whole(usdNgn.length), whole(usdNgn.length)]
            .map((n) => usdNgn[n]?.observedAt ?? 0)
            .toSorted((a, b) => a - b)
        )
        yield* Effect.forEach(
          ranges,
          Effect.fnUntraced(function* ([start = 0, end = 0]) {
            const page = yield* history.candles(
              { pair: USD_NGN, start: at(start), end: at(end) },
              interval,
              100_000
            )
            assert.deepStrictEqual(
              page.candles.map(History.candleFields),
              expected.filter((candle) => Date.parse(candle.start) >= start && Date.parse(candle.start) < end)
            )
            assert.deepStrictEqual(page.next, Option.none())
          }),
          { concurrency: 8, discard: true }
        )
      })
    )
  }
})

const trimmed = (digits: string) => Decimal.format(BigDecimal.fromStringUnsafe(digits))

/** Computes the candles of the whole history from the last recorded rate of each time. */
const expectedCandles = (length: number) => {
  const last = new Map(usdNgn.map((row) => [row.observedAt, row]))
  const groups = Map.groupBy(last.values(), ({ observedAt }) => Math.floor(observedAt / length) * length)
  return Array.fromIterable(groups).map(([start, rows]) => {
    const rates = rows.map(({ rate }) => BigDecimal.fromStringUnsafe(rate))
    const sorted = Array.sort(rates, BigDecimal.Order)
    const [open, high, low, close] = [rates[0], sorted.at(-1), sorted[0], rates.at(-1)].map((rate) =>
      Decimal.format(rate ?? assert.fail())
    )
    return { start: new Date(start).toISOString(), open, high, low, close, count: rows.length }
  })
}
