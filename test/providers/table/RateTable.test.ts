import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Option, Result, Schema } from "effect"
import { CurrencyCode } from "../../../src/domain/money/Currency.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { Contradictory, Refused } from "../../../src/providers/ProviderError.ts"
import * as RateTable from "../../../src/providers/table/RateTable.ts"
import { pairOf } from "../../support/RateTicks.ts"

const NOW = DateTime.makeUnsafe("2026-11-21T12:00:00Z")
const code = (text: string) => CurrencyCode.make(text)

/** A table of rates against the euro, each quoted an hour ago unless said otherwise. */
const tableOf = (rates: Readonly<Record<string, string>>, quotedAt: Readonly<Record<string, string>> = {}) =>
  RateTable.make(
    {
      provider: "fixer",
      pivot: code("EUR"),
      observedAt: NOW,
      longestAge: Duration.days(1),
      raw: `{"made":"up"}`,
      quotes: new Map(
        Object.entries(rates).map(([currency, text]) => [
          code(currency),
          {
            rate: Option.getOrThrow(Decimal.parseJsonNumber(text)),
            text,
            quotedAt: DateTime.makeUnsafe(quotedAt[currency] ?? "2026-11-21T11:00:00Z")
          }
        ])
      )
    },
    0xffff_ffff
  )

const tickOf = (table: RateTable.RateTable, from: string, to: string) =>
  Result.getOrThrow(RateTable.tickOf(table, pairOf(from, to)))
const refusal = (table: RateTable.RateTable, from: string, to: string) =>
  Option.getOrThrow(Result.getFailure(RateTable.tickOf(table, pairOf(from, to))))

const plain = ({ legs, observedAt, pair, quotedAt, ...tick }: ReturnType<typeof tickOf>) => ({
  ...tick,
  pair: pair.key,
  rate: Decimal.format(tick.rate),
  sourceAmount: Decimal.format(tick.sourceAmount),
  destinationAmount: Decimal.format(tick.destinationAmount),
  observedAt: DateTime.formatIso(observedAt),
  quotedAt: quotedAt === undefined ? undefined : DateTime.formatIso(quotedAt),
  legs: legs?.map(({ pair, providerRate, rate }) => [pair.key, Decimal.format(rate), providerRate])
})

const of = {
  provider: "fixer",
  raw: `{"made":"up"}`,
  observedAt: "2026-11-21T12:00:00.000Z",
  quotedAt: "2026-11-21T11:00:00.000Z"
}

/** What a provider may quote: up to six decimals, from a millionth to a million. */
const quote = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000_000_000 }))
const text = (micros: number) => Decimal.format(BigDecimal.make(BigInt(micros), 6))

describe("RateTable", () => {
  const table = tableOf({ USD: "1.0812", NGN: "1650.12", XOF: "6.55957e+02" })

  it("takes what the provider quotes as it is", () => {
    assert.deepStrictEqual(plain(tickOf(table, "EUR", "NGN")), {
      ...of,
      pair: "EUR:NGN",
      rate: "1650.12",
      sourceAmount: "1",
      destinationAmount: "1650.12",
      providerRate: "1650.12",
      legs: undefined
    })
    assert.strictEqual(tickOf(table, "EUR", "XOF").providerRate, "6.55957e+02")
    assert.strictEqual(Decimal.format(tickOf(table, "EUR", "XOF").rate), "655.957")
  })

  it("computes the way back from one leg", () => {
    assert.deepStrictEqual(plain(tickOf(table, "USD", "EUR")), {
      ...of,
      pair: "USD:EUR",
      rate: "0.924898261191269",
      sourceAmount: "1.0812",
      destinationAmount: "1",
      providerRate: "1/1.0812",
      legs: [["EUR:USD", "1.0812", "1.0812"]]
    })
  })

  it("computes what is not quoted through the pivot, from two legs", () => {
    assert.deepStrictEqual(plain(tickOf(table, "USD", "NGN")), {
      ...of,
      pair: "USD:NGN",
      rate: "1526.19311875694",
      sourceAmount: "1.0812",
      destinationAmount: "1650.12",
      providerRate: "1650.12/1.0812",
      legs: [
        ["EUR:USD", "1.0812", "1.0812"],
        ["EUR:NGN", "1650.12", "1650.12"]
      ]
    })
  })

  it("gives a quote one id, in whatever it serves, of the moment at which it was asked for", () => {
    const idOf = (from: string, to: string, leg: string) =>
      tickOf(table, from, to).legs?.find(({ pair }) => pair.key === leg)?.id
    const ngn = idOf("USD", "NGN", "EUR:NGN")
    assert.strictEqual(ngn, "01a1fdfa-4600-7000-8000-000000000000")
    assert.strictEqual(idOf("XOF", "NGN", "EUR:NGN"), ngn)
    assert.strictEqual(idOf("NGN", "EUR", "EUR:NGN"), ngn)
    assert.notStrictEqual(idOf("USD", "NGN", "EUR:USD"), ngn)
  })

  it("is as old as the older of what it was computed from, and never newer than it was asked for", () => {
    const dated = tableOf(
      { USD: "1.1", NGN: "1650", KES: "140" },
      { NGN: "2026-11-21T09:00:00Z", KES: "2026-11-22T23:59:59Z" }
    )
    const quotedAt = (from: string, to: string) => plain(tickOf(dated, from, to)).quotedAt
    assert.strictEqual(quotedAt("USD", "NGN"), "2026-11-21T09:00:00.000Z")
    assert.strictEqual(quotedAt("NGN", "USD"), "2026-11-21T09:00:00.000Z")
    assert.strictEqual(quotedAt("USD", "KES"), "2026-11-21T11:00:00.000Z")
    assert.strictEqual(quotedAt("EUR", "KES"), "2026-11-21T12:00:00.000Z")
  })

  it("refuses a currency that it lacks, and serves the others", () => {
    const missing = new Refused({ status: 200, detail: "EUR to GHS is not among its rates" })
    for (const [from, to] of [
      ["USD", "GHS"],
      ["GHS", "USD"],
      ["EUR", "GHS"],
      ["GHS", "EUR"]
    ] as const) {
      assert.deepStrictEqual(refusal(table, from, to), missing)
    }
  })

  it("does not serve what is too old, nor what is yet to come", () => {
    const dated = tableOf(
      { USD: "1.1", NGN: "1650", KES: "140", GHS: "12.5" },
      { NGN: "2026-11-20T11:59:59Z", KES: "2026-11-20T12:00:00Z", GHS: "2026-11-23T12:00:01Z" }
    )
    const old = new Contradictory({ detail: "its rate of NGN is 1d 1s old" })
    assert.deepStrictEqual(refusal(dated, "EUR", "NGN"), old)
    assert.deepStrictEqual(refusal(dated, "NGN", "USD"), old)
    assert.deepStrictEqual(
      refusal(dated, "USD", "GHS"),
      new Contradictory({
        detail: "its rate of GHS is of 2026-11-23T12:00:01.000Z, which is yet to come"
      })
    )
    assert.strictEqual(Decimal.format(tickOf(dated, "EUR", "KES").rate), "140")
  })

  it("has no rate that cannot be written", () => {
    const far = tableOf({ USD: `0.${"0".repeat(29)}1`, NGN: "999999999999999999" })
    const apart = new Contradictory({ detail: "the quotes are too far apart to be a rate" })
    assert.deepStrictEqual(refusal(far, "USD", "NGN"), apart)
    assert.deepStrictEqual(refusal(far, "NGN", "USD"), apart)
  })

  it.prop("says what its legs say", [quote, quote], ([a, b]) => {
    const random = tableOf({ USD: text(a), NGN: text(b) })
    const there = tickOf(random, "USD", "NGN")
    const legs = there.legs ?? []
    assert.strictEqual(legs.length, 2)
    const [usd, ngn] = legs.map(({ rate }) => rate)
    if (usd === undefined || ngn === undefined) return assert.fail("a leg is missing")
    assert.strictEqual(Decimal.format(there.rate), Decimal.format(Decimal.quotient(ngn, usd)))
    assert.strictEqual(
      Decimal.format(there.rate),
      Decimal.format(Decimal.quotient(there.destinationAmount, there.sourceAmount))
    )
    assert.strictEqual(there.providerRate, `${text(b)}/${text(a)}`)
    // 15 digits each way: there and back is one, to within a few of the last.
    const back = tickOf(random, "NGN", "USD")
    const round = BigDecimal.multiply(there.rate, back.rate)
    const error = BigDecimal.abs(BigDecimal.subtract(round, BigDecimal.make(1n, 0)))
    assert.isTrue(BigDecimal.isLessThan(error, BigDecimal.make(2n, 14)), Decimal.format(error))
    // From the pivot and on is the same as all the way.
    const through = BigDecimal.multiply(tickOf(random, "EUR", "USD").rate, there.rate)
    const straight = tickOf(random, "EUR", "NGN").rate
    const gap = BigDecimal.abs(BigDecimal.subtract(through, straight))
    assert.isTrue(BigDecimal.isLessThan(gap, BigDecimal.multiply(straight, BigDecimal.make(1n, 14))))
  })
})
