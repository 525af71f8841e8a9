import { Effect, Layer, Metric, Option, Result } from "effect"
import { AssetCatalog } from "../assets/AssetCatalog.ts"
import { AuditLog } from "../audit/AuditLog.ts"
import type { ConversionTerms } from "../conversion/ConversionInput.ts"
import { Conversions } from "../conversion/Conversions.ts"
import type { PreparedConversion } from "../conversion/PreparedConversion.ts"
import { walletIdentityOf } from "../domain/access/Principal.ts"
import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import * as Currency from "../domain/money/Currency.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import { type ReviewedConversion, ReviewRefused } from "../domain/risk/Review.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as ConversionMetrics from "../platform/metrics/ConversionMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import { HeldConversionDecisions } from "../risk/HeldMovements.ts"
import * as HoldEnd from "../risk/HoldEnd.ts"
import type { StoredReview } from "../risk/StoredReview.ts"
import * as ConversionPosting from "./ConversionPosting.ts"

/**
 * Exchanges what is held of approved conversions: at the price of the quote if it is still open. Without a quote, or with one that
 * has expired, it is at the latest rate, because a record of the audit states the rate of its time. A used quote refuses the approval.
 */
export const layer = Layer.effect(
  HeldConversionDecisions,
  Effect.gen(function* () {
    const audit = yield* AuditLog
    const conversions = yield* Conversions
    const { afterCommit } = (yield* Database).sql
    const { pairs } = yield* AssetCatalog
    const { postWithin } = yield* Ledger
    const postingOf = yield* ConversionPosting.make

    const prepare = Effect.fnUntraced(function* (review: StoredReview, requested: ReviewedConversion) {
      const { amount, asset } = review.decision
      const pair = yield* Effect.fromResult(
        Result.mapError(pairs.findCurrencies(asset, requested.to), refusalOf)
      )
      const { id: principal, owner } = walletIdentityOf(review.userId)
      const atLatest: ConversionTerms = {
        pair,
        from: Currency.get(pair.from),
        to: Currency.get(pair.to),
        amount,
        amountType: "source",
        reference: requested.reference,
        principal,
        owner,
        quoteId: null
      }
      const prepared = conversions.prepare(atLatest)
      if (requested.quote_id === null) return yield* prepared
      const atQuote: ConversionTerms = {
        ...atLatest,
        amount: Option.getOrThrow(Decimal.parse(requested.amount)),
        amountType: requested.amount_type,
        quoteId: requested.quote_id
      }
      const isOver = () => prepared
      return yield* conversions.prepare(atQuote).pipe(
        Effect.catchTags({
          QuoteExpired: isOver,
          QuoteNotFound: isOver
        })
      )
    })

    const commit = Effect.fnUntraced(function* (prepared: PreparedConversion, posting: LedgerPosting) {
      const [outcome] = yield* postWithin([posting])
      const transfer = yield* HoldEnd.toTransfer(outcome)
      const [appended] = yield* audit.appendWithin([prepared])
      if (appended?._tag !== "Committed")
        return yield* new ReviewRefused({
          detail: "The price is not valid any more; approve the conversion again"
        })
      yield* afterCommit(Metric.update(ConversionMetrics.conversions, 1))
      return transfer
    })

    const prepareApproval: HeldConversionDecisions["Service"]["prepareApproval"] = Effect.fn(
      "HeldConversions.prepareApproval"
    )(function* (review) {
      const { conversion, decision, holdId, id, posting } = review
      if (conversion === null) return yield* Effect.die(`review ${id} has no conversion`)
      const prepared = yield* prepare(review, conversion).pipe(
        Effect.catchTags({
          AmountOutOfRange: refuse,
          ClockSkewed: refuse,
          QuoteExpired: refuse,
          QuoteMismatch: refuse,
          QuoteNotFound: refuse,
          QuoteUsed: refuseUsed,
          RateTooOld: refuse,
          RateUnavailable: refuse
        })
      )
      const requester = posting.details["requested_by"]
      const moved = yield* postingOf(
        decision.wallet,
        prepared,
        typeof requester === "string" ? requester : undefined
      )
      return commit(prepared, {
        ...moved.posting,
        details: { ...moved.posting.details, review_id: id },
        ends: [{ holdId, outcome: "posted", posted: decision.amount }]
      })
    })

    return HeldConversionDecisions.of({ prepareApproval })
  })
)

const refuse = (error: { readonly message: string }) => Effect.fail(refusalOf(error))

/** A quote converts once, also if two conversions that it priced are held. */
const refuseUsed = () =>
  Effect.fail(
    new ReviewRefused({ detail: "The quote of the conversion was used by another one; reject the review" })
  )

const refusalOf = ({ message }: { readonly message: string }) =>
  new ReviewRefused({ detail: `${message}; approve the conversion later, or reject it` })
