import { Context, DateTime, Effect, Layer, Metric, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import {
  AuditId,
  type AuditRecord,
  type PricedConversion,
  type Quote,
  type QuoteId,
  recordOf
} from "../domain/AuditRecord.ts"
import type { AmountOutOfRange } from "../domain/Conversion.ts"
import {
  IdempotencyConflict,
  IdempotencyMismatch,
  QuoteExpired,
  QuoteMismatch,
  type QuoteNotFound,
  QuoteUsed
} from "../domain/ConversionErrors.ts"
import * as Decimal from "../domain/Decimal.ts"
import type { RateTooOld, RateUnavailable } from "../domain/Rate.ts"
import type { StoreUnavailable } from "../platform/Database.ts"
import * as Metrics from "../platform/Metrics.ts"
import * as Traced from "../platform/Traced.ts"
import { AuditLog } from "./AuditLog.ts"
import { AuditRepo, type IdempotencyKey } from "./AuditRepo.ts"
import * as CanonicalEncoding from "./CanonicalEncoding.ts"
import { type Asked, Pricing } from "./Pricing.ts"
import { Quotes } from "./Quotes.ts"

/** A conversion as it is asked for. */
export interface ConversionRequest extends Asked {
  readonly quoteId: QuoteId | null
  /** None: a second request of the same kind is a second conversion. */
  readonly idempotencyKey: string | undefined
}

/** A conversion that is committed. */
export interface ConversionAnswer {
  /** JSON, to the letter what was answered the first time. */
  readonly body: string
  /** It was answered before, under the same key. */
  readonly replayed: boolean
}

export type ConversionError =
  | AmountOutOfRange
  | IdempotencyConflict
  | IdempotencyMismatch
  | QuoteExpired
  | QuoteMismatch
  | QuoteNotFound
  | QuoteUsed
  | RateTooOld
  | RateUnavailable
  | StoreUnavailable

const ROUTE = "POST /api/v1/convert"

/** The conversions, each committed to the audit before it is answered. */
export class Conversions extends Context.Service<
  Conversions,
  {
    /**
     * Converts at the latest rate, or at the numbers of a quote, and answers once the record is committed. A key that
     * was used answers what was answered then, also after its quote has expired.
     */
    readonly convert: (request: ConversionRequest) => Effect.Effect<ConversionAnswer, ConversionError>
  }
>()("effex/conversion/Conversions") {
  static readonly layer = Layer.effect(
    Conversions,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const audit = yield* AuditLog
  const repo = yield* AuditRepo
  const pricing = yield* Pricing
  const quotes = yield* Quotes
  const random = yield* SecureRandom.SecureRandom
  const traced = yield* Traced.make
  const context = yield* Effect.context<never>()
  const underWay = new Set<string>()

  const priceByQuote = Effect.fnUntraced(function* (request: ConversionRequest, quoteId: QuoteId) {
    const quote = yield* quotes.byId(quoteId)
    yield* agree(request, quote)
    yield* usable(quote)
    return quote
  })

  const usable = Effect.fnUntraced(function* (quote: Quote) {
    const state = yield* quotes.stateOf(quote)
    if (state === "used") return yield* new QuoteUsed({ quoteId: quote.id })
    if (state === "expired") return yield* new QuoteExpired({ quoteId: quote.id, expiresAt: quote.expiresAt })
  })

  const commit = Effect.fnUntraced(function* (
    request: ConversionRequest,
    key: IdempotencyKey | undefined,
    requestHash: string
  ) {
    const quote = request.quoteId === null ? undefined : yield* priceByQuote(request, request.quoteId)
    const priced: PricedConversion =
      quote === undefined
        ? yield* pricing.price(request)
        : {
            ...quote.priced,
            reference: request.reference ?? quote.priced.reference,
            principal: request.principal
          }
    const id = AuditId.make(yield* random.uuidV7())
    const record = recordOf(id, priced, request.quoteId, yield* DateTime.now)
    const body = JSON.stringify(answerFields(record))
    const idempotency = key === undefined ? undefined : { ...key, requestHash, answer: body }
    const outcome = yield* audit.append({ record, idempotency })
    switch (outcome._tag) {
      case "Committed":
        Metrics.conversions.updateUnsafe(1, context)
        return { body, replayed: false }
      case "Known":
        return yield* replay(outcome, requestHash)
      case "QuoteLost": {
        if (quote === undefined) return yield* Effect.die(new Error("A conversion without a quote lost one"))
        yield* usable(yield* quotes.byId(quote.id))
        return yield* new QuoteExpired({ quoteId: quote.id, expiresAt: quote.expiresAt })
      }
    }
  })

  const convertOnce = Effect.fnUntraced(function* (request: ConversionRequest, key: IdempotencyKey) {
    const requestHash = hashOf(request)
    const known = yield* repo.answerOf(key)
    if (Option.isSome(known)) return yield* replay(known.value, requestHash)
    return yield* commit(request, key, requestHash)
  })

  const convert = Effect.fnUntraced(function* (request: ConversionRequest) {
    if (request.idempotencyKey === undefined) return yield* commit(request, undefined, "")
    const key = { principal: request.principal, route: ROUTE, key: request.idempotencyKey }
    const name = JSON.stringify(key)
    if (underWay.has(name)) return yield* new IdempotencyConflict()
    underWay.add(name)
    return yield* Effect.ensuring(
      convertOnce(request, key),
      Effect.sync(() => underWay.delete(name))
    )
  }, traced("Conversions.convert"))

  return Conversions.of({ convert })
})

const replay = (known: { readonly answer: string; readonly requestHash: string }, requestHash: string) =>
  known.requestHash === requestHash
    ? Effect.as(Metric.update(Metrics.replays, 1), { body: known.answer, replayed: true })
    : Effect.fail(new IdempotencyMismatch())

/** What a request says must be what the quote says. */
const agree = Effect.fnUntraced(function* (request: ConversionRequest, quote: Quote) {
  const { amountType, input, output } = quote.priced
  const quoted = amountType === "source" ? input : output
  const facts: ReadonlyArray<readonly [field: string, asked: string, quoted: string]> = [
    ["from_currency", request.from.code, input.currency.code],
    ["to_currency", request.to.code, output.currency.code],
    ["amount_type", request.amountType, amountType],
    ["amount", Decimal.format(request.amount), Decimal.format(quoted.amount)]
  ]
  for (const [field, asked, said] of facts) {
    if (asked !== said) return yield* new QuoteMismatch({ field, quoted: said })
  }
})

/** The answer to a conversion, in the order of the contract; what is undefined is left out of JSON. */
const answerFields = (record: AuditRecord) => ({
  audit_id: record.audit_id,
  from_currency: record.from_currency,
  to_currency: record.to_currency,
  input_amount: record.input_amount,
  output_amount: record.output_amount,
  mid_rate: record.mid_rate,
  margin: record.margin,
  rate: record.rate,
  rate_id: record.rate_id,
  provider: record.provider,
  rate_fetched_at: record.rate_fetched_at,
  stale: record.stale,
  quote_id: record.quote_id ?? undefined,
  reference: record.reference ?? undefined,
  converted_at: record.converted_at
})

/** The same for the same request, however its JSON is written. */
const hashOf = (request: ConversionRequest) =>
  CanonicalEncoding.sha256(
    CanonicalEncoding.encode([
      request.from.code,
      request.to.code,
      Decimal.format(request.amount),
      request.amountType,
      request.quoteId,
      request.reference
    ])
  ).toString("hex")
