import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import * as ChangedOrders from "../../src/orders/ChangedOrders.ts"
import type { EventPosition } from "../../src/domain/wallets/EventPosition.ts"
import type { UserEvent, WalletBalance } from "../../src/wallets/events/UserEvent.ts"
import { UserEvents } from "../../src/wallets/events/UserEvents.ts"
import { WalletChanges } from "../../src/wallets/events/WalletChanges.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import * as Waiters from "./Waiters.ts"

/** Events of users within one process. Requires wallets. */
export const layer = UserEvents.layer.pipe(
  Layer.provide(WalletChanges.layerMemory),
  Layer.provide(ChangedOrders.layer)
)

const balanceText = ({ asset, available, balance, held }: WalletBalance) =>
  `${asset} ${[balance, held, available].map(Decimal.format).join(" ")}`

/** An event as short text: `Balance USD 5 0 5` (balance, held, available), `Transaction USD -1`. */
export const textOf = (event: UserEvent): string => {
  switch (event._tag) {
    case "Snapshot":
      return ["Snapshot", ...event.balances.map(balanceText)].join(" ")
    case "Balance":
      return `Balance ${balanceText(event.balance)}`
    case "Transaction":
      return `Transaction ${event.row.asset} ${Decimal.format(event.row.change)}`
    case "Order":
      return `Order ${event.order.asset} ${event.order.state}`
    case "Security":
      return `Security ${event.event.event}`
    case "Gap":
      return "Gap"
  }
}

interface Options {
  readonly since?: EventPosition | undefined
  readonly includesSecurity?: boolean
}

/** Subscribes until the scope closes. Events are read on demand. */
export const open = Effect.fnUntraced(function* (
  wallet: NamedWallet,
  { includesSecurity = true, since = undefined }: Options = {}
) {
  const { take } = yield* (yield* UserEvents).subscribe({ wallet, includesSecurity, since })
  const untaken: Array<UserEvent> = []
  const next = Effect.gen(function* () {
    if (untaken.length === 0) untaken.push(...(yield* take))
    return untaken.shift() ?? assert.fail("no event")
  }).pipe(
    Effect.timeoutOrElse({
      duration: Waiters.TIMEOUT_MILLIS,
      orElse: () => Effect.die(new Error("no event of the user"))
    })
  )
  /** Takes events up to the first one for which the predicate holds. */
  const until = Effect.fnUntraced(function* (isLast: (event: UserEvent) => boolean) {
    const taken: Array<UserEvent> = []
    for (;;) {
      const event = yield* next
      taken.push(event)
      if (isLast(event)) return taken
    }
  })
  return { take, next, text: Effect.map(next, textOf), until }
})
