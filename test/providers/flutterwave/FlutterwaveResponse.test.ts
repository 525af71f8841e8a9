import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Result, Schema } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as FlutterwaveResponse from "../../../src/providers/flutterwave/FlutterwaveResponse.ts"
import { pairOf } from "../../support/RateTicks.ts"
import { accepted, body, request } from "./ResponseText.ts"

const bigint = (minimum: bigint, maximum: bigint) =>
  Schema.BigInt.check(Schema.isBetweenBigInt({ minimum, maximum }))
const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** The value times 10^60, as an integer. */
const units = ({ scale, value }: BigDecimal.BigDecimal) => value * 10n ** BigInt(60 - scale)
const abs = (value: bigint) => (value < 0n ? -value : value)

/** Formats `a / b`, truncated to the given significant digits, as a JSON number with an exponent. */
const ratio = (a: bigint, b: bigint, digits: number) => {
  const scaled = String((a * 10n ** 80n) / b)
  const [first, rest] = [scaled.slice(0, 1), scaled.slice(1, digits)]
  return `${first}.${rest === "" ? "0" : rest}e${scaled.length - 81}`
}

describe("FlutterwaveResponse.read", () => {
  it("computes the rate from the amounts, in the current and the previous convention", () => {
    const current = accepted(body({}))
    assert.strictEqual(Decimal.format(current.rate), "0.000694329000193839")
    assert.strictEqual(current.convention, "direct")
    assert.strictEqual(current.providerRate, "0.000694329")
    assert.strictEqual(Decimal.format(current.sourceAmount), "1440239.425")
    assert.isTrue(BigDecimal.equals(current.destinationAmount, request.amount))

    const previous = accepted(body({ rate: "1440.239425", status: '"success"' }))
    assert.isTrue(BigDecimal.equals(previous.rate, current.rate))
    assert.strictEqual(previous.convention, "inverse")

    const sample =
      '{"status":"success","message":"Transfer amount fetched","data":{"rate":114.9885,"source":{"currency":"KES","amount":114988.5},"destination":{"currency":"USD","amount":1000}}}'
    const kes = Result.getOrThrow(
      FlutterwaveResponse.read(sample, { ...request, pair: pairOf("KES", "USD") })
    )
    assert.strictEqual(Decimal.format(kes.rate), "0.00869652182609565")
    assert.strictEqual(kes.convention, "inverse")
  })

  it("accepts numbers in every JSON format and as strings", () => {
    // Observed: 0.001391 for amounts with the rate 0.00139073.
    const rounded = accepted(body({ rate: "0.001391", source: "719046.83" }))
    assert.strictEqual(Decimal.format(rounded.rate), "0.00139073000294014")
    const python = accepted(body({ rate: "6.5e-05", source: "15384615.384615385", destination: "1000.0" }))
    assert.strictEqual(Decimal.format(python.rate), "0.000065")
    assert.strictEqual(python.providerRate, "6.5e-05")
    const texts = accepted(body({ rate: '"0.000694"', source: '"1440239.425"', destination: '"1000.00"' }))
    assert.strictEqual(Decimal.format(texts.rate), "0.000694329000193839")
    assert.strictEqual(
      Decimal.format(accepted(body({ source: "1.440239425E+6", destination: "1e3" })).rate),
      "0.000694329000193839"
    )
    assert.strictEqual(
      Decimal.format(accepted(body({ rate: "1e-14", source: "1e17" })).rate),
      "0.00000000000001"
    )
  })

  it("accepts a rate field within 0.1 % of the amounts, bounds included", () => {
    const convention = (rate: string) =>
      Result.map(
        FlutterwaveResponse.read(body({ rate, source: "10" }), request),
        ({ convention }) => convention
      )
    for (const rate of ["100", "100.1", "99.9", "100.000001"]) {
      assert.deepStrictEqual(convention(rate), Result.succeed("direct" as const), rate)
    }
    for (const rate of ["0.01", "0.01001", "0.00999"]) {
      assert.deepStrictEqual(convention(rate), Result.succeed("inverse" as const), rate)
    }
    for (const rate of ["100.10000001", "99.89999999", "0.0100100001", "0.0099899999", "1", "10", "1000"]) {
      assert.isTrue(Result.isFailure(convention(rate)), rate)
    }
    const even = accepted(body({ rate: "1.0003", source: "1000.3" }))
    assert.deepStrictEqual([Decimal.format(even.rate), even.convention], ["0.999700089973008", "direct"])
  })

  it("accepts a small rate rounded to six decimals within 1 % of the amounts", () => {
    const convention = (rate: string, source: string) =>
      Result.map(FlutterwaveResponse.read(body({ rate, source }), request), ({ convention }) => convention)
    // 0.20967 for 1000: pounds per Ugandan shilling, in the convention of before April 2026.
    for (const rate of ["0.00021", "0.000210", "0.00020917", "0.00021017"]) {
      assert.deepStrictEqual(convention(rate, "0.20967"), Result.succeed("inverse" as const), rate)
    }
    for (const rate of ["0.0002", "0.000209169", "0.000210171", "0.00022"]) {
      assert.isTrue(Result.isFailure(convention(rate, "0.20967")), rate)
    }
    assert.deepStrictEqual(convention("0.0000101", "0.01"), Result.succeed("inverse" as const))
    for (const rate of ["0.00001011", "0.0000098"]) {
      assert.isTrue(Result.isFailure(convention(rate, "0.01")), rate)
    }
  })

  it.prop(
    "computes the rate to 1e-12 for any digits and convention",
    [bigint(1n, 10n ** 12n), int(0, 3), bigint(1n, 10n ** 12n), int(4, 15), Schema.Boolean],
    ([significand, scale, destination, digits, inverse]) => {
      const source = `${significand}e-${scale}`
      const [d, s] = [destination * 10n ** 60n, significand * 10n ** BigInt(60 - scale)]
      const rate = inverse ? ratio(s, d, digits) : ratio(d, s, digits)
      const read = FlutterwaveResponse.read(body({ rate, source, destination: String(destination) }), {
        ...request,
        amount: BigDecimal.make(destination, 0)
      })
      const quotation = Result.getOrThrow(read)
      const error = abs(units(quotation.rate) * s - d * 10n ** 60n)
      assert.isTrue(error * 10n ** 12n <= d * 10n ** 60n, rate)
      assert.strictEqual(quotation.providerRate, rate)
      // Near 1 both conventions match.
      if (s * 100n < d * 99n || s * 99n > d * 100n) {
        assert.strictEqual(quotation.convention, inverse ? "inverse" : "direct")
      }
    },
    { arbitrary: { runs: 1000 } }
  )

  it.prop(
    "never derives another rate from a damaged response",
    [int(0, body().length - 1), Schema.String.check(Schema.isPattern(/^[ -~]?$/))],
    ([position, character]) => {
      const damaged = body().slice(0, position) + character + body().slice(position + 1)
      const read = FlutterwaveResponse.read(damaged, request)
      if (Result.isFailure(read)) return
      const { data } = JSON.parse(damaged)
      assert.closeTo(Number(Decimal.format(read.success.rate)), 1000 / data.source.amount, 1e-15)
      assert.closeTo(data.rate / (1000 / data.source.amount), 1, 0.00101)
    },
    { arbitrary: { runs: 2000 } }
  )
})
