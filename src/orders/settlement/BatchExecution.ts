import { Context, DateTime, Duration, Effect, Layer, Metric, Option } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Settings } from "../../config/Settings.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { Batch, RejectionReason } from "../../domain/orders/Batch.ts"
import * as ExchangeAmount from "../../domain/orders/ExchangeAmount.ts"
import { hasMoved } from "../../domain/orders/PriceLock.ts"
import type { RateTooOld, RateUnavailable } from "../../domain/rates/Rate.ts"
import {
  ExchangeClient,
  type ExchangeOrder,
  ExchangeRefused,
  type ExchangeUnknown
} from "../../exchanges/ExchangeClient.ts"
import type { LeaderTerm, Superseded } from "../../platform/LeaderTerms.ts"
import * as OrderMetrics from "../../platform/metrics/OrderMetrics.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { OrderPrices } from "../OrderPrices.ts"
import { SettlementRepo } from "./SettlementRepo.ts"
import { SettlementSteps } from "./SettlementSteps.ts"

/**
 * Time after an unknown submission in which its order may still appear at the exchange, although a lookup does not find it.
 * Until then the batch is not rejected.
 */
export const SUBMISSION_GRACE = Duration.minutes(5)

const FIRST_POLL = Duration.millis(250)
const MAX_POLL = Duration.seconds(30)
/** Time after which a closed market is asked for again. */
const CLOSED_POLL = Duration.minutes(1)
/** Time after which a batch that was sent to another exchange is looked at again. */
const OTHER_EXCHANGE_POLL = Duration.minutes(1)

type WriteError = Superseded | StoreUnavailable
export type ExecutionError = WriteError | ExchangeUnknown | RateTooOld | RateUnavailable

/**
 * Executes a batch at the exchange. Whatever fails, the state of the batch says what is certain: nothing was sent while it is
 * `reserved`, and its order may be at the exchange while it is `sent`. Returns the batch after the last write.
 */
export class BatchExecution extends Context.Service<
  BatchExecution,
  {
    /** Compares the locked prices of a `reserved` batch with the market, and sends its order, or rejects it. */
    readonly send: (leader: LeaderTerm, batch: Batch) => Effect.Effect<Batch, ExecutionError>
    /**
     * Looks up the order of a `sent` batch. Only if the exchange has none, it is sent again under the same id. A batch that was sent
     * to another exchange waits.
     */
    readonly resume: (leader: LeaderTerm, batch: Batch) => Effect.Effect<Batch, ExecutionError>
    /** Rejects a batch of which certainly nothing was or will be filled. */
    readonly reject: (
      leader: LeaderTerm,
      batch: Batch,
      reason: RejectionReason,
      detail: string
    ) => Effect.Effect<Batch, WriteError>
  }
>()("effex/orders/settlement/BatchExecution") {
  static readonly layer = Layer.effect(
    BatchExecution,
    Effect.gen(function* () {
      const { orderMaxSlippage } = yield* Settings
      const catalog = yield* AssetCatalog
      const exchange = yield* ExchangeClient
      const prices = yield* OrderPrices
      const repo = yield* SettlementRepo
      const step = yield* Effect.service(SettlementSteps)

      const reject: BatchExecution["Service"]["reject"] = Effect.fnUntraced(
        function* (leader, batch, reason, detail) {
          const rejected = yield* repo.reject(leader, batch, reason, detail)
          yield* Metric.update(OrderMetrics.rejections.of({ reason }), 1)
          return rejected
        }
      )

      /** Waits without counting a failure. */
      const wait = (leader: LeaderTerm, batch: Batch, until: DateTime.Utc, why: string | null) =>
        repo.postpone(leader, batch.id, {
          nextAttemptAt: until,
          polls: batch.polls + 1,
          failures: 0,
          lastError: why,
          deadAt: null
        })

      const accept = Effect.fnUntraced(function* (leader: LeaderTerm, batch: Batch, order: ExchangeOrder) {
        yield* step("submitted")
        if (order.state === "open") {
          const delay = Duration.min(MAX_POLL, Duration.times(FIRST_POLL, 2 ** Math.min(batch.polls, 10)))
          return yield* wait(leader, batch, DateTime.addDuration(yield* DateTime.now, delay), null)
        }
        yield* step("before-fill")
        const { cost, fee, filled, id } = order
        const ended =
          filled.value > 0n
            ? yield* repo.fill(leader, batch.id, { exchangeOrderId: id, filled, cost, fee })
            : yield* reject(
                leader,
                batch,
                order.state === "rejected" ? "exchange-refused" : "not-filled",
                order.reason ?? `the order is ${order.state} at the exchange`
              )
        yield* step("filled")
        return ended
      })

      const submit = Effect.fnUntraced(function* (batch: Batch) {
        const { asset, exchangeAmount: amount, id: clientOrderId, side } = batch
        if (amount === null) return yield* Effect.die(`batch ${clientOrderId} has no amount`)
        yield* step("before-submit")
        return yield* exchange.submit({ clientOrderId, asset, side, amount })
      })

      const moved = Effect.fnUntraced(function* (batch: Batch) {
        const { customerAmount: amount, side, total } = batch
        // What was ordered before the asset was delisted is settled.
        const { rate } = yield* prices.current(batch.asset, { acceptsDelisted: true })
        const detail = `the price moved to ${Decimal.format(rate)} US dollars`
        return { rate, detail, isMoved: hasMoved({ side, amount, total }, rate, orderMaxSlippage) }
      })

      const send = Effect.fn("BatchExecution.send")(function* (leader: LeaderTerm, batch: Batch) {
        const terms = yield* exchange
          .terms(batch.asset)
          .pipe(Effect.catchTag("ExchangeRefused", Effect.succeed))
        if (terms instanceof ExchangeRefused)
          return yield* reject(leader, batch, "not-tradable", terms.message)
        if (!terms.tradable)
          return yield* reject(
            leader,
            batch,
            "not-tradable",
            `${exchange.name} suspended trading in ${batch.asset}`
          )
        // It closed since the batch was reserved.
        if (!terms.isOpen) {
          const later = DateTime.addDuration(yield* DateTime.now, CLOSED_POLL)
          return yield* wait(leader, batch, later, `the market of ${batch.asset} is closed`)
        }
        const { detail, isMoved, rate } = yield* moved(batch)
        if (isMoved) return yield* reject(leader, batch, "price-moved", detail)
        const asset = catalog.find(batch.asset)
        if (Option.isNone(asset)) return yield* Effect.die(`the catalogue has no ${batch.asset}`)
        const amount = ExchangeAmount.of(batch.side, batch.customerAmount, rate, terms, asset.value.decimals)
        if (Option.isNone(amount))
          return yield* reject(
            leader,
            batch,
            "below-exchange-minimum",
            `${exchange.name} accepts at least ${Decimal.format(terms.minimumAmount)} ${batch.asset}`
          )
        yield* step("before-send")
        const sent = yield* repo.send(leader, batch.id, {
          amount: amount.value,
          rate,
          exchange: exchange.name
        })
        yield* step("sent")
        const order = yield* submit(sent).pipe(Effect.catchTag("ExchangeRefused", Effect.succeed))
        return order instanceof ExchangeRefused
          ? yield* reject(leader, sent, "exchange-refused", order.message)
          : yield* accept(leader, sent, order)
      })

      /** Rejects a batch with an unknown submission. Its order must be missing twice, because one answer may be outdated. */
      const rejectMissing = Effect.fnUntraced(function* (
        leader: LeaderTerm,
        batch: Batch,
        reason: RejectionReason,
        detail: string
      ) {
        const found = yield* exchange.find(batch.id)
        return Option.isSome(found)
          ? yield* accept(leader, batch, found.value)
          : yield* reject(leader, batch, reason, detail)
      })

      const resume = Effect.fn("BatchExecution.resume")(function* (leader: LeaderTerm, batch: Batch) {
        // This exchange certainly has no such order, and says nothing about the one at the other exchange.
        if (batch.exchange !== exchange.name) {
          const later = DateTime.addDuration(yield* DateTime.now, OTHER_EXCHANGE_POLL)
          const why = `it was sent to ${batch.exchange}, but EXCHANGE is ${exchange.name}; only ${batch.exchange} knows its outcome`
          return yield* wait(leader, batch, later, why)
        }
        const found = yield* exchange.find(batch.id)
        if (Option.isSome(found)) return yield* accept(leader, batch, found.value)
        const now = yield* DateTime.now
        const certainAt = DateTime.addDuration(batch.submittedAt ?? now, SUBMISSION_GRACE)
        const isCertain = DateTime.isGreaterThanOrEqualTo(now, certainAt)
        const { detail, isMoved } = yield* moved(batch)
        if (isMoved)
          return isCertain
            ? yield* rejectMissing(leader, batch, "price-moved", detail)
            : yield* wait(leader, batch, certainAt, `${detail}; the exchange may still have the order`)
        yield* repo.sendAgain(leader, batch.id)
        const order = yield* submit(batch).pipe(Effect.catchTag("ExchangeRefused", Effect.succeed))
        if (!(order instanceof ExchangeRefused)) return yield* accept(leader, batch, order)
        // This submission had no effect, but an earlier one may have.
        return isCertain
          ? yield* rejectMissing(leader, batch, "exchange-refused", order.message)
          : yield* wait(leader, batch, DateTime.addDuration(now, SUBMISSION_GRACE), order.message)
      })

      return BatchExecution.of({ send, resume, reject })
    })
  )
}
