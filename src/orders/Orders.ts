import { BigDecimal, Context, DateTime, Effect, Layer, Metric, Option, Result } from "effect"
import { SecureRandom } from "effect/crypto"
import { Settings } from "../config/Settings.ts"
import type { IdempotencyMismatch } from "../domain/conversion/ConversionErrors.ts"
import { HoldId, type LedgerPosting, type PostingKey, TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import { PRICE_CURRENCY } from "../domain/money/SupportedPairs.ts"
import {
  type Order,
  OrderId,
  OrderNotCancellable,
  ClientOrderIdUsed,
  OrderNotFound,
  type OrderState,
  type OrderTooSmall
} from "../domain/orders/Order.ts"
import { lock, MINOR_UNIT, priceOf } from "../domain/orders/PriceLock.ts"
import type { RateTooOld, RateUnavailable } from "../domain/rates/Rate.ts"
import type { MovementDenied } from "../domain/wallets/Movement.ts"
import type { AssetUnavailable, InsufficientFunds, WalletId } from "../domain/wallets/Wallet.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as PostingTransaction from "../ledger/PostingTransaction.ts"
import * as OrderMetrics from "../platform/metrics/OrderMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { RiskFacts } from "../risk/RiskFacts.ts"
import { toMovement } from "../wallets/PostingOutcome.ts"
import { requesterDetails } from "../wallets/RequestHash.ts"
import { walletAccount, Wallets } from "../wallets/Wallets.ts"
import { HeldOrderRepo } from "./HeldOrderRepo.ts"
import * as OrderCancellation from "./OrderCancellation.ts"
import * as OrderCommits from "./OrderCommits.ts"
import { OrderPrices } from "./OrderPrices.ts"
import { checkAsset, keyOf, type OrderRequest } from "./OrderRequest.ts"
import { type NewOrder, OrderRepo } from "./OrderRepo.ts"

/** An order, and whether an earlier request with the same key placed it. */
export interface PlacedOrder {
  readonly order: Order
  readonly replayed: boolean
  /** It was held for review when it was placed. */
  readonly isReviewed: boolean
}

type PlacingError =
  | AssetUnavailable
  | ClientOrderIdUsed
  | IdempotencyMismatch
  | InsufficientFunds
  | MovementDenied
  | OrderTooSmall
  | RateTooOld
  | RateUnavailable
  | StoreUnavailable

const HELD: OrderState = "held-for-review"
const USD = { code: PRICE_CURRENCY, decimals: MINOR_UNIT }

/** Orders of users. `Settlement` executes them. */
export class Orders extends Context.Service<
  Orders,
  {
    /**
     * Locks the latest price, holds what the order needs, and stores the order, in one transaction. An order that a rule holds for
     * review waits for an administrator. A used key returns the first outcome, also when the funds were insufficient; an order that
     * could not be priced leaves its key free. After `StoreUnavailable` the outcome is unknown; a retry with the same key resolves it.
     */
    readonly place: (request: OrderRequest) => Effect.Effect<PlacedOrder, PlacingError>
    /** Cancels an order that waits in a pool or for a review, and gives its money back. It is never filled afterwards. */
    readonly cancel: (
      wallet: WalletId,
      id: OrderId,
      principal: string
    ) => Effect.Effect<Order, OrderNotFound | OrderNotCancellable | StoreUnavailable>
    readonly find: (wallet: WalletId, id: OrderId) => Effect.Effect<Order, OrderNotFound | StoreUnavailable>
    readonly page: OrderRepo["Service"]["page"]
    readonly history: OrderRepo["Service"]["history"]
    readonly pool: OrderRepo["Service"]["pool"]
  }
>()("effex/orders/Orders") {
  static readonly layer = Layer.effect(
    Orders,
    Effect.gen(function* () {
      const { aggregationThreshold, exchange, orderSpread } = yield* Settings
      const database = yield* Database
      const facts = yield* RiskFacts
      const ledger = yield* Ledger
      const prices = yield* OrderPrices
      const random = yield* SecureRandom.SecureRandom
      const repo = yield* OrderRepo
      const wallets = yield* Wallets
      const commit = yield* OrderCommits.make
      const cancelWithin = yield* OrderCancellation.make

      const find = Effect.fn("Orders.find")(function* (wallet: WalletId, id: OrderId) {
        const found = yield* repo.byId(wallet, id)
        return Option.isSome(found) ? found.value : yield* new OrderNotFound()
      })

      const priced = Effect.fnUntraced(function* ({
        asset,
        clientOrderId,
        quantity,
        side,
        wallet
      }: OrderRequest) {
        yield* checkAsset(asset, side, exchange)
        const { id: rateId, rate } = yield* prices.current(asset.code, { acceptsDelisted: side === "sell" })
        const price = priceOf(rate, side, orderSpread)
        const locked = yield* Effect.fromResult(
          lock({ asset, minimumOrder: asset.minimumOrder }, side, price, quantity)
        )
        const order: NewOrder = {
          id: OrderId.make(yield* random.uuidV7()),
          walletId: wallet.id,
          clientOrderId: clientOrderId ?? null,
          asset: asset.code,
          side,
          ...locked,
          rateId,
          holdId: HoldId.make(yield* random.uuidV7()),
          isAggregated: BigDecimal.isLessThan(locked.total, aggregationThreshold),
          createdAt: yield* DateTime.now
        }
        return order
      })

      /** Opens the hold of an order. */
      const postingOf = Effect.fnUntraced(function* (
        { requestedBy, session, wallet }: OrderRequest,
        { amount, asset, holdId, id, side, total, walletId }: NewOrder,
        idempotency: PostingKey | undefined
      ) {
        const held = side === "buy" ? { code: PRICE_CURRENCY, amount: total } : { code: asset, amount }
        const [account] = yield* wallets.accountIds([walletAccount(walletId, held.code)])
        if (account === undefined) return yield* Effect.die("an account is missing")
        const movement = yield* facts.of({
          kind: "order",
          user: wallet,
          session,
          account,
          asset: held.code,
          amount: held.amount
        })
        const posting: LedgerPosting = {
          id: TransferId.make(id),
          kind: "order",
          idempotency,
          details: { order_id: id, ...requesterDetails(requestedBy) },
          entries: [],
          opens: [{ holdId, account, amount: held.amount }],
          ends: [],
          movement
        }
        return posting
      })

      /** The order of a posting that an earlier request with the same key made. */
      const replay = Effect.fnUntraced(function* (
        { asset, side, wallet }: OrderRequest,
        outcome: PostOutcome
      ) {
        const { id } = yield* toMovement(outcome, side === "buy" ? USD : asset)
        const order = yield* find(wallet.id, OrderId.make(id)).pipe(
          Effect.catchTag("OrderNotFound", Effect.die)
        )
        const [first] = yield* repo.history(order.id)
        return { order, replayed: true, isReviewed: first?.state === HELD }
      })

      const earlierOf = (idempotency: PostingKey | undefined) =>
        idempotency === undefined ? Effect.succeedNone : ledger.postedBefore(idempotency)

      /** Returns the first outcome of the key of a request that cannot be placed now. Fails for a new key. */
      const replayOrFail = Effect.fnUntraced(function* <E>(
        request: OrderRequest,
        idempotency: PostingKey | undefined,
        error: E
      ) {
        const earlier = yield* earlierOf(idempotency)
        return Option.isSome(earlier) ? yield* replay(request, earlier.value) : yield* Effect.fail(error)
      })

      const placeOnce = Effect.fnUntraced(function* (request: OrderRequest) {
        const idempotency = keyOf(request)
        const order = yield* Effect.result(priced(request))
        if (Result.isFailure(order)) return yield* replayOrFail(request, idempotency, order.failure)
        const posting = yield* postingOf(request, order.success, idempotency)
        const outcome = yield* commit({ order: order.success, posting })
        switch (outcome._tag) {
          case "Placed":
            return { order: outcome.order, replayed: false, isReviewed: outcome.order.state === HELD }
          // By a concurrent request with the same key, or by another order.
          case "ClientOrderIdUsed":
            return yield* replayOrFail(request, idempotency, outcome)
          // An account may have been frozen after the first request with the same key.
          case "AccountFrozen":
            return yield* replay(
              request,
              Option.getOrElse(yield* earlierOf(idempotency), () => outcome)
            )
          default:
            return yield* replay(request, outcome)
        }
      })

      const place = Effect.fn("Orders.place")((request: OrderRequest) =>
        placeOnce(request).pipe(
          // Without an Idempotency-Key, the `client_order_id` is the key.
          Effect.catchTag("IdempotencyMismatch", (mismatch) =>
            Effect.fail(request.key === undefined ? new ClientOrderIdUsed() : mismatch)
          )
        )
      )

      const cancel = Effect.fn("Orders.cancel")(function* (wallet: WalletId, id: OrderId, principal: string) {
        const cancellation = { principal, orderReason: null, reviewReason: "The user cancelled the order" }
        const cancelled = yield* PostingTransaction.run(database, cancelWithin(wallet, id, cancellation))
        if (Option.isNone(cancelled))
          return yield* new OrderNotCancellable({ state: (yield* find(wallet, id)).state })
        yield* Metric.update(OrderMetrics.orders.of({ state: "cancelled" }), 1)
        return cancelled.value
      })

      return Orders.of({ place, cancel, find, page: repo.page, history: repo.history, pool: repo.pool })
    })
  ).pipe(Layer.provide(HeldOrderRepo.layer))
}
