import { Effect, Metric } from "effect"
import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import { ClientOrderIdUsed, type Order, type OrderId } from "../domain/orders/Order.ts"
import * as GroupCommit from "../ledger/GroupCommit.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as PostingRounds from "../ledger/PostingRounds.ts"
import * as OrderMetrics from "../platform/metrics/OrderMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import { type NewOrder, OrderRepo } from "./OrderRepo.ts"
import { SettlementSignal } from "./settlement/SettlementSignal.ts"

const MAX_BATCH_SIZE = 128

/** A priced order, and the posting that opens its hold. */
export interface OrderCommit {
  readonly order: NewOrder
  readonly posting: LedgerPosting
}

/** A stored order with its hold, or why there is none: the `client_order_id` was used, or a refusal or replay of the ledger. */
export type CommitOutcome =
  | { readonly _tag: "Placed"; readonly order: Order }
  | ClientOrderIdUsed
  | PostOutcome

/**
 * Creates the function that opens the hold of an order and stores the order, in one transaction. Concurrent orders share one. A
 * refusal of the ledger is stored for its key, without an order.
 */
export const make = Effect.gen(function* () {
  const { sql, tryExecute } = yield* Database
  const ledger = yield* Ledger
  const repo = yield* OrderRepo
  const { notify } = yield* SettlementSignal

  const store = Effect.fnUntraced(function* (items: ReadonlyArray<OrderCommit>) {
    const used = yield* repo.withUsedClientOrderId(items.map(({ order }) => order))
    const unused = items.filter(({ order }) => !used.has(order.id))
    const posted = unused.length === 0 ? [] : yield* ledger.postWithin(unused.map(({ posting }) => posting))
    const outcomes = new Map<OrderId, CommitOutcome>()
    unused.forEach(({ order }, i) => {
      const outcome = posted[i]
      if (outcome !== undefined) outcomes.set(order.id, outcome)
    })
    const held = unused.flatMap(({ order }, i) => {
      const outcome = posted[i]
      return (outcome?._tag === "Posted" || outcome?._tag === "Held") && !outcome.replayed
        ? [{ ...order, isReviewed: outcome._tag === "Held" }]
        : []
    })
    const orders = held.length === 0 ? [] : yield* repo.insert(held)
    for (const order of orders) outcomes.set(order.id, { _tag: "Placed", order })
    return { orders, outcomes: items.map(({ order }) => outcomes.get(order.id) ?? new ClientOrderIdUsed()) }
  })

  const commit = Effect.fnUntraced(function* (items: ReadonlyArray<OrderCommit>) {
    const { orders, outcomes } = yield* tryExecute(sql.withTransaction(store(items)))
    for (const { state } of orders) yield* Metric.update(OrderMetrics.orders.of({ state }), 1)
    if (orders.some(({ state }) => state !== "held-for-review")) yield* notify
    return outcomes
  })

  const group = yield* GroupCommit.make<OrderCommit, CommitOutcome>({
    commit,
    namesOf: ({ order: { clientOrderId, walletId }, posting }) => [
      ...PostingRounds.keyNames(posting),
      ...(clientOrderId === null ? [] : [JSON.stringify(["client_order_id", walletId, clientOrderId])])
    ],
    maxBatchSize: MAX_BATCH_SIZE,
    duration: OrderMetrics.commitDuration,
    timeoutMessage: "the order was not stored"
  })

  return group.run
})
