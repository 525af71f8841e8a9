import { Effect, Metric } from "effect"
import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import type { Held, PostOutcome, Posted } from "../domain/ledger/PostOutcome.ts"
import { PRICE_CURRENCY } from "../domain/money/SupportedPairs.ts"
import { ClientOrderIdUsed, type Order } from "../domain/orders/Order.ts"
import * as GroupCommit from "../ledger/GroupCommit.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as PostingRounds from "../ledger/PostingRounds.ts"
import * as OrderMetrics from "../platform/metrics/OrderMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import { withDatabaseTimeout } from "../platform/postgres/DatabaseTimeout.ts"
import { type NewOrder, OrderRepo } from "./OrderRepo.ts"
import { SettlementSignal } from "./settlement/SettlementSignal.ts"

const MAX_BATCH_SIZE = 128
/** Groups that are stored at the same time: PostgreSQL stores one while this process prepares the next. */
const LANES = 2

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
 * refusal of the ledger, also of a frozen account, is stored for its key, without an order; that of a used `client_order_id` is not.
 */
export const make = Effect.gen(function* () {
  const { sql, tryExecute } = yield* Database
  const ledger = yield* Ledger
  const repo = yield* OrderRepo
  const { notify } = yield* SettlementSignal

  /** Stores orders of which a rule may hold one for review. */
  const storeReviewed = Effect.fnUntraced(function* (items: ReadonlyArray<OrderCommit>) {
    const posted = yield* ledger.postWithin(items.map(({ posting }) => posting))
    const held = items.flatMap(({ order }, i) => {
      const outcome = posted[i]
      return isNew(outcome) ? [{ ...order, isReviewed: outcome._tag === "Held" }] : []
    })
    const stored = held.length === 0 ? [] : yield* repo.insert(held)
    const orders = new Map(stored.map((order) => [order.id, order]))
    return items.map(({ order: { id } }, i) => outcomeOf(orders.get(id), posted[i]))
  })

  const store = Effect.fnUntraced(function* (items: ReadonlyArray<OrderCommit>) {
    if (items.length === 0) return []
    const postings = items.map(({ posting }) => posting)
    const posted = yield* ledger.postWith(postings, repo.insertPosted(items.map(({ order }) => order)))
    return posted === undefined
      ? yield* tryExecute(sql.withTransaction(storeReviewed(items)))
      : items.map(({ order }, i) => outcomeOf(isNew(posted[i]) ? placedOf(order) : undefined, posted[i]))
  })

  /** Returns why orders cannot be stored. Neither the account that pays nor the one that receives may be frozen. */
  const refusalsOf = Effect.fnUntraced(function* (items: ReadonlyArray<OrderCommit>) {
    const orders = items.map(({ order }) => order)
    const [used, frozen] = yield* Effect.all(
      [
        tryExecute(repo.withUsedClientOrderId(orders)),
        tryExecute(ledger.frozenOf(orders.map(({ walletId }) => walletId)))
      ],
      { concurrency: "unbounded" }
    )
    const refusals = items.map(({ order: { asset, id, walletId } }): CommitOutcome | undefined => {
      if (used.has(id)) return new ClientOrderIdUsed()
      const account = frozen.find(
        (account) =>
          account.owner === walletId && (account.asset === asset || account.asset === PRICE_CURRENCY)
      )
      return account && { _tag: "AccountFrozen", replayed: false, account: account.id }
    })
    const final = items.flatMap(({ posting }, i) => {
      const refusal = refusals[i]
      return refusal?._tag === "AccountFrozen" ? [{ posting, account: refusal.account }] : []
    })
    if (final.length > 0) yield* ledger.refuse(final)
    return refusals
  })

  const commit = Effect.fnUntraced(function* (items: ReadonlyArray<OrderCommit>) {
    const refusals = yield* refusalsOf(items)
    const stored = (yield* store(items.filter((_, i) => refusals[i] === undefined))).values()
    const outcomes = refusals.map((refusal): CommitOutcome | undefined => refusal ?? stored.next().value)
    const states = outcomes.flatMap((outcome) => (outcome?._tag === "Placed" ? [outcome.order.state] : []))
    for (const state of states) yield* Metric.update(OrderMetrics.orders.of({ state }), 1)
    if (states.some((state) => state !== "held-for-review")) yield* notify
    return outcomes
  }, withDatabaseTimeout)

  const group = yield* GroupCommit.make<OrderCommit, CommitOutcome>({
    commit,
    namesOf: ({ order: { clientOrderId, walletId }, posting }) => [
      ...PostingRounds.keyNames(posting),
      ...(clientOrderId === null ? [] : [JSON.stringify(["client_order_id", walletId, clientOrderId])])
    ],
    maxBatchSize: MAX_BATCH_SIZE,
    concurrency: LANES,
    duration: OrderMetrics.commitDuration,
    timeoutMessage: "the order was not stored"
  })

  return group.run
})

/** The hold was opened by this posting. */
const isNew = (outcome: PostOutcome | undefined): outcome is Posted | Held =>
  (outcome?._tag === "Posted" || outcome?._tag === "Held") && !outcome.replayed

const outcomeOf = (order: Order | undefined, posted: PostOutcome | undefined): CommitOutcome | undefined =>
  order === undefined ? posted : { _tag: "Placed", order }

/** A new order as it is stored. */
const placedOf = (order: NewOrder): Order => ({
  ...order,
  state: order.isAggregated ? "aggregated" : "pending",
  reason: null,
  batchId: null,
  filled: null,
  charged: null,
  updatedAt: order.createdAt
})
