import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Option, Result } from "effect"
import type { OrderAllocation, OrderTerms } from "../../src/client/promise/orders/OrderValues.ts"
import type { Transaction } from "../../src/client/promise/wallets/WalletValues.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import * as DomainDecimal from "../../src/domain/money/Decimal.ts"
import { allocate } from "../../src/domain/orders/Allocation.ts"
import { lock, priceOf } from "../../src/domain/orders/PriceLock.ts"
import * as Decimal from "../../web/src/money/Decimal.ts"
import { recompute } from "../../web/src/wallet/Allocation.ts"
import { estimate } from "../../web/src/wallet/OrderEstimate.ts"
import { legsOf, valueOf } from "../../web/src/wallet/Portfolio.ts"
import { residualOf } from "../../web/src/wallet/Rounding.ts"
import { daysOf, isSelected, rowsOf, startOf } from "../../web/src/wallet/Statement.ts"

/** Numbers that repeat in each run. */
const random = (seed: number) => (limit: number) => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed % limit
}

const big = (text: string) => Option.getOrThrow(DomainDecimal.parse(text))

const movement = (fields: Partial<Transaction>): Transaction => ({
  id: "a",
  type: "transfer",
  asset: "USD",
  amount: "1.00",
  change: "-1.00",
  balance: "9.00",
  counterparty: null,
  note: null,
  reference: null,
  orderId: null,
  conversionId: null,
  createdAt: new Date(2026, 10, 30, 12),
  ...fields
})

describe("The estimate of an order", () => {
  const sides = ["buy", "sell"] as const

  it("locks the price, amount and total of the server, for units and for US dollars", () => {
    const next = random(11)
    let refused = 0
    for (let round = 0; round < 400; round++) {
      const side = sides[round % 2] ?? "buy"
      const isNotional = next(2) === 0
      const decimals = [0, 2, 8, 9, 18][next(5)] ?? 8
      const rate = `${next(90_000)}.${String(next(1_000_000)).padStart(6, "0")}`
      const spread = `0.00${next(100)}`
      const quantity = isNotional
        ? `${next(500)}.${String(next(100)).padStart(2, "0")}`
        : DomainDecimal.format(BigDecimal.make(BigInt(next(1_000_000) + 1), Math.min(decimals, 8)))
      const minimumOrder = next(3) === 0 ? "0.5" : null
      const price = priceOf(big(rate), side, big(spread))
      const asset = { code: AssetCode.make("COIN"), kind: "crypto", name: "Coin", decimals } as const
      const expected = lock(
        { asset, minimumOrder: minimumOrder === null ? null : big(minimumOrder) },
        side,
        price,
        isNotional ? { notional: big(quantity) } : { amount: big(quantity) }
      )
      const terms: OrderTerms = {
        asset: "COIN",
        spread,
        minimumOrder,
        poolThreshold: "10.00",
        poolMaxWait: 300,
        marketOpen: true,
        sandbox: true
      }
      const found = estimate(Decimal.of(quantity), isNotional, side, rate, decimals, terms)
      const where = `${side} ${quantity} at ${rate} ± ${spread}, ${decimals} decimals`
      if (Result.isFailure(expected)) {
        refused++
        assert.isTrue(found === undefined || found.problem !== undefined, where)
        continue
      }
      const { amount, total } = expected.success
      assert.isUndefined(found?.problem, where)
      const shown = [found?.price, found?.amount, found?.total].map((value) =>
        value === undefined ? "" : DomainDecimal.format(big(Decimal.toText(value)))
      )
      assert.deepStrictEqual(shown, [price, amount, total].map(DomainDecimal.format), where)
      assert.strictEqual(found?.isPooled, BigDecimal.isLessThan(total, big("10")), where)
    }
    assert.isAbove(refused, 10)
  })
})

describe("The allocation in the page", () => {
  const published = (filled: bigint): OrderAllocation => {
    const orders = [2500n, 1250n, 7000n, 7000n].map((amount, index) => ({
      id: `order-${index}`,
      amount,
      total: amount / 10n
    }))
    const { houseFilled, shares, sum } = allocate(orders, 300n, filled)
    const units = (value: bigint) => DomainDecimal.format(BigDecimal.make(value, 8))
    const dollars = (value: bigint) =>
      DomainDecimal.padDecimals(DomainDecimal.format(BigDecimal.make(value, 2)), 2)
    return {
      batchId: "batch",
      asset: "BTC",
      side: "buy",
      rule: "largest-remainder",
      unit: units(1n),
      ordered: units(sum),
      filled: units(filled),
      cost: "1.00",
      exchangeOrderId: null,
      sum: units(sum),
      house: { amount: units(300n), filled: units(houseFilled) },
      orders: shares.map((share) => ({
        orderId: share.id,
        amount: units(share.amount),
        totalPrice: dollars(share.total),
        remainder: String(share.remainder),
        hasExtraUnit: share.hasExtraUnit,
        filled: units(share.filled),
        charged: dollars(share.charged),
        isYours: share.id === "order-1"
      }))
    }
  }

  it("is the one of the server, for every fill", () => {
    for (let filled = 0n; filled <= 18_100n; filled += 97n) {
      const allocation = published(filled)
      const { isEqual, shares } = recompute(allocation)
      assert.isTrue(isEqual, String(filled))
      assert.deepStrictEqual(
        shares.map(({ hasExtraUnit }) => hasExtraUnit),
        allocation.orders.map(({ hasExtraUnit }) => hasExtraUnit)
      )
    }
  })

  it("shows a share, a charge or a fill that was published wrong", () => {
    const allocation = published(5000n)
    const change = (fields: Partial<OrderAllocation["orders"][number]>) => ({
      ...allocation,
      orders: allocation.orders.map((order, index) => (index === 1 ? { ...order, ...fields } : order))
    })
    assert.isFalse(recompute(change({ filled: "0.00000001" })).isEqual)
    assert.isFalse(recompute(change({ charged: "9.99" })).isEqual)
    assert.isFalse(recompute({ ...allocation, filled: "0.00005001" }).isEqual)
    assert.isFalse(recompute({ ...allocation, house: { amount: "0.000003", filled: "0" } }).isEqual)
  })

  it("shows the exact quotient with three decimals more than the smallest unit", () => {
    const [, share] = recompute(published(5000n)).shares
    // 5000 · 1250 / 18050 = 346.26038… smallest units.
    assert.strictEqual(share?.exact, "0.00000346260")
  })
})

describe("The total of a wallet", () => {
  const balance = (asset: string, amount: string) => ({
    asset,
    balance: amount,
    held: "0",
    available: amount
  })
  const rates: Readonly<Record<string, string>> = {
    "BTC:USD": "50000.125",
    "USD:EUR": "0.9",
    "NGN:EUR": "0.0006"
  }
  const at = new Date("2026-11-30T12:00:00Z")
  const older = new Date("2026-11-30T11:59:00Z")
  const findRate = (from: string, to: string) => {
    const rate = rates[`${from}:${to}`]
    return rate === undefined
      ? undefined
      : { rate, fetchedAt: from === "BTC" ? older : at, stale: from === "BTC" }
  }
  const isCurrency = (code: string) => code !== "BTC" && code !== "XYZ"

  it("adds exact values and rounds once, down, with other assets through US dollars", () => {
    const portfolio = valueOf(
      [balance("BTC", "0.00000003"), balance("EUR", "1.00"), balance("NGN", "1.11")],
      { code: "EUR", decimals: 2 },
      isCurrency,
      findRate
    )
    // 0.0013500… + 1.00 + 0.000666: rounding each one would lose the rest.
    assert.strictEqual(Decimal.toText(portfolio.total), "1.00")
    assert.deepStrictEqual(legsOf("BTC", "EUR", false), [
      ["BTC", "USD"],
      ["USD", "EUR"]
    ])
    assert.strictEqual(portfolio.asOf, older)
    assert.isTrue(portfolio.isStale)
    const many = valueOf(
      [balance("NGN", "10.00"), balance("BTC", "0.00000009")],
      { code: "EUR", decimals: 2 },
      isCurrency,
      findRate
    )
    // 0.006 + 0.00405…: a cent together, nothing alone.
    assert.strictEqual(Decimal.toText(many.total), "0.01")
    assert.deepStrictEqual(
      many.holdings.map(({ value }) => value && Decimal.toText(value)),
      ["0.00", "0.00"]
    )
  })

  it("names what has no price instead of failing", () => {
    const { total, unpriced } = valueOf(
      [balance("XYZ", "5"), balance("EUR", "2.50")],
      { code: "EUR", decimals: 2 },
      isCurrency,
      findRate
    )
    assert.strictEqual(Decimal.toText(total), "2.50")
    assert.deepStrictEqual(unpriced, ["XYZ"])
  })

  it("keeps every digit beyond the precision of a number", () => {
    const { total } = valueOf(
      [balance("EUR", "12345678901234567890.12")],
      { code: "EUR", decimals: 2 },
      isCurrency,
      findRate
    )
    assert.strictEqual(Decimal.toText(total), "12345678901234567890.12")
  })
})

describe("The statement", () => {
  it("joins both sides of a conversion to one row, what was paid first", () => {
    const rows = rowsOf([
      movement({ id: "c", type: "conversion", asset: "NGN", change: "1520.00", balance: "1520.00" }),
      movement({ id: "c", type: "conversion", asset: "USD", change: "-1.00", balance: "8.00" }),
      movement({ id: "t" })
    ])
    assert.deepStrictEqual(
      rows.map(({ id, movements }) => [id, ...movements.map(({ asset }) => asset)]),
      [
        ["c", "USD", "NGN"],
        ["t", "USD"]
      ]
    )
  })

  it("groups rows by the days of the reader", () => {
    const days = daysOf(
      rowsOf([
        movement({ id: "a", createdAt: new Date(2026, 10, 30, 0, 0, 1) }),
        movement({ id: "b", createdAt: new Date(2026, 10, 29, 23, 59, 59) })
      ])
    )
    assert.deepStrictEqual(
      days.map(({ start }) => start.getDate()),
      [30, 29]
    )
  })

  it("selects by asset, kind and days, the last day included", () => {
    const all = { asset: "", type: "", since: "", until: "" }
    const row = movement({ createdAt: new Date(2026, 10, 30, 23, 59) })
    assert.isTrue(isSelected(row, all))
    assert.isTrue(isSelected(row, { ...all, since: "2026-11-30", until: "2026-11-30" }))
    assert.isFalse(isSelected(row, { ...all, until: "2026-11-29" }))
    assert.isFalse(isSelected(row, { ...all, since: "2026-12-01" }))
    assert.isFalse(isSelected(row, { ...all, asset: "NGN" }))
    assert.isFalse(isSelected(row, { ...all, type: "deposit" }))
    for (const wrong of ["2026-02-30", "yesterday", "2026-1-1", ""]) assert.isUndefined(startOf(wrong), wrong)
  })
})

describe("The rounding of a conversion", () => {
  it("is what the exact product has beyond the smallest unit", () => {
    assert.strictEqual(
      residualOf({ inputAmount: "1700.00", outputAmount: "2584671.45", rate: "1520.3949757425" }),
      "0.00876225"
    )
    assert.strictEqual(residualOf({ inputAmount: "2.00", outputAmount: "3.00", rate: "1.5" }), "0")
  })
})
