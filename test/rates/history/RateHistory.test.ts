import { assert, layer } from "@effect/vitest"
import { Array, BigDecimal, DateTime, Effect, Layer, Option, Stream } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as History from "../../../src/domain/rates/History.ts"
import { BEGINNING, RateHistory } from "../../../src/rates/history/RateHistory.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { pairOf } from "../../support/RateTicks.ts"
import * as GeneratedHistory from "./GeneratedHistory.ts"

const QUESTIONS = 10_000
const ROWS = 3000
const [NAIRA, SHILLING] = [pairOf("USD", "NGN"), pairOf("USD", "KES")]
/** Not offered, but it once was. */
const YEN = pairOf("JPY", "NGN")

const random = GeneratedHistory.randomOf(20261121)
const whole = (below: number) => Math.floor(random() * below)
const made = [NAIRA, SHILLING, YEN].flatMap((pair) => GeneratedHistory.make(pair, ROWS, random))
const naira = GeneratedHistory.inForce(made, NAIRA)

const TestLayer = Layer.effectDiscard(GeneratedHistory.store(made)).pipe(
  Layer.provideMerge(RateHistory.layer),
  Layer.provideMerge(TestDatabase.layer())
)

const at = DateTime.makeUnsafe
const END = at(GeneratedHistory.LAST)
const idsOf = (rows: ReadonlyArray<{ readonly id: string }>) => rows.map(({ id }) => id)

/** A moment at, just before or just after one that matters, or any other. */
const someMoment = (moments: ReadonlyArray<number>) =>
  random() < 0.7
    ? (moments[whole(moments.length)] ?? 0) + whole(3) - 1
    : Date.parse("2018-01-01") + whole(GeneratedHistory.LAST - Date.parse("2018-01-01"))

layer(TestLayer, { excludeTestServices: true })("RateHistory", (it) => {
  it.effect(
    "tells the rate in force as a straightforward model does",
    () =>
      Effect.gen(function* () {
        const history = yield* RateHistory
        const moments = naira.flatMap(({ observedAt, recordedAt }) => [observedAt, recordedAt])
        const questions = Array.makeBy(QUESTIONS, () => {
          const moment = someMoment(moments)
          return { moment, known: random() < 0.3 ? GeneratedHistory.LAST : someMoment(moments) }
        })
        let none = 0
        yield* Effect.forEach(
          questions,
          Effect.fnUntraced(function* ({ known, moment }) {
            const expected = naira.findLast(
              ({ observedAt, recordedAt }) => observedAt <= moment && recordedAt <= known
            )
            const found = Option.getOrUndefined(yield* history.asOf(NAIRA, at(moment), at(known)))
            if (expected === undefined) none++
            const told = `at ${new Date(moment).toISOString()}, known at ${new Date(known).toISOString()}`
            assert.strictEqual(found?.rate.id, expected?.id, told)
            if (found === undefined || expected === undefined) return
            assert.strictEqual(Decimal.format(found.rate.rate), trimmed(expected.rate))
            assert.strictEqual(DateTime.toEpochMillis(found.rate.observedAt), expected.observedAt)
            assert.strictEqual(DateTime.toEpochMillis(found.recordedAt), expected.recordedAt)
          }),
          { concurrency: 16, discard: true }
        )
        assert.isAbove(none, QUESTIONS / 100)
        assert.isBelow(none, QUESTIONS / 2)
      }),
    120_000
  )

  it.effect("pages through every row once, in order, whatever the size of the pages", () =>
    Effect.gen(function* () {
      const history = yield* RateHistory
      const span = { pair: NAIRA, start: BEGINNING, end: END }
      for (const size of [1, 40, 100, 1000, ROWS]) {
        const rows: Array<History.HistoryRow> = []
        for (;;) {
          const page = yield* history.rows(span, rows.at(-1), size)
          rows.push(...page)
          if (page.length < size || rows.length > (size === 1 ? 50 : ROWS)) break
        }
        assert.deepStrictEqual(idsOf(rows), idsOf(naira).slice(0, rows.length))
        if (size > 1) assert.strictEqual(rows.length, naira.length)
      }
      const streamed = yield* Stream.runCollect(history.streamRows(span))
      assert.deepStrictEqual(idsOf(streamed), idsOf(naira))
      assert.deepStrictEqual(
        streamed.map(({ rate }) => rate),
        naira.map(({ rate }) => trimmed(rate))
      )
    })
  )

  it.effect("tells the rows from a start on and before an end, also behind a position before them", () =>
    Effect.gen(function* () {
      const history = yield* RateHistory
      for (let i = 0; i < 50; i++) {
        const [start, end] = [whole(naira.length), whole(naira.length)]
          .toSorted((a, b) => a - b)
          .map((n) => naira[n])
        if (start === undefined || end === undefined) continue
        const span = { pair: NAIRA, start: at(start.observedAt), end: at(end.observedAt) }
        const expected = naira.filter(
          ({ observedAt }) => observedAt >= start.observedAt && observedAt < end.observedAt
        )
        assert.deepStrictEqual(idsOf(yield* history.rows(span, undefined, ROWS)), idsOf(expected))
        const [first] = yield* history.rows({ ...span, start: BEGINNING }, undefined, 1)
        const behind = yield* history.rows(span, first, ROWS)
        assert.deepStrictEqual(idsOf(behind), idsOf(expected.filter(({ id }) => id !== first?.id)))
      }
      const other = yield* history.rows({ pair: YEN, start: BEGINNING, end: END }, undefined, 1)
      assert.deepStrictEqual(idsOf(other), idsOf(GeneratedHistory.inForce(made, YEN)).slice(0, 1))
      const none = { pair: pairOf("NGN", "USD"), start: BEGINNING, end: END }
      assert.deepStrictEqual(yield* history.rows(none, undefined, 1), [])
    })
  )

  for (const [interval, length] of [
    ["1h", GeneratedHistory.HOUR],
    ["1d", GeneratedHistory.DAY]
  ] as const) {
    it.effect(`makes candles of ${interval} as a straightforward model does`, () =>
      Effect.gen(function* () {
        const history = yield* RateHistory
        const expected = candlesOf(length)
        const all = { pair: NAIRA, start: BEGINNING, end: END }
        const streamed = yield* Stream.runCollect(history.streamCandles(all, interval))
        assert.deepStrictEqual(streamed.map(History.candleFields), expected)

        for (const limit of [1, 3, 50]) {
          const pages: Array<ReadonlyArray<History.Candle>> = []
          let start = Option.some(BEGINNING)
          while (Option.isSome(start) && pages.length < 200) {
            const page = yield* history.candles({ ...all, start: start.value }, interval, limit)
            assert.isAtMost(page.candles.length, limit)
            assert.isAtLeast(page.candles.length, 1)
            pages.push(page.candles)
            start = page.next
          }
          const told = pages.flat().map(History.candleFields)
          assert.deepStrictEqual(told, expected.slice(0, told.length))
          if (limit === 50) assert.strictEqual(told.length, expected.length)
        }

        for (let i = 0; i < 50; i++) {
          const [start = 0, end = 0] = [whole(naira.length), whole(naira.length)]
            .map((n) => naira[n]?.observedAt ?? 0)
            .toSorted((a, b) => a - b)
          const page = yield* history.candles(
            { pair: NAIRA, start: at(start), end: at(end) },
            interval,
            100_000
          )
          assert.deepStrictEqual(
            page.candles.map(History.candleFields),
            expected.filter((candle) => Date.parse(candle.start) >= start && Date.parse(candle.start) < end)
          )
          assert.deepStrictEqual(page.next, Option.none())
        }
      })
    )
  }
})

const trimmed = (digits: string) => Decimal.format(BigDecimal.fromStringUnsafe(digits))

/** The candles of the whole history, from what was recorded last of each moment. */
const candlesOf = (length: number) => {
  const last = new Map(naira.map((row) => [row.observedAt, row]))
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
