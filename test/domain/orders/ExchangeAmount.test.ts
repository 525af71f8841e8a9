import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as ExchangeAmount from "../../../src/domain/orders/ExchangeAmount.ts"

const decimal = (text: string) => Option.getOrThrow(Decimal.parse(text))

const amountOf = (
  side: "buy" | "sell",
  sum: string,
  limits: { readonly minimumAmount?: string; readonly minimumCost?: string; readonly increment?: string }
) => {
  const { increment = "0.001", minimumAmount = increment, minimumCost = "1" } = limits
  const amount = ExchangeAmount.of(side, decimal(sum), decimal("20"), {
    minimumAmount: decimal(minimumAmount),
    minimumCost: decimal(minimumCost),
    increment: decimal(increment)
  })
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

  it("sells no more than the sum, and nothing below the smallest amount", () => {
    assert.strictEqual(amountOf("sell", "1.2345", {}), "1.234")
    assert.strictEqual(amountOf("sell", "0.01", { minimumCost: "10" }), "0.01")
    assert.isUndefined(amountOf("sell", "0.1", { minimumAmount: "0.25" }))
    assert.isUndefined(amountOf("sell", "0.5", { increment: "1" }))
  })
})
