import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as ExchangeAmount from "../../../src/domain/orders/ExchangeAmount.ts"

const decimal = (text: string) => Option.getOrThrow(Decimal.parse(text))

const amountOf = (
  side: "buy" | "sell",
  sum: string,
  limits: {
    readonly minimumAmount?: string
    readonly minimumCost?: string
    readonly increment?: string
    readonly decimals?: number
  }
) => {
  const { decimals = 9, increment = "0.001", minimumAmount = increment, minimumCost = "1" } = limits
  const amount = ExchangeAmount.of(
    side,
    decimal(sum),
    decimal("20"),
    {
      minimumAmount: decimal(minimumAmount),
      minimumCost: decimal(minimumCost),
      increment: decimal(increment)
    },
    decimals
  )
  return Option.getOrUndefined(Option.map(amount, Decimal.format))
}

describe("ExchangeAmount", () => {
  it("buys the sum if the exchange accepts it", () => {
    assert.strictEqual(amountOf("buy", "1.234", {}), "1.234")
  })

  it("buys more to reach the increment, the smallest amount, and the smallest value", () => {
    assert.strictEqual(amountOf("buy", "1.2345", {}), "1.235")
    assert.strictEqual(amountOf("buy", "1.2", { increment: "1" }), "2")
    assert.strictEqual(amountOf("buy", "0.1", { minimumAmount: "0.25" }), "0.25")
    assert.strictEqual(amountOf("buy", "0.1", { minimumCost: "10.3" }), "0.515")
    assert.strictEqual(amountOf("buy", "0.1", { minimumCost: "10.31" }), "0.516")
  })

  it("orders whole units of an asset with fewer decimals than the exchange", () => {
    assert.strictEqual(
      amountOf("buy", "0.1", { increment: "0.000000001", minimumCost: "10.00003", decimals: 8 }),
      "0.5000015"
    )
    assert.strictEqual(
      amountOf("buy", "0.1", { increment: "0.000000001", minimumCost: "10.00003", decimals: 6 }),
      "0.500002"
    )
    assert.strictEqual(amountOf("buy", "0.1", { increment: "0.0025", decimals: 2 }), "0.1")
    assert.strictEqual(amountOf("buy", "0.11", { increment: "0.0025", decimals: 3 }), "0.11")
    assert.strictEqual(amountOf("buy", "0.111", { increment: "0.0025", decimals: 3 }), "0.115")
    assert.strictEqual(
      amountOf("sell", "0.119", { increment: "0.0025", decimals: 3, minimumCost: "10" }),
      "0.115"
    )
  })

  it("sells no more than the sum, and nothing below the smallest amount", () => {
    assert.strictEqual(amountOf("sell", "1.2345", {}), "1.234")
    assert.strictEqual(amountOf("sell", "0.01", { minimumCost: "10" }), "0.01")
    assert.isUndefined(amountOf("sell", "0.1", { minimumAmount: "0.25" }))
    assert.isUndefined(amountOf("sell", "0.5", { increment: "1" }))
  })
})
