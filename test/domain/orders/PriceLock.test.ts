import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Option, Result, Schema } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { hasMoved, lock, type OrderQuantity, priceOf } from "../../../src/domain/orders/PriceLock.ts"
import * as TestCatalog from "../../support/TestCatalog.ts"

const decimal = (text: string) => Option.getOrThrow(Decimal.parse(text))
const between = (minimum: bigint, maximum: bigint) =>
  Schema.BigInt.check(Schema.isBetweenBigInt({ minimum, maximum }))
const BTC = TestCatalog.asset("BTC")
const lockBtc = (
  side: "buy" | "sell",
  price: string,
  quantity: OrderQuantity,
  minimumOrder: string | null = null
) =>
  Result.map(
    lock(
      { asset: BTC, minimumOrder: minimumOrder === null ? null : decimal(minimumOrder) },
      side,
      decimal(price),
      quantity
    ),
    ({ amount, total }) => [Decimal.format(amount), Decimal.format(total)]
  )

describe("priceOf", () => {
  it("puts the spread on the side of the house", () => {
    const spread = decimal("0.005")
    assert.strictEqual(Decimal.format(priceOf(decimal("50000"), "buy", spread)), "50250")
    assert.strictEqual(Decimal.format(priceOf(decimal("50000"), "sell", spread)), "49750")
    assert.strictEqual(Decimal.format(priceOf(decimal("0.0000000000001"), "sell", spread)), "0")
    assert.strictEqual(Decimal.format(priceOf(decimal("0.0000000000001"), "buy", spread)), "0.000000000001")
  })
})

describe("lock", () => {
  it("rounds what a buyer pays up, and what a seller receives down", () => {
    const quantity = { amount: decimal("0.00000333") }
    assert.deepStrictEqual(lockBtc("buy", "50000", quantity), Result.succeed(["0.00000333", "0.17"]))
    assert.deepStrictEqual(lockBtc("sell", "50000", quantity), Result.succeed(["0.00000333", "0.16"]))
  })

  it("turns a notional into an amount, rounded down", () => {
    assert.deepStrictEqual(
      lockBtc("buy", "30000", { notional: decimal("10") }),
      Result.succeed(["0.00033333", "10"])
    )
  })

  it("refuses less than two of the smallest unit, less than the smallest order, and less than a cent", () => {
    const reason = (locked: ReturnType<typeof lockBtc>) =>
      Option.getOrElse(
        Option.map(Result.getFailure(locked), ({ message }) => message),
        () => "accepted"
      )
    assert.match(reason(lockBtc("buy", "999999", { notional: decimal("0.01") })), /less than two/)
    assert.strictEqual(reason(lockBtc("buy", "500000", { notional: decimal("0.01") })), "accepted")
    assert.match(reason(lockBtc("buy", "50000", { amount: decimal("0.1") }, "0.5")), /smallest order is 0.5/)
    assert.match(reason(lockBtc("sell", "50000", { amount: decimal("0.0000001") })), /worth less/)
    assert.match(reason(lockBtc("sell", "0", { amount: decimal("1") })), /too low/)
  })

  it.prop(
    "never takes more than the notional, and leaves less than a unit of it",
    { cents: between(1n, 10n ** 12n), raw: between(1n, 10n ** 20n), side: Schema.Literals(["buy", "sell"]) },
    ({ cents, raw, side }) => {
      const notional = BigDecimal.make(cents, 2)
      const price = BigDecimal.make(raw, 12)
      const locked = lock({ asset: BTC, minimumOrder: null }, side, price, { notional })
      if (Result.isFailure(locked)) {
        const two = BigDecimal.multiply(price, BigDecimal.make(2n, 8))
        assert.isTrue(BigDecimal.isLessThan(notional, two) || side === "sell")
        return
      }
      const { amount, total } = locked.success
      assert.isTrue(BigDecimal.isLessThanOrEqualTo(total, notional))
      const next = BigDecimal.sum(amount, BigDecimal.make(1n, 8))
      assert.isTrue(BigDecimal.isGreaterThan(BigDecimal.multiply(next, price), notional))
    }
  )
})

describe("hasMoved", () => {
  const order = (side: "buy" | "sell") => ({ side, amount: decimal("2"), total: decimal("200") })
  const max = decimal("0.02")

  it("is true only beyond the limit, and only against the house", () => {
    assert.isFalse(hasMoved(order("buy"), decimal("102"), max))
    assert.isTrue(hasMoved(order("buy"), decimal("102.01"), max))
    assert.isFalse(hasMoved(order("buy"), decimal("50"), max))
    assert.isFalse(hasMoved(order("sell"), decimal("98"), max))
    assert.isTrue(hasMoved(order("sell"), decimal("97.99"), max))
    assert.isFalse(hasMoved(order("sell"), decimal("150"), max))
  })
})
