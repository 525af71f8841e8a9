import { DateTime } from "effect"
import type { SecurityEvent } from "../../domain/accounts/SecurityEvent.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { EventPosition } from "../../domain/wallets/EventPosition.ts"
import type { StatementRow } from "../StatementRow.ts"
import type { ChangedOrder } from "./OrderChanges.ts"
import type { UserEvent, WalletBalance } from "./UserEvent.ts"
import type { VersionRange, WalletState } from "./UserEventRepo.ts"

/** Missed events that a reader receives. With more, it receives a gap and a snapshot. */
export const MAX_MISSED = 1000

/** Changes after a position, as they were read. */
export interface Changes {
  readonly state: WalletState
  /** True if too much was missed, or the position is not one of this stream. */
  readonly hasGap: boolean
  readonly security: ReadonlyArray<SecurityEvent>
  readonly entries: ReadonlyArray<StatementRow>
  /** Orders that changed lately. The reader may have some of them. */
  readonly orders: ReadonlyArray<ChangedOrder>
  /** Time of the last change of an order, in epoch milliseconds, before the orders were read. */
  readonly lastOrder: number
  /** False if there is more to read. */
  readonly isComplete: boolean
}

/** Returns what a reader at a position has not received. Undefined if it is too much, or the position is not of this wallet. */
export const missedAfter = (
  position: EventPosition,
  { accounts, security }: WalletState,
  includesSecurity: boolean
) => {
  const versions = new Map(accounts.map(({ id, version }) => [id, version]))
  for (const [account, version] of position.versions)
    if (version > (versions.get(account) ?? -1n)) return undefined
  const ranges = accounts.flatMap(({ id, version }): ReadonlyArray<VersionRange> => {
    const after = position.versions.get(id) ?? 0n
    return after === version ? [] : [{ account: id, after, upTo: version }]
  })
  const events = includesSecurity ? security - position.security : 0n
  const missed = ranges.reduce((sum, { after, upTo }) => sum + upTo - after, events)
  return events < 0n || missed > BigInt(MAX_MISSED) ? undefined : { security: events, ranges }
}

/** Turns what was read into events, and keeps the position, the balances and the orders that the reader has. */
export const readerAt = (stream: string, since: EventPosition | undefined) => {
  let position = since
  /** Balances that were sent, by asset. Undefined before the snapshot. */
  let sent: ReadonlyMap<string, string> | undefined
  /** Versions of the orders that changed lately and were sent, by id. */
  let sentOrders: ReadonlyMap<string, number> = new Map()
  const keepOrders = (orders: ReadonlyArray<ChangedOrder>) => {
    sentOrders = new Map(orders.map(({ order, version }) => [order.id, version]))
  }

  const balanceEvents = ({ accounts }: WalletState, at: EventPosition): ReadonlyArray<UserEvent> => {
    const known = sent
    const balances = accounts.map(({ asset, available, balance, held }): WalletBalance => ({
      asset,
      balance,
      held,
      available
    }))
    sent = new Map(balances.map((balance) => [balance.asset, textOf(balance)]))
    return known === undefined
      ? [{ _tag: "Snapshot", position: at, balances }]
      : balances
          .filter((balance) => known.get(balance.asset) !== textOf(balance))
          .map((balance) => ({ _tag: "Balance", position: at, balance }))
  }

  return {
    position: () => (position?.stream === stream ? position : undefined),
    receive: ({
      entries,
      hasGap,
      isComplete,
      lastOrder,
      orders,
      security,
      state
    }: Changes): ReadonlyArray<UserEvent> => {
      const isForeign = position !== undefined && position.stream !== stream
      if (position === undefined || hasGap || isForeign) {
        const now = {
          stream,
          security: state.security,
          orders: lastOrder,
          versions: new Map(
            state.accounts.flatMap(({ id, version }) => (version > 0n ? [[id, version]] : []))
          )
        }
        const gap: ReadonlyArray<UserEvent> =
          position === undefined ? [] : [{ _tag: "Gap", position: now, since: position }]
        position = now
        sent = undefined
        keepOrders(orders.filter(({ order }) => DateTime.toEpochMillis(order.updatedAt) <= lastOrder))
        return [...gap, ...balanceEvents(state, now)]
      }
      let at = position
      const recorded = security.map((event): UserEvent => {
        at = { ...at, security: event.number }
        return { _tag: "Security", position: at, event }
      })
      const posted = entries.map((row): UserEvent => {
        at = { ...at, versions: new Map(at.versions).set(row.account, row.version) }
        return { _tag: "Transaction", position: at, row }
      })
      position = at
      if (!isComplete) return [...recorded, ...posted]
      const changed = orders.filter(({ order, version }) => version > (sentOrders.get(order.id) ?? 0))
      const ordered = changed.map(({ order }): UserEvent => {
        at = { ...at, orders: Math.max(at.orders, DateTime.toEpochMillis(order.updatedAt)) }
        return { _tag: "Order", position: at, order }
      })
      position = at
      keepOrders(orders)
      return [...recorded, ...posted, ...ordered, ...balanceEvents(state, at)]
    }
  }
}

const textOf = ({ balance, held }: WalletBalance) => `${Decimal.format(balance)} ${Decimal.format(held)}`
