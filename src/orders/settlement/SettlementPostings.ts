import { BigDecimal } from "effect"
import type { AccountName, LedgerAccountId } from "../../domain/ledger/LedgerAccount.ts"
import type { EntryPosting, LedgerPosting, TransferId } from "../../domain/ledger/LedgerPosting.ts"
import { PRICE_CURRENCY } from "../../domain/money/SupportedPairs.ts"
import type { HouseResult } from "../../domain/orders/Allocation.ts"
import type { Batch } from "../../domain/orders/Batch.ts"
import { houseAccount, walletAccount } from "../../wallets/Wallets.ts"
import type { BatchMember } from "../OrderRows.ts"

/** An order with its share. */
export interface SettledOrder {
  readonly order: BatchMember
  readonly filled: BigDecimal.BigDecimal
  readonly charged: BigDecimal.BigDecimal
  /** Reason for which nothing was filled; null otherwise. */
  readonly failure: string | null
}

/** An entry before the id of its account is known. */
interface NamedEntry {
  readonly account: AccountName
  readonly amount: BigDecimal.BigDecimal
}

/** A posting before the ids of its accounts are known. */
type NamedPosting = Omit<LedgerPosting, "entries"> & { readonly entries: ReadonlyArray<NamedEntry> }

const ZERO = BigDecimal.make(0n, 0)

/** Moves an amount from one account to another; nothing for zero. A negative amount moves the other way. */
const move = (from: AccountName, to: AccountName, amount: BigDecimal.BigDecimal): ReadonlyArray<NamedEntry> =>
  BigDecimal.isZero(amount)
    ? []
    : [
        { account: from, amount: BigDecimal.negate(amount) },
        { account: to, amount }
      ]

/** Gives a user the share of an order, and ends its hold. The rest of the hold is released. */
const ofOrder = (
  { id: batch, asset, side }: Batch,
  { charged, failure, filled, order }: SettledOrder,
  id: TransferId
): NamedPosting => {
  const details = { order_id: order.id, batch_id: batch }
  if (failure !== null)
    return {
      id,
      kind: "order.refund",
      details: { ...details, reason: failure },
      entries: [],
      opens: [],
      ends: [{ holdId: order.holdId, outcome: "voided", posted: ZERO }]
    }
  const mine = (code: typeof asset) => walletAccount(order.walletId, code)
  const exchange = (code: typeof asset) => houseAccount("exchange", code)
  return {
    id,
    kind: "order.settlement",
    details,
    entries:
      side === "buy"
        ? [
            ...move(mine(PRICE_CURRENCY), exchange(PRICE_CURRENCY), charged),
            ...move(exchange(asset), mine(asset), filled)
          ]
        : [
            ...move(mine(asset), exchange(asset), filled),
            ...move(exchange(PRICE_CURRENCY), mine(PRICE_CURRENCY), charged)
          ],
    opens: [],
    ends: [{ holdId: order.holdId, outcome: "posted", posted: side === "buy" ? charged : filled }]
  }
}

/**
 * Leaves on the accounts `exchange` exactly what moved at the exchange: the house takes its part of the asset into its
 * liquidity, and the slippage and the fee into accounts of their own.
 */
const ofHouse = (
  { id: batch, asset, side }: Batch,
  houseFilled: BigDecimal.BigDecimal,
  { fee, houseCost, slippage }: HouseResult,
  id: TransferId
): NamedPosting => {
  const usd = (role: "exchange" | "liquidity" | "slippage" | "revenue.fee") =>
    houseAccount(role, PRICE_CURRENCY)
  const bought = side === "buy" ? houseFilled : BigDecimal.negate(houseFilled)
  const paid = side === "buy" ? houseCost : BigDecimal.negate(houseCost)
  return {
    id,
    kind: "order.settlement",
    details: { batch_id: batch },
    entries: [
      ...move(houseAccount("exchange", asset), houseAccount("liquidity", asset), bought),
      ...move(usd("liquidity"), usd("exchange"), paid),
      ...move(usd("exchange"), usd("slippage"), slippage),
      ...move(usd("revenue.fee"), usd("exchange"), fee)
    ],
    opens: [],
    ends: []
  }
}

/** Returns the postings of a batch: one for each order, and one for the house if it has a part. */
export const of = (
  batch: Batch,
  orders: ReadonlyArray<SettledOrder>,
  houseFilled: BigDecimal.BigDecimal,
  result: HouseResult,
  ids: ReadonlyArray<TransferId>
): ReadonlyArray<NamedPosting> => {
  const [first, ...others] = ids
  if (first === undefined) return []
  const house = ofHouse(batch, houseFilled, result, first)
  const ofOrders = orders.flatMap((order, i) => {
    const id = others[i]
    return id === undefined ? [] : [ofOrder(batch, order, id)]
  })
  return house.entries.length === 0 ? ofOrders : [...ofOrders, house]
}

const keyOf = ({ asset, owner, role }: AccountName) => `${owner} ${role} ${asset}`

/** Every account that postings name, once. */
export const accountsOf = (postings: ReadonlyArray<NamedPosting>): ReadonlyArray<AccountName> =>
  Array.from(
    new Map(
      postings.flatMap(({ entries }) => entries.map(({ account }) => [keyOf(account), account] as const))
    ).values()
  )

/** Replaces the names of accounts by their ids. Entries of one account are merged, so that each balance moves once. */
export const withIds = (
  postings: ReadonlyArray<NamedPosting>,
  names: ReadonlyArray<AccountName>,
  ids: ReadonlyArray<LedgerAccountId>
): ReadonlyArray<LedgerPosting> => {
  const byKey = new Map(
    names.flatMap((name, i) => (ids[i] === undefined ? [] : [[keyOf(name), ids[i]] as const]))
  )
  return postings.map(({ entries, ...posting }) => {
    const sums = new Map<LedgerAccountId, BigDecimal.BigDecimal>()
    for (const { account, amount } of entries) {
      const id = byKey.get(keyOf(account))
      if (id !== undefined) sums.set(id, BigDecimal.sum(sums.get(id) ?? ZERO, amount))
    }
    const merged = Array.from(sums, ([account, amount]): EntryPosting => ({ account, amount }))
    return { ...posting, entries: merged.filter(({ amount }) => !BigDecimal.isZero(amount)) }
  })
}
