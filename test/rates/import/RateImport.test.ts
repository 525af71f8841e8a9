import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { BigDecimal, Clock, DateTime, Deferred, Effect, Fiber, FileSystem, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import * as ImportRow from "../../../src/domain/rates/ImportRow.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import type { QuotedDay } from "../../../src/providers/frankfurter/FrankfurterResponse.ts"
import { FrankfurterSeries } from "../../../src/providers/frankfurter/FrankfurterSeries.ts"
import * as TableResponse from "../../../src/providers/table/TableResponse.ts"
import { ImportRepo } from "../../../src/rates/import/ImportRepo.ts"
import { type FileOptions, RateImport } from "../../../src/rates/import/RateImport.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"

/** Quotes of Frankfurter, by day. */
const quotesByDay = new Map<string, Record<string, string>>()

const frankfurter = Layer.succeed(FrankfurterSeries, {
  days: (currencies, from, to) =>
    Effect.sync(() =>
      Array.from(quotesByDay, ([date, rates]): QuotedDay => {
        const day = DateTime.makeUnsafe(date)
        const known = currencies.flatMap((currency) => {
          const text = rates[currency]
          return text === undefined ? [] : [[currency, quoteOf(text, day)] as const]
        })
        return { day, quotes: new Map(known) }
      }).filter(({ day }) => DateTime.between(day, { minimum: from, maximum: to }))
    )
})

const quoteOf = (text: string, day: DateTime.Utc) => TableResponse.quoteOf(text, day)

const TestLayer = Layer.mergeAll(RateImport.layer, ImportRepo.layer, RateRepo.layer).pipe(
  Layer.provide(frankfurter),
  Layer.provideMerge(Layer.mergeAll(NodeServices.layer, SecureRandom.layerWebCrypto)),
  Layer.provideMerge(TestDatabase.layer())
)

const defaults = {
  skipInvalid: false,
  acceptOutliers: false,
  isInForce: false,
  dryRun: false,
  onProgress: () => Effect.void,
  onInvalid: () => Effect.void
}

/** Imports a file with the given lines. Returns the summary and the invalid lines. */
const importLines = Effect.fnUntraced(function* (
  lines: ReadonlyArray<string>,
  options: Partial<FileOptions<never>> = {}
) {
  const fs = yield* FileSystem.FileSystem
  const rateImport = yield* RateImport
  const file = `${yield* fs.makeTempDirectoryScoped()}/rates.csv`
  yield* fs.writeFileString(file, lines.join("\n"))
  const invalid: Array<string> = []
  const summary = yield* rateImport.file({
    file,
    defaults: { pair: Option.none(), provider: "import" },
    ...defaults,
    onInvalid: (rows) => Effect.sync(() => invalid.push(...rows.map((row) => ImportRow.describe(row)))),
    ...options
  })
  return { summary, invalid }
}, Effect.scoped)

const HEADER = "from,to,rate,observed_at,provider"

interface Row {
  readonly id: string
  readonly rate: string
  readonly provider: string
  readonly raw: string
  readonly isLeg: boolean
  readonly derivedFrom: ReadonlyArray<string> | null
  readonly partition: string
}

/** Stored rates of a pair by observation time, then by recording time. */
const stored = Effect.fnUntraced(function* (pair: AssetPair) {
  const { sql } = yield* Database
  return yield* sql<Row>`
    SELECT id, rate, provider, raw #>> '{}' AS raw, is_leg, derived_from, tableoid::regclass::text AS partition
    FROM exchange_rate WHERE source_currency = ${pair.from} AND destination_currency = ${pair.to}
    ORDER BY observed_at, recorded_at, id`
})

const idAt = (rows: ReadonlyArray<Row>, index: number) => rows[index]?.id ?? assert.fail()

const latest = Effect.fnUntraced(function* (pair: AssetPair) {
  const repo = yield* RateRepo
  return Option.map(yield* repo.latest(pair), ({ rate }) => Decimal.format(rate))
})

layer(TestLayer, { excludeTestServices: true })("RateImport", (it) => {
  it.effect("stores nothing if a line is invalid, and reports every invalid line", () =>
    Effect.gen(function* () {
      const pair = pairOf("AED", "NGN")
      const lines = [
        HEADER,
        "AED,NGN,400,2024-01-15,",
        "AED,NGN,-3,2024-01-16,",
        "AED,XYZ,400,2024-01-16,",
        "",
        "AED,NGN,400,2999-01-01,"
      ]
      const { invalid, summary } = yield* importLines(lines)
      assert.deepStrictEqual(summary, {
        total: 4,
        invalid: 3,
        stored: 0,
        corrections: 0,
        skipped: 0,
        outliers: 0
      })
      assert.deepStrictEqual(
        invalid.map((text) => text.slice(0, "line 3: from".length)),
        ["line 3: rate", "line 4: to: ", "line 6: obse"]
      )
      assert.deepStrictEqual(yield* stored(pair), [])

      const skipped = yield* importLines(lines, { skipInvalid: true })
      assert.deepStrictEqual(skipped.invalid, invalid)
      assert.deepStrictEqual(skipped.summary, {
        total: 4,
        invalid: 3,
        stored: 1,
        corrections: 0,
        skipped: 0,
        outliers: 0
      })
      assert.deepStrictEqual(
        (yield* stored(pair)).map(({ rate }) => rate),
        ["400"]
      )
    })
  )

  it.effect("stores a repeatedly imported file once, in the partitions of its months", () =>
    Effect.gen(function* () {
      const pair = pairOf("AUD", "NGN")
      const lines = [
        HEADER,
        "AUD,NGN,500.10,1995-06-15T12:00:00Z,cbn",
        "aud,ngn,500.1,1995-06-15T12:00:00.000Z,cbn",
        "AUD,NGN,510,1995-07-15,"
      ]
      const first = yield* importLines(lines)
      assert.deepStrictEqual(first.summary, {
        total: 3,
        invalid: 0,
        stored: 2,
        corrections: 0,
        skipped: 1,
        outliers: 0
      })
      const rows = yield* stored(pair)
      assert.deepStrictEqual(
        rows.map(({ partition, provider, rate }) => [rate, provider, partition]),
        [
          ["500.1", "cbn", "exchange_rate_1995_06"],
          ["510", "import", "exchange_rate_1995_07"]
        ]
      )
      assert.deepStrictEqual(JSON.parse(rows[0]?.raw ?? ""), {
        file: "rates.csv",
        line: 2,
        from: "AUD",
        to: "NGN",
        rate: "500.10",
        observed_at: "1995-06-15T12:00:00Z",
        provider: "cbn"
      })
      const again = yield* importLines(lines)
      assert.deepStrictEqual(again.summary, {
        total: 3,
        invalid: 0,
        stored: 0,
        corrections: 0,
        skipped: 3,
        outliers: 0
      })
      assert.deepStrictEqual(yield* stored(pair), rows)
    })
  )

  it.effect("stores a correction after the corrected rate, once, and a correction back", () =>
    Effect.gen(function* () {
      const pair = pairOf("BRL", "NGN")
      const importRate = (rate: string) => importLines([HEADER, `BRL,NGN,${rate},2024-01-15T09:30:00Z,`])
      yield* importRate("300")
      assert.strictEqual((yield* importRate("301")).summary.corrections, 1)
      assert.strictEqual((yield* importRate("301")).summary.skipped, 1)
      assert.strictEqual((yield* importRate("300")).summary.corrections, 1)
      assert.deepStrictEqual(
        (yield* stored(pair)).map(({ rate }) => rate),
        ["300", "301", "300"]
      )
    })
  )

  it.effect("corrects a rate that was recorded by a clock ahead of this one", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const pair = pairOf("CHF", "NGN")
      yield* importLines([HEADER, "CHF,NGN,900,2024-01-15,"])
      const ahead = DateTime.makeUnsafe((yield* Clock.currentTimeMillis) + 60_000)
      yield* sql`
        INSERT INTO exchange_rate (
          id, source_currency, destination_currency, rate, source_amount, destination_amount, provider,
          provider_rate, raw, observed_at, recorded_at
        ) SELECT (left(id::text, 24) || 'ffffffffffff')::uuid, source_currency, destination_currency, 901, 1, 901,
          provider, '901', raw, observed_at, ${DateTime.toDateUtc(ahead)}
        FROM exchange_rate WHERE source_currency = 'CHF'`
      assert.strictEqual((yield* importLines([HEADER, "CHF,NGN,902,2024-01-15,"])).summary.corrections, 1)
      assert.deepStrictEqual(
        (yield* stored(pair)).map(({ rate }) => rate),
        ["900", "901", "902"]
      )
      assert.strictEqual((yield* importLines([HEADER, "CHF,NGN,902,2024-01-15,"])).summary.skipped, 1)
    })
  )

  it.effect("rejects contradicting lines of the same time", () =>
    Effect.gen(function* () {
      const lines = [
        HEADER,
        "CNY,NGN,200,2024-01-15,",
        "CNY,NGN,201,2024-01-15T00:00:00Z,",
        "CNY,NGN,200.0,2024-01-15,other",
        "CNY,NGN,200.000,2024-01-15,import"
      ]
      const { invalid, summary } = yield* importLines(lines)
      assert.deepStrictEqual(invalid, [
        'line 3: rate: found "201", allowed: "200", as in line 2 for the same pair and time',
        'line 4: provider: found "other", allowed: "import", as in line 2 for the same pair and time'
      ])
      assert.strictEqual(summary.stored, 0)
      const skipped = yield* importLines(lines, { skipInvalid: true })
      assert.deepStrictEqual(skipped.summary, {
        total: 4,
        invalid: 2,
        stored: 1,
        corrections: 0,
        skipped: 1,
        outliers: 0
      })
    })
  )

  it.effect("becomes the rate in force only if that is requested, and only moves it forward", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      const pair = pairOf("JPY", "NGN")
      const newer = [HEADER, "JPY,NGN,12,2025-06-03,", "JPY,NGN,11,2025-06-02,"]
      yield* importLines(newer.slice(0, 2), { dryRun: true, isInForce: true })
      yield* importLines([HEADER, "JPY,NGN,9,2025-05-31,", "JPY,NGN,8,2024-05-31,"])
      assert.deepStrictEqual(yield* latest(pair), Option.none())
      yield* repo.insert(yield* tick("JPY", "NGN", "10", "2025-06-01T00:00:00.000Z"))
      yield* importLines([HEADER, "JPY,NGN,9.5,2025-05-30,"], { isInForce: true })
      assert.deepStrictEqual(yield* latest(pair), Option.some("10"))
      yield* importLines(newer)
      assert.deepStrictEqual(yield* latest(pair), Option.some("10"))
      // Also if the rates are stored already.
      assert.strictEqual((yield* importLines(newer, { isInForce: true })).summary.skipped, 2)
      assert.deepStrictEqual(yield* latest(pair), Option.some("12"))
    })
  )

  const daily = (pair: string, from: string, rates: ReadonlyArray<string>) =>
    rates.map((rate, n) => {
      const day = DateTime.add(DateTime.makeUnsafe(from), { days: n })
      return `${pair},${rate},${DateTime.formatIso(day).slice(0, 10)},`
    })

  it.effect("refuses rates that do not fit the other rates of the file, also in a dry run", () =>
    Effect.gen(function* () {
      const lines = [
        HEADER,
        ...daily("USD,NGN", "2026-01-01", ["1500", "1502.5", "1.501", "0.00066", "15010", "1499", "1498"]),
        ...daily("EUR,NGN", "2026-01-01", ["1700", "1701", "1702"])
      ]
      const expected = [
        'line 4: rate: found "1.501", allowed: 1073 to 2104 (it may mean 1501) for USD:NGN at 2026-01-03T00:00:00.000Z',
        'line 5: rate: found "0.00066", allowed: 939.1 to 2398 (it looks inverted) for USD:NGN at 2026-01-04T00:00:00.000Z',
        'line 6: rate: found "15010", allowed: 1071 to 2099 for USD:NGN at 2026-01-05T00:00:00.000Z'
      ]
      for (const dryRun of [true, false]) {
        const { invalid, summary } = yield* importLines(lines, { dryRun })
        assert.deepStrictEqual(invalid, expected)
        assert.deepStrictEqual(summary, {
          total: 10,
          invalid: 0,
          stored: 0,
          corrections: 0,
          skipped: 0,
          outliers: 3
        })
      }
      assert.deepStrictEqual(yield* stored(pairOf("USD", "NGN")), [])
      const skipped = yield* importLines(lines, { skipInvalid: true })
      assert.deepStrictEqual(skipped.invalid, expected)
      assert.strictEqual(skipped.summary.stored, 7)
      assert.deepStrictEqual(
        (yield* stored(pairOf("USD", "NGN"))).map(({ rate }) => rate),
        ["1500", "1502.5", "1499", "1498"]
      )
    })
  )

  it.effect("refuses rates that do not fit the stored rates, whatever their number", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      yield* repo.insert(yield* tick("EUR", "USD", "1.08", "2026-01-09T12:00:00.000Z"))
      const inverted = [
        HEADER,
        ...daily(
          "EUR,USD",
          "2026-01-01",
          Array.from({ length: 9 }, () => "0.926")
        )
      ]
      const { invalid, summary } = yield* importLines(inverted)
      assert.strictEqual(summary.outliers, 9)
      assert.strictEqual(
        invalid[0],
        'line 2: rate: found "0.926", allowed: 0.8308 to 1.404 (it looks inverted) for EUR:USD at 2026-01-01T00:00:00.000Z'
      )
      const right = [HEADER, ...daily("EUR,USD", "2026-01-01", ["1.075", "1.078", "1.08"])]
      assert.strictEqual((yield* importLines(right)).summary.stored, 3)
    })
  )

  it.effect("refuses a recent rate that does not fit the last good rate", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      const now = yield* DateTime.now
      const ago = (seconds: number) => DateTime.formatIso(DateTime.subtract(now, { seconds }))
      const good = yield* repo.insert(yield* tick("GBP", "NGN", "2000", ago(600)))
      for (const [rate, hint] of [
        ["2.001", " (it may mean 2001)"],
        ["0.0005", " (it looks inverted)"],
        ["2500", ""]
      ]) {
        const at = ago(1)
        const { invalid } = yield* importLines([HEADER, `GBP,NGN,${rate},${at},`])
        assert.match(invalid[0] ?? "", /^line 2: rate: found "[\d.]+", allowed: 1665 to 2403/)
        assert.include(invalid[0], `${hint} for GBP:NGN at ${at}`)
      }
      const { summary } = yield* importLines([HEADER, `GBP,NGN,2010,${ago(2)},`])
      assert.strictEqual(summary.stored, 1)
      assert.deepStrictEqual(
        Option.map(yield* repo.latest(good.pair), ({ id }) => id),
        Option.some(good.id)
      )
    })
  )

  it.effect("refuses a single rate that is far from the approximate rate of its pair", () =>
    Effect.gen(function* () {
      const { invalid } = yield* importLines([
        HEADER,
        "USD,KES,0.00774,2024-01-15,",
        "USD,UGX,3.6,2024-01-15,",
        "USD,XOF,600,2024-01-15,"
      ])
      assert.deepStrictEqual(invalid, [
        'line 2: rate: found "0.00774", allowed: 3.831 to 4364 (it looks inverted) for USD:KES at 2024-01-15T00:00:00.000Z',
        'line 3: rate: found "3.6", allowed: 107.3 to 122200 (it may mean 3600) for USD:UGX at 2024-01-15T00:00:00.000Z'
      ])
    })
  )

  it.effect("stores accepted outliers, and records that", () =>
    Effect.gen(function* () {
      const pair = pairOf("USD", "ZMW")
      const lines = [HEADER, ...daily("USD,ZMW", "2026-01-01", ["23", "23.1", "0.0432", "23.2", "23.3"])]
      const accepted = yield* importLines(lines, { acceptOutliers: true })
      assert.strictEqual(accepted.summary.stored, 5)
      assert.strictEqual(accepted.summary.outliers, 1)
      assert.strictEqual(accepted.invalid.length, 1)
      const rows = yield* stored(pair)
      assert.deepStrictEqual(JSON.parse(rows[2]?.raw ?? "").accepted_outlier, {
        expected_from: "16.57",
        expected_to: "32.34"
      })
      assert.isUndefined(JSON.parse(rows[1]?.raw ?? "").accepted_outlier)
      assert.deepStrictEqual(yield* latest(pair), Option.none())
      // What is stored is not judged again.
      const again = yield* importLines(lines)
      assert.deepStrictEqual(again.invalid, [])
      assert.strictEqual(again.summary.skipped, 5)
    })
  )

  it.effect("marks imported rates, so that the guard does not take them as a level", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* importLines([HEADER, "USD,MAD,9.1,2026-01-01,flutterwave"])
      const rows = yield* sql`
        SELECT is_imported FROM exchange_rate WHERE source_currency = 'USD' AND destination_currency = 'MAD'`
      assert.deepStrictEqual(rows, [{ isImported: true }])
    })
  )

  it.effect("stores nothing in a dry run", () =>
    Effect.gen(function* () {
      yield* importLines([HEADER, "SEK,NGN,140,2024-01-15,"])
      const lines = [HEADER, "SEK,NGN,140,2024-01-15,", "SEK,NGN,141,2001-01-15,"]
      const { summary } = yield* importLines(lines, { dryRun: true })
      assert.deepStrictEqual(summary, {
        total: 2,
        invalid: 0,
        stored: 1,
        corrections: 0,
        skipped: 1,
        outliers: 0
      })
      assert.strictEqual((yield* stored(pairOf("SEK", "NGN"))).length, 1)
    })
  )

  it.effect("stores an import of several batches", () =>
    Effect.gen(function* () {
      const at = (n: number) => DateTime.formatIso(DateTime.makeUnsafe(Date.UTC(2020, 0, 1) + n * 60_000))
      const lines = Array.from(
        { length: 12_345 },
        (_, n) => `NOK,NGN,${Decimal.format(BigDecimal.make(BigInt(10_000 + n), 2))},${at(n)},`
      )
      const { summary } = yield* importLines([HEADER, ...lines])
      assert.deepStrictEqual(summary, {
        total: 12_345,
        invalid: 0,
        stored: 12_345,
        corrections: 0,
        skipped: 0,
        outliers: 0
      })
      const { sql } = yield* Database
      const [row] = yield* sql<{ count: bigint; ids: bigint; sum: string }>`
        SELECT count(*), count(DISTINCT id) AS ids, sum(rate) FROM exchange_rate WHERE source_currency = 'NOK'`
      assert.deepStrictEqual(row, { count: 12_345n, ids: 12_345n, sum: "1996433.40" })
    })
  )

  it.effect("rejects an empty or missing file and an unknown header", () =>
    Effect.gen(function* () {
      const messageFor = (lines: ReadonlyArray<string>) =>
        Effect.map(Effect.flip(importLines(lines)), ({ message }) => message)
      assert.strictEqual(yield* messageFor([]), "rates.csv cannot be imported: it is empty")
      assert.include(
        yield* messageFor(["from,to,rate,observed_at,note"]),
        'rates.csv cannot be imported: line 1: header: found "note"'
      )
      const rateImport = yield* RateImport
      const missing = yield* Effect.flip(
        rateImport.file({
          file: "/does/not/exist.csv",
          defaults: { pair: Option.none(), provider: "import" },
          ...defaults
        })
      )
      assert.strictEqual(missing.message, "exist.csv cannot be imported: the file does not exist")
    })
  )

  it.effect("runs in one process at a time", () =>
    Effect.gen(function* () {
      const repo = yield* ImportRepo
      const [started, end] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const other = yield* Effect.forkChild(
        repo.transaction(() => Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(end)))
      )
      yield* Deferred.await(started)
      const error = yield* Effect.flip(importLines([HEADER]))
      assert.strictEqual(error._tag, "ImportInProgress")
      yield* Deferred.succeed(end, undefined)
      yield* Fiber.join(other)
      assert.strictEqual((yield* importLines([HEADER])).summary.total, 0)
    })
  )

  it.effect("refuses daily rates that do not fit, and cells that are not a rate", () =>
    Effect.gen(function* () {
      const rateImport = yield* RateImport
      const days = ["2024-03-01", "2024-03-04", "2024-03-05", "2024-03-06"]
      const rates = ["17.1", "0.0585", "n/a", "17.3"]
      days.forEach((day, n) => quotesByDay.set(day, { ZAR: rates[n] ?? "", CAD: "1.36" }))
      const invalid: Array<string> = []
      const importDays = (skipInvalid: boolean) =>
        rateImport.series({
          pairs: [pairOf("USD", "ZAR"), pairOf("CAD", "ZAR")],
          start: DateTime.makeUnsafe("2024-03-01"),
          end: DateTime.makeUnsafe("2024-03-06"),
          ...defaults,
          skipInvalid,
          onInvalid: (rows) =>
            Effect.sync(() => invalid.push(...rows.map((row) => ImportRow.describe(row, "rate"))))
        })
      const refused = yield* importDays(false)
      assert.deepStrictEqual(refused, {
        total: 7,
        invalid: 1,
        stored: 0,
        corrections: 0,
        skipped: 0,
        outliers: 2
      })
      assert.deepStrictEqual(
        invalid.map((text) => text.replace(/^rate \d+: /, "")),
        [
          "USD:ZAR of 2024-03-05: found no rate: contradictory response (a rate must be a positive decimal, at most 30 decimals, found n/a), allowed: a positive decimal",
          "USD:ZAR of 2024-03-04: found 0.0585, allowed: 10.81 to 27.68 (it looks inverted)",
          "CAD:ZAR of 2024-03-04: found 0.0430147058823529, allowed: 7.95 to 20.35"
        ]
      )
      assert.strictEqual((yield* importDays(true)).stored, 4)
      assert.deepStrictEqual(
        (yield* stored(pairOf("USD", "ZAR"))).map(({ rate }) => rate),
        ["17.1", "17.3"]
      )
    })
  )

  it.effect("stores daily rates and derived rates with their legs, once", () =>
    Effect.gen(function* () {
      const rateImport = yield* RateImport
      const day = (date: string) => DateTime.makeUnsafe(date)
      const importDays = (...pairs: ReadonlyArray<AssetPair>) =>
        rateImport.series({
          pairs,
          start: day("2023-12-29"),
          end: day("2024-01-03"),
          ...defaults
        })
      quotesByDay.set("2023-12-28", { ETB: "55" })
      quotesByDay.set("2023-12-29", { ETB: "56.1", GBP: "0.8", EUR: "0.9" })
      quotesByDay.set("2024-01-02", { ETB: "56.2", GBP: "0.79" })
      const [dollar, pound, euro] = [pairOf("USD", "ETB"), pairOf("GBP", "ETB"), pairOf("EUR", "ETB")]

      const summary = yield* importDays(dollar, pound, euro)
      assert.deepStrictEqual(summary, {
        total: 5,
        invalid: 0,
        stored: 5,
        corrections: 0,
        skipped: 0,
        outliers: 0
      })
      const direct = yield* stored(dollar)
      assert.deepStrictEqual(
        direct.map(({ isLeg, provider, rate }) => [rate, provider, isLeg]),
        [
          ["56.1", "frankfurter", false],
          ["56.2", "frankfurter", false]
        ]
      )
      const pounds = yield* stored(pairOf("USD", "GBP"))
      assert.deepStrictEqual(
        pounds.map(({ isLeg, rate }) => [rate, isLeg]),
        [
          ["0.8", true],
          ["0.79", true]
        ]
      )
      assert.deepStrictEqual(yield* latest(pairOf("USD", "GBP")), Option.none())
      const derived = yield* stored(pound)
      assert.deepStrictEqual(
        derived.map(({ derivedFrom, rate }) => [rate, derivedFrom]),
        [
          ["70.125", [idAt(pounds, 0), idAt(direct, 0)]],
          ["71.1392405063291", [idAt(pounds, 1), idAt(direct, 1)]]
        ]
      )
      assert.deepStrictEqual(JSON.parse(derived[0]?.raw ?? ""), {
        rates: [
          { date: "2023-12-29", base: "USD", quote: "GBP", rate: 0.8 },
          { date: "2023-12-29", base: "USD", quote: "ETB", rate: 56.1 }
        ]
      })
      // The second day has no EUR quote.
      assert.strictEqual((yield* stored(euro)).length, 1)

      assert.deepStrictEqual(yield* importDays(dollar, pound, euro), {
        ...summary,
        stored: 0,
        skipped: 5,
        outliers: 0
      })
      assert.deepStrictEqual(yield* stored(pairOf("USD", "GBP")), pounds)

      // A pair that is imported later uses the stored legs.
      yield* importDays(pairOf("ETB", "GBP"))
      const [inverse] = yield* stored(pairOf("ETB", "GBP"))
      assert.deepStrictEqual(inverse?.derivedFrom, [idAt(direct, 0), idAt(pounds, 0)])

      // A changed quote is a correction, with a new leg.
      quotesByDay.set("2024-01-02", { ETB: "56.2", GBP: "0.78" })
      const corrected = yield* importDays(dollar, pound, euro)
      assert.deepStrictEqual(corrected, { ...summary, stored: 1, corrections: 1, skipped: 4, outliers: 0 })
      assert.deepStrictEqual(
        (yield* stored(pairOf("USD", "GBP"))).map(({ rate }) => rate),
        ["0.8", "0.79", "0.78"]
      )
    })
  )
})
