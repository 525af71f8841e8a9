import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Option, Result, Schema } from "effect"
import { CurrencyCode } from "../../../src/domain/money/Currency.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { Contradictory, NotQuoted } from "../../../src/providers/ProviderError.ts"
import * as RateTable from "../../../src/providers/table/RateTable.ts"
import * as TableResponse from "../../../src/providers/table/TableResponse.ts"
import { pairOf } from "../../support/RateTicks.ts"

const NOW = DateTime.makeUnsafe("2026-11-21T12:00:00Z")
const code = (text: string) => CurrencyCode.make(text)

/** A table of rates against the euro, each quoted an hour ago by default. */
const tableOf = (rates: Readonly<Record<string, string>>, quotedAt: Readonly<Record<string, string>> = {}) =>
  RateTable.make(
    {
      provider: "fixer",
      pivot: code("EUR"),
      observedAt: NOW,
      maxAge: Duration.days(1),
      raw: `{"sample":true}`,
      quotes: new Map(
        Object.entries(rates).map(([currency, text]) => [
          code(currency),
          TableResponse.quoteOf(text, DateTime.makeUnsafe(quotedAt[currency] ?? "2026-11-21T11:00:00Z"))
        ])
      )
    },
    0xffff_ffff
  )

const derive = (table: RateTable.RateTable, from: string, to: string) =>
  Result.getOrThrow(RateTable.deriveTick(table, pairOf(from, to)))
const rejection = (table: RateTable.RateTable, from: string, to: string) =>
  Option.getOrThrow(Result.getFailure(RateTable.deriveTick(table, pairOf(from, to))))

const plain = ({ legs, observedAt, pair, quotedAt, ...tick }: ReturnType<typeof derive>) => ({
  ...tick,
  pair: pair.key,
  rate: Decimal.format(tick.rate),
  sourceAmount: Decimal.format(tick.sourceAmount),
  destinationAmount: Decimal.format(tick.destinationAmount),
  observedAt: DateTime.formatIso(observedAt),
  quotedAt: quotedAt === undefined ? undefined : DateTime.formatIso(quotedAt),
  legs: legs?.map(({ pair, providerRate, rate }) => [pair.key, Decimal.format(rate), providerRate])
})

const common = {
  provider: "fixer",
  raw: `{"sample":true}`,
  observedAt: "2026-11-21T12:00:00.000Z",
  quotedAt: "2026-11-21T11:00:00.000Z"
}

/** Possible quotes of a provider: up to six decimals, from a millionth to a million. */
const quote = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000_000_000 }))
const text = (micros: number) => Decimal.format(BigDecimal.make(BigInt(micros), 6))

describe("RateTable", () => {
  const table = tableOf({ USD: "1.0812", NGN: "1650.12", XOF: "6.55957e+02" })

  it("returns the quote of the provider unchanged for a pair from the pivot", () => {
    assert.deepStrictEqual(plain(derive(table, "EUR", "NGN")), {
      ...common,
      pair: "EUR:NGN",
      rate: "1650.12",
      sourceAmount: "1",
      destinationAmount: "1650.12",
      providerRate: "1650.12",
      legs: undefined
    })
    assert.strictEqual(derive(table, "EUR", "XOF").providerRate, "6.55957e+02")
    assert.strictEqual(Decimal.format(derive(table, "EUR", "XOF").rate), "655.957")
  })

  it("computes a pair to the pivot from one leg", () => {
    assert.deepStrictEqual(plain(derive(table, "USD", "EUR")), {
      ...common,
      pair: "USD:EUR",
      rate: "0.924898261191269",
      sourceAmount: "1.0812",
      destinationAmount: "1",
      providerRate: "1/1.0812",
      legs: [["EUR:USD", "1.0812", "1.0812"]]
    })
  })

  it("computes other pairs through the pivot from two legs", () => {
    assert.deepStrictEqual(plain(derive(table, "USD", "NGN")), {
      ...common,
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

  it("assigns each quote one id with the time of the request, shared by all pairs", () => {
    const idOf = (from: string, to: string, leg: string) =>
      derive(table, from, to).legs?.find(({ pair }) => pair.key === leg)?.id
    const ngn = idOf("USD", "NGN", "EUR:NGN")
    assert.strictEqual(ngn, "01a1fdfa-4600-7000-8000-000000000000")
    assert.strictEqual(idOf("XOF", "NGN", "EUR:NGN"), ngn)
    assert.strictEqual(idOf("NGN", "EUR", "EUR:NGN"), ngn)
    assert.notStrictEqual(idOf("USD", "NGN", "EUR:USD"), ngn)
  })

  it("is as old as the older quote, and never newer than the request", () => {
    const dated = tableOf(
      { USD: "1.1", NGN: "1650", KES: "140" },
      { NGN: "2026-11-21T09:00:00Z", KES: "2026-11-22T23:59:59Z" }
    )
    const quotedAt = (from: string, to: string) => plain(derive(dated, from, to)).quotedAt
    assert.strictEqual(quotedAt("USD", "NGN"), "2026-11-21T09:00:00.000Z")
    assert.strictEqual(quotedAt("NGN", "USD"), "2026-11-21T09:00:00.000Z")
    assert.strictEqual(quotedAt("USD", "KES"), "2026-11-21T11:00:00.000Z")
    assert.strictEqual(quotedAt("EUR", "KES"), "2026-11-21T12:00:00.000Z")
  })

  it("rejects a missing currency", () => {
    const missing = new NotQuoted({ detail: "EUR to GHS is not in its response" })
    for (const [from, to] of [
      ["USD", "GHS"],
      ["GHS", "USD"],
      ["EUR", "GHS"],
      ["GHS", "EUR"]
    ] as const) {
      assert.deepStrictEqual(rejection(table, from, to), missing)
    }
  })

  it("rejects only the pairs of a currency whose cell is not a rate", () => {
    const partial = tableOf({ USD: "1.0812", NGN: "n/a", KES: "140" })
    const invalid = new Contradictory({
      detail: "a rate must be a positive decimal, at most 30 decimals, found n/a"
    })
    assert.deepStrictEqual(rejection(partial, "USD", "NGN"), invalid)
    assert.deepStrictEqual(rejection(partial, "NGN", "EUR"), invalid)
    assert.strictEqual(Decimal.format(derive(partial, "EUR", "KES").rate), "140")
    assert.strictEqual(Decimal.format(derive(partial, "USD", "KES").rate), "129.485756566778")
  })

  it("rejects quotes that are too old or in the future", () => {
    const dated = tableOf(
      { USD: "1.1", NGN: "1650", KES: "140", GHS: "12.5" },
      { NGN: "2026-11-20T11:59:59Z", KES: "2026-11-20T12:00:00Z", GHS: "2026-11-23T12:00:01Z" }
    )
    const outdated = new Contradictory({ detail: "its rate of NGN is 1d 1s old; the limit is 1d" })
    assert.deepStrictEqual(rejection(dated, "EUR", "NGN"), outdated)
    assert.deepStrictEqual(rejection(dated, "NGN", "USD"), outdated)
    assert.deepStrictEqual(
      rejection(dated, "USD", "GHS"),
      new Contradictory({
        detail: "its rate of GHS is dated 2026-11-23T12:00:01.000Z, in the future"
      })
    )
    assert.strictEqual(Decimal.format(derive(dated, "EUR", "KES").rate), "140")
  })

  it("rejects rates outside the supported range", () => {
    const extreme = tableOf({ USD: `0.${"0".repeat(29)}1`, NGN: "999999999999999999" })
    const outOfRange = new Contradictory({ detail: "the quotes differ too much to derive a rate" })
    assert.deepStrictEqual(rejection(extreme, "USD", "NGN"), outOfRange)
    assert.deepStrictEqual(rejection(extreme, "NGN", "USD"), outOfRange)
  })

  it.prop("equals the ratio of its legs", [quote, quote], ([a, b]) => {
    const random = tableOf({ USD: text(a), NGN: text(b) })
    const forward = derive(random, "USD", "NGN")
    const legs = forward.legs ?? []
    assert.strictEqual(legs.length, 2)
    const [usd, ngn] = legs.map(({ rate }) => rate)
    if (usd === undefined || ngn === undefined) return assert.fail("a leg is missing")
    assert.strictEqual(Decimal.format(forward.rate), Decimal.format(Decimal.quotient(ngn, usd)))
    assert.strictEqual(
      Decimal.format(forward.rate),
      Decimal.format(Decimal.quotient(forward.destinationAmount, forward.sourceAmount))
    )
    assert.strictEqual(forward.providerRate, `${text(b)}/${text(a)}`)
    // 15 digits each: the product of both directions is 1 within a few units of the last digit.
    const back = derive(random, "NGN", "USD")
    const round = BigDecimal.multiply(forward.rate, back.rate)
    const error = BigDecimal.abs(BigDecimal.subtract(round, BigDecimal.make(1n, 0)))
    assert.isTrue(BigDecimal.isLessThan(error, BigDecimal.make(2n, 14)), Decimal.format(error))
    // A conversion in two steps through the pivot equals the direct one.
    const twoSteps = BigDecimal.multiply(derive(random, "EUR", "USD").rate, forward.rate)
    const direct = derive(random, "EUR", "NGN").rate
    const gap = BigDecimal.abs(BigDecimal.subtract(twoSteps, direct))
    assert.isTrue(BigDecimal.isLessThan(gap, BigDecimal.multiply(direct, BigDecimal.make(1n, 14))))
  })
})
