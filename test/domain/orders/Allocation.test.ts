import { assert, describe, it } from "@effect/vitest"
import { type BigDecimal, Option, Schema } from "effect"
import { allocate, type AllocatedOrder, houseResult } from "../../../src/domain/orders/Allocation.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"

const decimal = (text: string) => Option.getOrThrow(Decimal.parse(text))

const orders = (
  amounts: ReadonlyArray<number>,
  totals: ReadonlyArray<number>
): ReadonlyArray<AllocatedOrder> =>
  amounts.map((amount, i) => ({ id: `order-${i}`, amount: BigInt(amount), total: BigInt(totals[i] ?? 0) }))

const Units = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 1n, maximum: 10n ** 24n }))
const Part = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

const vectors = [
  {
    name: "a whole fill gives everybody what was ordered",
    amounts: [11000, 11000, 11366],
    totals: [330, 330, 341],
    house: 0,
    filled: 33366,
    shares: [11000, 11000, 11366],
    charged: [330, 330, 341],
    ofHouse: 0
  },
  {
    name: "a tie is decided by the order id",
    amounts: [10000, 10000, 10000, 10000],
    totals: [400, 400, 400, 400],
    house: 0,
    filled: 39999,
    shares: [10000, 10000, 10000, 9999],
    charged: [400, 400, 400, 399],
    ofHouse: 0
  },
  {
    name: "the largest remainders get the units that are left",
    amounts: [2500, 1250, 7000],
    totals: [250, 125, 700],
    house: 0,
    filled: 5000,
    shares: [1163, 581, 3256],
    charged: [116, 58, 325],
    ofHouse: 0
  },
  {
    name: "a share can be zero",
    amounts: [1, 100],
    totals: [5, 495],
    house: 0,
    filled: 50,
    shares: [0, 50],
    charged: [0, 247],
    ofHouse: 0
  },
  {
    name: "the house takes what exceeds the orders",
    amounts: [300, 200],
    totals: [3, 2],
    house: 1500,
    filled: 2000,
    shares: [300, 200],
    charged: [3, 2],
    ofHouse: 1500
  }
]

describe("allocate", () => {
  for (const vector of vectors)
    it(vector.name, () => {
      const allocation = allocate(
        orders(vector.amounts, vector.totals),
        BigInt(vector.house),
        BigInt(vector.filled)
      )
      assert.deepStrictEqual(
        allocation.shares.map(({ filled }) => filled),
        vector.shares.map(BigInt)
      )
      assert.deepStrictEqual(
        allocation.shares.map(({ charged }) => charged),
        vector.charged.map(BigInt)
      )
      assert.strictEqual(allocation.houseFilled, BigInt(vector.ofHouse))
    })

  it("serves the house last", () => {
    const { houseFilled, shares } = allocate(orders([1, 1], [1, 1]), 1n, 2n)
    assert.deepStrictEqual([shares.map(({ filled }) => filled), houseFilled], [[1n, 1n], 0n])
  })

  it("gives the house what an exchange fills beyond the order", () => {
    const { houseFilled, shares } = allocate(orders([3, 4], [3, 4]), 0n, 9n)
    assert.deepStrictEqual([shares.map(({ filled }) => filled), houseFilled], [[3n, 4n], 2n])
  })

  it.prop(
    "divides every fill completely, to at most one unit of the exact share, in any order of the orders",
    {
      drawn: Schema.Array(Schema.Struct({ amount: Units, total: Units })).check(
        Schema.isMinLength(1),
        Schema.isMaxLength(40)
      ),
      house: Units,
      part: Part
    },
    ({ drawn, house, part }) => {
      const all = drawn.map((order, i) => ({ ...order, id: `order-${i}` }))
      const sum = all.reduce((total, { amount }) => total + amount, house)
      const filled = (sum * BigInt(part)) / 1_000_000n
      const allocation = allocate(all, house, filled)
      const ofShares = allocation.shares.reduce((total, share) => total + share.filled, 0n)
      assert.strictEqual(ofShares + allocation.houseFilled, filled)
      for (const share of allocation.shares) {
        const off = share.filled * sum - filled * share.amount
        assert.isTrue(off < sum && off > -sum)
        assert.isTrue(share.filled >= 0n && share.filled <= share.amount)
        assert.isTrue(share.charged <= share.total)
      }
      assert.deepStrictEqual(allocate(all.toReversed(), house, filled), allocation)
    }
  )
})

describe("houseResult", () => {
  const format = (result: ReturnType<typeof houseResult>) =>
    Object.values(result).map((value: BigDecimal.BigDecimal) => Decimal.format(value))

  it("gives the house the difference between locked totals and the cost of a buy", () => {
    const allocation = allocate(orders([300, 200], [330, 220]), 0n, 500n)
    const result = houseResult("buy", allocation, { cost: decimal("5.234"), fee: decimal("0.001") }, 2)
    assert.deepStrictEqual(format(result), ["0", "0.26", "5.24", "0.01"])
  })

  it("charges the house for its part", () => {
    const allocation = allocate(orders([300, 200], [3, 2]), 1500n, 2000n)
    const result = houseResult("buy", allocation, { cost: decimal("0.2"), fee: decimal("0") }, 2)
    assert.deepStrictEqual(format(result), ["0.15", "0", "0.2", "0"])
  })

  it("mirrors a sell, and loses where the exchange paid less than promised", () => {
    const allocation = allocate(orders([300, 200], [330, 220]), 0n, 500n)
    const result = houseResult("sell", allocation, { cost: decimal("5.239"), fee: decimal("0") }, 2)
    assert.deepStrictEqual(format(result), ["0", "-0.27", "5.23", "0"])
  })
})
