import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, Option, Result, Schema } from "effect"
import { type AmountType, compute, makeTerms } from "../../../src/domain/conversion/Conversion.ts"
import { AssetCode } from "../../../src/domain/money/Asset.ts"
import * as Currency from "../../../src/domain/money/Currency.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as ConversionEntries from "../../../src/domain/wallets/ConversionEntries.ts"
import fixture from "../../fixtures/conversion-entries.json" with { type: "json" }

const decimal = (text: string) => Option.getOrThrow(Decimal.parse(text))
const currency = (code: string) => Currency.get(AssetCode.make(code))

const entriesOf = (
  from: string,
  to: string,
  amount: string,
  amountType: AmountType,
  midRate: string,
  margin: string
) =>
  Result.map(
    compute({
      amount: decimal(amount),
      amountType,
      from: currency(from),
      to: currency(to),
      terms: makeTerms(decimal(midRate), decimal(margin))
    }),
    ConversionEntries.ofConversion
  )

const whole = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))
const text = (value: number, scale: number) => Decimal.format(BigDecimal.make(BigInt(value), scale))
const from = Schema.Literals(["USD", "JPY", "KWD"])
const to = Schema.Literals(["NGN", "XOF", "BHD"])

describe("the entries of a conversion", () => {
  for (const { amount, amount_type, entries, from, margin, mid_rate, to } of fixture.cases) {
    it.effect(`are exact for ${amount} ${from} to ${to} as ${amount_type} at margin ${margin}`, () =>
      Effect.sync(() => {
        const type: AmountType = amount_type === "target" ? "target" : "source"
        const found = Result.getOrThrow(entriesOf(from, to, amount, type, mid_rate, margin))
        assert.deepStrictEqual(
          found.map(
            ({ amount, asset, role }) =>
              `${role} ${asset} ${Decimal.formatFixed(amount, currency(asset).minorUnit)}`
          ),
          entries
        )
      })
    )
  }

  it.prop(
    "sum to zero in each asset, and never take from the house",
    [whole(10 ** 12), whole(10 ** 14), whole(999), Schema.Literals(["source", "target"]), from, to],
    ([amount, midRate, margin, amountType, from, to]) => {
      const fixed = currency(amountType === "source" ? from : to)
      const found = entriesOf(
        from,
        to,
        text(amount, fixed.minorUnit),
        amountType,
        text(midRate, 8),
        text(margin, 4)
      )
      if (Result.isFailure(found)) return
      for (const code of [from, to]) {
        const amounts = found.success.flatMap(({ amount, asset }) => (asset === code ? [amount] : []))
        assert.strictEqual(Decimal.format(BigDecimal.sumAll(amounts)), "0")
      }
      for (const { amount, role } of found.success)
        if (role.startsWith("revenue")) assert.isTrue(BigDecimal.isPositive(amount))
    }
  )
})
