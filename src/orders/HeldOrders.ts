import { DateTime, Effect, Layer, Metric, Option } from "effect"
import { AssetCatalog } from "../assets/AssetCatalog.ts"
import { Settings } from "../config/Settings.ts"
import { TransferId } from "../domain/ledger/LedgerPosting.ts"
import { PRICE_CURRENCY } from "../domain/money/SupportedPairs.ts"
import { type Order, OrderId } from "../domain/orders/Order.ts"
import { hasMoved } from "../domain/orders/PriceLock.ts"
import { ReviewDecided, ReviewRefused } from "../domain/risk/Review.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as PostingTransaction from "../ledger/PostingTransaction.ts"
import * as OrderMetrics from "../platform/metrics/OrderMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { type HeldEnd, HeldOrderDecisions } from "../risk/HeldDecisions.ts"
import { Reviews } from "../risk/Reviews.ts"
import type { StoredReview } from "../risk/StoredReview.ts"
import * as HeldOrderFailure from "./HeldOrderFailure.ts"
import { HeldOrderRepo } from "./HeldOrderRepo.ts"
import { OrderPrices } from "./OrderPrices.ts"
import { checkAsset } from "./OrderRequest.ts"
import { SettlementSignal } from "./settlement/SettlementSignal.ts"

/** Orders that are read at a time to be ended. */
const PAGE_SIZE = 100

/** Reason for which an order failed that an administrator rejected. */
const REJECTED = "review-rejected"

/** Ends orders that are held for review. An approved order keeps its locked price, within `ORDER_MAX_SLIPPAGE`. */
export const layerNoDeps = Layer.effect(
  HeldOrderDecisions,
  Effect.gen(function* () {
    const { exchange, orderMaxSlippage } = yield* Settings
    const catalog = yield* AssetCatalog
    const database = yield* Database
    const { frozenOf } = yield* Ledger
    const prices = yield* OrderPrices
    const repo = yield* HeldOrderRepo
    const reviews = yield* Reviews
    const { notify } = yield* SettlementSignal
    const failHeld = yield* HeldOrderFailure.make

    /** The review was locked, so only its expiry on another node can have ended the order. */
    const held = <A>(changed: Option.Option<A>) =>
      Effect.mapError(Effect.fromOption(changed), () => new ReviewDecided({ state: "expired" }))

    const fail = (id: OrderId, reason: string) => Effect.flatMap(failHeld(id, reason), held)

    const release = Effect.fnUntraced(function* (id: OrderId) {
      const { state } = yield* held(yield* repo.release(id, yield* DateTime.now))
      const count = Metric.update(OrderMetrics.orders.of({ state }), 1)
      yield* database.sql.afterCommit(Effect.andThen(count, notify))
      return null
    })

    const refuse = (message: string) => (error: { readonly message: string }) =>
      Effect.fail(new ReviewRefused({ detail: `${error.message}; ${message}` }))
    const refuseForNow = refuse("approve it later, or reject it")

    /** An order would fail when its batch is made, if the account that pays or the one that receives is still frozen. */
    const requireUnfrozen = Effect.fnUntraced(function* ({ asset, walletId }: Order) {
      const frozen = yield* database.execute(frozenOf([walletId]))
      const account = frozen.find((account) => account.asset === asset || account.asset === PRICE_CURRENCY)
      if (account !== undefined)
        return yield* new ReviewRefused({
          detail: `Account ${account.id} is frozen; unfreeze it first, or reject the review`
        })
    })

    const prepareApproval: HeldOrderDecisions["Service"]["prepareApproval"] = Effect.fn(
      "HeldOrders.prepareApproval"
    )(function* (review): Effect.fn.Return<HeldEnd, ReviewRefused | StoreUnavailable> {
      const order = Option.getOrThrow(yield* repo.byId(idOf(review)))
      const { amount, id, side, total } = order
      yield* requireUnfrozen(order)
      const asset = catalog.find(order.asset)
      if (Option.isNone(asset))
        return yield* new ReviewRefused({
          detail: `This node has not read ${order.asset} from the catalogue yet; approve it again`
        })
      yield* checkAsset(asset.value, side, exchange).pipe(
        Effect.catchTag("AssetUnavailable", refuse("reject the review"))
      )
      const { rate } = yield* prices
        .current(order.asset, { acceptsDelisted: side === "sell" })
        .pipe(Effect.catchTags({ RateTooOld: refuseForNow, RateUnavailable: refuseForNow }))
      // Others in its pool do not pay for its age.
      return hasMoved({ side, amount, total }, rate, orderMaxSlippage) ? fail(id, "price-moved") : release(id)
    })

    /** Of the expiry on several nodes, and of a decision, one ends the order. */
    const expire = Effect.fnUntraced(function* ({ id }: Order) {
      const review = yield* reviews.lockWithin(TransferId.make(id))
      if (Option.exists(review, ({ state }) => state === "expired"))
        yield* failHeld(id, HeldOrderFailure.EXPIRED)
    })

    const tryToExpire = (order: Order) =>
      PostingTransaction.run(database, expire(order)).pipe(
        // One order must not delay the others.
        Effect.catchCause((cause) =>
          Effect.logWarning(`The held order ${order.id} could not be ended; it is repeated`, cause)
        )
      )

    /** Reads on after a page of which no order could be ended, too. */
    const expireDue = Effect.gen(function* () {
      const now = yield* DateTime.now
      let after: OrderId | undefined
      let total = 0
      for (;;) {
        const due = yield* repo.expired(now, after, PAGE_SIZE)
        yield* Effect.forEach(due, tryToExpire, { discard: true })
        total += due.length
        if (due.length < PAGE_SIZE) return total
        after = due.at(-1)?.id
      }
    }).pipe(Effect.withSpan("HeldOrders.expireDue"))

    return HeldOrderDecisions.of({
      prepareApproval,
      reject: (review) => fail(idOf(review), REJECTED),
      expireDue
    })
  })
)

export const layer = layerNoDeps.pipe(Layer.provide(HeldOrderRepo.layer))

const idOf = ({ id }: StoredReview) => OrderId.make(id)
