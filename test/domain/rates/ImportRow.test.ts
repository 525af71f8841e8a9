import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option, Result, Schema } from "effect"
import { parseCode } from "../../../src/domain/money/Asset.ts"
import * as Currency from "../../../src/domain/money/Currency.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as ImportRow from "../../../src/domain/rates/ImportRow.ts"
import { pairOf } from "../../support/RateTicks.ts"

const NOW = Date.parse("2026-11-21T12:00:00.000Z")
const HEADER = "from,to,rate,observed_at,provider"
const Cell = Schema.Literals(["USD", "NGN", "1.5", "0", "2024-01-15", '"', '""', "import", "\u0000"])
const defaults: ImportRow.RowDefaults = { pair: Option.none(), provider: "import" }

const findCode: ImportRow.FindCode = (text) =>
  text.toUpperCase() === "BRK.B" ? parseCode(text) : Option.map(Currency.find(text), ({ code }) => code)

const parserOf = (header: string, given = defaults) =>
  Result.getOrThrow(ImportRow.parseHeader(1, header, given, findCode))

const parse = (text: string, header = HEADER) => parserOf(header)(7, text, NOW)

const good = (text: string, header = HEADER, given = defaults) => {
  const { observedAt, pair, provider, rate } = Result.getOrThrow(parserOf(header, given)(7, text, NOW))
  return [pair.key, Decimal.format(rate), DateTime.formatIso(observedAt), provider].join(" ")
}

describe("ImportRow rows", () => {
  it("accepts every allowed format", () => {
    const at = "2024-01-15T09:30:00.000Z"
    assert.strictEqual(good("USD,NGN,1500.50,2024-01-15T09:30:00Z,cbn"), `USD:NGN 1500.5 ${at} cbn`)
    assert.strictEqual(good("usd,ngn,1500.5,2024-01-15T09:30:00.000Z,"), `USD:NGN 1500.5 ${at} import`)
    assert.strictEqual(good("USD,NGN,1500.5,2024-01-15,cbn"), "USD:NGN 1500.5 2024-01-15T00:00:00.000Z cbn")
    assert.strictEqual(
      good('"USD","NGN","0.000694","2024-01-15",""'),
      "USD:NGN 0.000694 2024-01-15T00:00:00.000Z import"
    )
    assert.strictEqual(
      good("2024-01-15,3.5,KWD,JPY", "observed_at,rate,from,to"),
      "KWD:JPY 3.5 2024-01-15T00:00:00.000Z import"
    )
  })

  it("accepts rows of a history export with a default pair", () => {
    const header = "fetched_at,recorded_at,rate,rate_id,provider,derived_from"
    const line = '2024-01-15T09:30:00.000Z,2024-01-15T09:30:01.000Z,1500.5,018d,flutterwave,"a b"'
    assert.strictEqual(
      good(line, header, { ...defaults, pair: Option.some(pairOf("USD", "NGN")) }),
      "USD:NGN 1500.5 2024-01-15T09:30:00.000Z flutterwave"
    )
  })

  it("parses recorded_at", () => {
    const header = `${HEADER},recorded_at`
    const read = (recordedAt: string) =>
      Option.getOrNull(
        Option.map(
          Result.getOrThrow(parse(`USD,NGN,1,2024-01-15,,${recordedAt}`, header)).recordedAt,
          DateTime.formatIso
        )
      )
    assert.strictEqual(read("2024-01-15T09:30:01.000Z"), "2024-01-15T09:30:01.000Z")
    assert.isNull(read(""))
    const bad = Result.getOrThrow(Result.flip(parse("USD,NGN,1,2024-01-15,,yesterday", header)))
    assert.match(ImportRow.describe(bad), /^line 7: recorded_at: found "yesterday", allowed: a UTC time/)
  })

  it("keeps the cells verbatim", () => {
    const { cells, rateText } = Result.getOrThrow(parse('usd,NGN,"1500.50",2024-01-15,'))
    assert.strictEqual(rateText, "1500.50")
    assert.deepStrictEqual(cells, {
      from: "usd",
      to: "NGN",
      rate: "1500.50",
      observed_at: "2024-01-15",
      provider: ""
    })
  })

  const wrong: ReadonlyArray<readonly [line: string, message: string]> = [
    ["USD,NGN,-3,2024-01-15,", 'rate: found "-3", allowed: a positive decimal in plain digits'],
    ["USD,NGN,0,2024-01-15,", 'rate: found "0", allowed: a positive decimal'],
    ["USD,NGN,0.000,2024-01-15,", 'rate: found "0.000"'],
    ["USD,NGN,,2024-01-15,", 'rate: found ""'],
    ["USD,NGN,1e3,2024-01-15,", 'rate: found "1e3"'],
    ["USD,NGN,1e999999999,2024-01-15,", 'rate: found "1e999999999"'],
    ["USD,NGN,NaN,2024-01-15,", 'rate: found "NaN"'],
    ['USD,NGN,"1,500",2024-01-15,', 'rate: found "1,500"'],
    ["USD,NGN, 1500,2024-01-15,", 'rate: found " 1500"'],
    [`USD,NGN,${"9".repeat(19)},2024-01-15,`, "rate: found"],
    ["US,NGN,1500,2024-01-15,", 'from: found "US", allowed: an ISO 4217 code'],
    ["USD,ABC,1500,2024-01-15,", 'to: found "ABC", allowed: an ISO 4217 code'],
    ["USD,usd,1500,2024-01-15,", 'to: found "usd", allowed: a code other than USD'],
    ["USD,NGN,1500,2026-11-21T12:00:00.001Z,", "allowed: a time that is not in the future"],
    ["USD,NGN,1500,1989-12-31,", "allowed: a time on or after 1990-01-01"],
    ["USD,NGN,1500,2024-02-30,", 'observed_at: found "2024-02-30", allowed: a UTC time'],
    ["USD,NGN,1500,2024-01-15T24:00:00Z,", "observed_at: found"],
    ["USD,NGN,1500,2024-01-15T09:30:00,", "observed_at: found"],
    ["USD,NGN,1500,2024-01-15T09:30:00+01:00,", "observed_at: found"],
    ["USD,NGN,1500,15/01/2024,", "observed_at: found"],
    ["USD,NGN,1500,2024-01-15,Central Bank", 'provider: found "Central Bank", allowed: 1 to 40 lower case'],
    [`USD,NGN,1500,2024-01-15,${"a".repeat(41)}`, "provider: found"],
    ["USD,NGN,1500,2024-01-15", "line: found"],
    ["USD,NGN,1500,2024-01-15,,", "allowed: 5 cells, as in the header, not 6"],
    ['USD,NGN,15"00,2024-01-15,', "allowed: quotes around whole cells only"],
    ['USD,NGN,"1500,2024-01-15,', "allowed: quotes around whole cells only, closed on the same line"],
    ['USD,NGN,"1500"x,2024-01-15,', "allowed: quotes around whole cells only"],
    ["USD,NGN,1500,2024-01-15,\0", "allowed: no control characters"],
    [`USD,NGN,1500,2024-01-15,${" ".repeat(5000)}`, "allowed: at most 4096 characters"]
  ]
  it.each(wrong)("rejects the row %s", (line, message) => {
    const bad = Option.getOrThrow(Result.getFailure(parse(line)))
    assert.include(ImportRow.describe(bad), message)
    assert.match(ImportRow.describe(bad), /^line 7: /)
    assert.isBelow(bad.found.length, 200)
  })

  it("escapes terminal control characters in the message", () => {
    const bad = Option.getOrThrow(Result.getFailure(parse("USD,NGN,\u009b31m\u001b[2J,2024-01-15,")))
    // oxlint-disable-next-line no-control-regex
    assert.notMatch(ImportRow.describe(bad), /[\x00-\x1f\x7f-\x9f]/)
  })

  it.effect.prop(
    "never throws, and accepts only valid rates",
    [Schema.Array(Schema.Union([Schema.String, Cell])).check(Schema.isMaxLength(7))],
    ([cells]) =>
      Effect.sync(() => {
        const parsed = parse(cells.join(","))
        if (Result.isFailure(parsed)) return assert.strictEqual(parsed.failure.line, 7)
        const { observedAt, pair, rate } = parsed.success
        assert.isTrue(rate.value > 0n && pair.from !== pair.to)
        assert.isAtMost(DateTime.toEpochMillis(observedAt), NOW)
      }),
    { arbitrary: { runs: 500 } }
  )

  it.effect.prop("round-trips a quoted cell with any text", [Schema.String], ([any]) =>
    Effect.sync(() => {
      // oxlint-disable-next-line no-control-regex
      const text = any.replaceAll(/[\u0000-\u001f\u007f]/g, '"')
      const line = `"${text.replaceAll('"', '""')}",USD,NGN,1.5,2024-01-15`
      const { cells } = Result.getOrThrow(parse(line, "rate_id,from,to,rate,observed_at"))
      assert.strictEqual(cells["rate_id"], text)
    })
  )
})

describe("ImportRow headers", () => {
  const wrong: ReadonlyArray<readonly [header: string, message: string]> = [
    ["from,to,rate", "allowed: a header with the column observed_at"],
    ["from,to,observed_at", "allowed: a header with the column rate"],
    ["from,to,rate,observed_at,note", 'found "note", allowed: the columns from, to, rate, observed_at'],
    ["from,to,rate,observed_at,fetched_at", "allowed: only one column observed_at"],
    ["from,to,rate,rate,observed_at", "allowed: only one column rate"],
    ["USD,NGN,1500,2024-01-15", 'found "usd"'],
    ['"from,to', "allowed: quotes around whole cells only"]
  ]
  it.each(wrong)("rejects the header %s", (header, message) => {
    const bad = Option.getOrThrow(Result.getFailure(ImportRow.parseHeader(1, header, defaults, findCode)))
    assert.include(ImportRow.describe(bad), message)
    assert.match(ImportRow.describe(bad), /^line 1: header: /)
  })

  it("rejects pair columns if a default pair is set", () => {
    const bad = ImportRow.parseHeader(
      1,
      HEADER,
      { ...defaults, pair: Option.some(pairOf("USD", "NGN")) },
      findCode
    )
    assert.include(
      ImportRow.describe(Option.getOrThrow(Result.getFailure(bad))),
      "because the pair is set by an option"
    )
  })
})
