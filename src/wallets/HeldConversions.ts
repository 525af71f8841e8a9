import { BigDecimal, Effect, Layer, Metric, Option, Result } from "effect"
import { AssetCatalog } from "../assets/AssetCatalog.ts"
import { AuditLog } from "../audit/AuditLog.ts"
import { Settings } from "../config/Settings.ts"
import type { ConversionTerms } from "../conversion/ConversionInput.ts"
import { Conversions, type PreparationError } from "../conversion/Conversions.ts"
import type { PreparedConversion } from "../conversion/PreparedConversion.ts"
import { walletIdentityOf } from "../domain/access/Principal.ts"
import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import * as Currency from "../domain/money/Currency.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import { type ReviewedConversion, ReviewPriceMoved, ReviewRefused } from "../domain/risk/Review.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as ConversionMetrics from "../platform/metrics/ConversionMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import { HeldConversionDecisions, OutdatedPrice, type PreparedApproval } from "../risk/HeldDecisions.ts"
import * as HoldEnd from "../risk/HoldEnd.ts"
import type { StoredReview } from "../risk/StoredReview.ts"
import * as ConversionPosting from "./ConversionPosting.ts"

/** A price, and the terms that it is for. */
interface PricedTerms {
  readonly terms: ConversionTerms
  readonly prepared: PreparedConversion
}

/**
 * Exchanges what is held of approved conversions: at the price of the quote if it is still open. Without a quote, or with one that
 * has expired, it is at the latest rate, because a record of the audit states the rate of its time. A used quote refuses the approval,
 * and so does a rate that is worse for the user than the requested one by more than `CONVERSION_MAX_SLIPPAGE`.
 */
export const layer = Layer.effect(
  HeldConversionDecisions,
  Effect.gen(function* () {
    const audit = yield* AuditLog
    const conversions = yield* Conversions
    const { afterCommit } = (yield* Database).sql
    const { pairs } = yield* AssetCatalog
    const { postWithin } = yield* Ledger
    const { conversionMaxSlippage } = yield* Settings
    const postingOf = yield* ConversionPosting.make

    const price = (terms: ConversionTerms) =>
      Effect.map(conversions.prepare(terms), (prepared): PricedTerms => ({ terms, prepared }))

    const priceAgain = ({ prepared, terms }: PricedTerms) =>
      Effect.map(conversions.prepareAgain(terms, prepared), (again): PricedTerms => ({
        terms,
        prepared: again
      }))

    /** Fails if the user would receive less than what the conversion promised when it was requested. */
    const requireRate = Effect.fnUntraced(function* (
      { rate: requested, to }: ReviewedConversion,
      { record }: PreparedConversion
    ) {
      const [before, now] = [BigDecimal.fromStringUnsafe(requested), BigDecimal.fromStringUnsafe(record.rate)]
      const least = BigDecimal.multiply(before, BigDecimal.subtract(ONE, conversionMaxSlippage))
      if (BigDecimal.isLessThan(now, least))
        return yield* new ReviewPriceMoved({
          from: AssetCode.make(record.from_currency),
          to,
          requestedRate: requested,
          currentRate: record.rate,
          maxSlippage: Decimal.format(conversionMaxSlippage)
        })
    })

    const commit = Effect.fnUntraced(function* (
      prepared: PreparedConversion,
      posting: LedgerPosting,
      prepareAgain: PreparedApproval
    ) {
      const [outcome] = yield* postWithin([posting])
      const transfer = yield* HoldEnd.toTransfer(outcome)
      const [appended] = yield* audit.appendWithin([prepared])
      if (appended?._tag !== "Committed") return yield* new OutdatedPrice({ prepareAgain })
      yield* afterCommit(Metric.update(ConversionMetrics.conversions, 1))
      return transfer
    })

    const prepareApproval: HeldConversionDecisions["Service"]["prepareApproval"] = Effect.fn(
      "HeldConversions.prepareApproval"
    )(function* (review) {
      const { conversion, decision, holdId, id, posting } = review
      if (conversion === null) return yield* Effect.die(`review ${id} has no conversion`)
      const { atLatest, atQuote } = yield* termsOf(pairs, review, conversion)
      const priceAtLatest = () => price(atLatest)
      const requester = posting.details["requested_by"]

      const preparedAt = (priced: Effect.Effect<PricedTerms, PreparationError>): PreparedApproval =>
        Effect.gen(function* () {
          const found = yield* priced.pipe(
            // Only a quote expires.
            Effect.catchTags({ QuoteExpired: priceAtLatest, QuoteNotFound: priceAtLatest }),
            Effect.catchTags(refusals)
          )
          const { prepared } = found
          yield* requireRate(conversion, prepared)
          const moved = yield* postingOf(
            decision.wallet,
            prepared,
            typeof requester === "string" ? requester : undefined
          )
          const exchanged: LedgerPosting = {
            ...moved.posting,
            details: { ...moved.posting.details, review_id: id },
            ends: [{ holdId, outcome: "posted", posted: decision.amount }]
          }
          return commit(prepared, exchanged, preparedAt(priceAgain(found)))
        })

      return yield* preparedAt(price(atQuote ?? atLatest))
    })

    return HeldConversionDecisions.of({ prepareApproval })
  })
)

/** Terms at the latest rate, and those of the quote if the conversion was requested with one. */
const termsOf = Effect.fnUntraced(function* (
  pairs: AssetCatalog["Service"]["pairs"],
  { decision: { amount, asset }, userId }: StoredReview,
  requested: ReviewedConversion
) {
  const pair = yield* Effect.fromResult(Result.mapError(pairs.findCurrencies(asset, requested.to), refusalOf))
  const { id: principal, owner } = walletIdentityOf(userId)
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
  const atQuote: ConversionTerms | undefined =
    requested.quote_id === null
      ? undefined
      : {
          ...atLatest,
          amount: Option.getOrThrow(Decimal.parse(requested.amount)),
          amountType: requested.amount_type,
          quoteId: requested.quote_id
        }
  return { atLatest, atQuote }
})

const ONE = BigDecimal.make(1n, 0)

const refuse = (error: { readonly message: string }) => Effect.fail(refusalOf(error))

/** A quote converts once, also if two conversions that it priced are held. */
const refuseUsed = () =>
  Effect.fail(
    new ReviewRefused({ detail: "The quote of the conversion was used by another one; reject the review" })
  )

const refusalOf = ({ message }: { readonly message: string }) =>
  new ReviewRefused({ detail: `${message}; approve the conversion later, or reject it` })

/** Handlers of the reasons for which a conversion has no price. */
const refusals = {
  AmountOutOfRange: refuse,
  ClockSkewed: refuse,
  QuoteExpired: refuse,
  QuoteMismatch: refuse,
  QuoteNotFound: refuse,
  QuoteUsed: refuseUsed,
  RateTooOld: refuse,
  RateUnavailable: refuse
}
