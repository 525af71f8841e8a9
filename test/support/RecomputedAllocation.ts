import { assert } from "@effect/vitest"

/** The body of `GET /api/v1/orders/{id}/allocation`. */
export interface PublishedAllocation {
  readonly batch_id: string
  readonly unit: string
  readonly filled: string
  readonly sum: string
  readonly house: { readonly amount: string; readonly filled: string }
  readonly orders: ReadonlyArray<{
    readonly order_id: string
    readonly amount: string
    readonly total_price: string
    readonly filled: string
    readonly charged: string
  }>
}

/** Reads a decimal as an integer of `10^-decimals`, without any code of the server. */
const integer = (text: string, decimals: number) => {
  const [whole = "", fraction = ""] = text.split(".")
  assert.isAtMost(fraction.length, decimals, text)
  return BigInt(whole + fraction.padEnd(decimals, "0"))
}

/**
 * Divides a fill again from what is published, and asserts that every share and charge is the same, that they add up to the fill,
 * and that nobody is off by a whole smallest unit from the exact quotient. Returns how many shares were rounded up.
 */
export const check = ({ batch_id, filled, house, orders, sum, unit }: PublishedAllocation): number => {
  const decimals = unit.split(".")[1]?.length ?? 0
  const units = (text: string) => integer(text, decimals)
  const [fill, total] = [units(filled), units(sum)]
  assert.isTrue(fill <= total, batch_id)
  const claims = orders.map(({ amount, order_id }) => ({ id: order_id, product: fill * units(amount) }))
  const rest = claims.reduce(
    (left, { product }) => left - product / total,
    fill - (fill * units(house.amount)) / total
  )
  const extra = new Set(
    claims
      .toSorted((a, b) => {
        const [left, right] = [a.product % total, b.product % total]
        return left === right ? (a.id < b.id ? -1 : 1) : left > right ? -1 : 1
      })
      .slice(0, Number(rest))
      .map(({ id }) => id)
  )
  let shared = units(house.filled)
  let amounts = units(house.amount)
  for (const { amount, charged, filled: text, order_id, total_price } of orders) {
    const [share, claim] = [units(text), fill * units(amount)]
    assert.strictEqual(share, claim / total + (extra.has(order_id) ? 1n : 0n), order_id)
    const difference = share * total - claim
    assert.isTrue(difference < total && -difference < total, order_id)
    assert.strictEqual(integer(charged, 2), (integer(total_price, 2) * share) / units(amount), order_id)
    shared += share
    amounts += units(amount)
  }
  assert.deepStrictEqual([shared, amounts], [fill, total], batch_id)
  return extra.size
}
