import { Clock, Context, DateTime, Effect, Exit, Layer, Option } from "effect"
import { constVoid } from "effect/Function"
import { SecureRandom } from "effect/crypto"
import {
  AuditId,
  type AuditRecord,
  type PricedConversion,
  type Quote,
  type QuoteId,
  recordOf
} from "../domain/conversion/AuditRecord.ts"
import type { AmountOutOfRange } from "../domain/conversion/Conversion.ts"
import {
  IdempotencyConflict,
  IdempotencyMismatch,
  QuoteExpired,
  QuoteMismatch,
  type QuoteNotFound,
  QuoteUsed
} from "../domain/conversion/ConversionErrors.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { RateTooOld, RateUnavailable } from "../domain/rates/Rate.ts"
import type { StoreUnavailable } from "../platform/postgres/Database.ts"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import * as ExportedSpans from "../platform/telemetry/ExportedSpans.ts"
import { AuditLog } from "../audit/AuditLog.ts"
import {
  type Append,
  type Appended,
  AuditRepo,
  type IdempotencyKey,
  type RememberedAnswer
} from "../audit/AuditRepo.ts"
import * as CanonicalEncoding from "../audit/CanonicalEncoding.ts"
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

type Converting = Effect.Effect<ConversionAnswer, ConversionError>
/** What came of a conversion. */
type Converted = Exit.Exit<ConversionAnswer, ConversionError>

/** A key, and the request that it is used for. */
interface UsedKey extends IdempotencyKey {
  readonly requestHash: string
}

/** A record on its way into the audit, and the answer to tell then. */
interface Prepared extends Append {
  readonly body: string
}

const ROUTE = "POST /api/v1/convert"

/** The conversions, each committed to the audit before it is answered. */
export class Conversions extends Context.Service<
  Conversions,
  {
    /**
     * Converts at the latest rate, or at the numbers of a quote, and answers once the record is committed. A key that
     * was used answers what was answered then, also after its quote has expired.
     */
    readonly convert: (request: ConversionRequest) => Converting
    /**
     * Converts together what is ready: what has no quote, and a rate that is at hand and fresh. Returns what came of each,
     * in their order; undefined for what is not ready: before anything is waited for, `onUnready` is told how that is
     * converted.
     */
    readonly convertReady: (
      requests: ReadonlyArray<ConversionRequest>,
      onUnready?: (converting: Converting, index: number) => void
    ) => Effect.Effect<ReadonlyArray<Converted | undefined>>
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
  const clock = yield* Clock.Clock
  const traced = yield* ExportedSpans.make
  const context = yield* Effect.context<never>()
  /** The keys of requests that are not answered yet. */
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

  /** Why a quote that could be used a moment ago no longer can be. */
  const whyLost = Effect.fnUntraced(function* ({ expiresAt, id }: Quote) {
    yield* usable(yield* quotes.byId(id))
    return yield* new QuoteExpired({ quoteId: id, expiresAt })
  })

  const newId = Effect.map(random.uuidV7(), (uuid) => AuditId.make(uuid))

  const prepare = (
    id: AuditId,
    { quoteId }: ConversionRequest,
    key: UsedKey | undefined,
    priced: PricedConversion
  ): Prepared => {
    const record = recordOf(id, priced, quoteId, DateTime.makeUnsafe(clock.currentTimeMillisUnsafe()))
    const body = JSON.stringify(answerFields(record))
    return { record, body, idempotency: key === undefined ? undefined : { ...key, answer: body } }
  }

  const replay = (known: RememberedAnswer, requestHash: string | undefined) => {
    if (known.requestHash !== requestHash) return Exit.fail(new IdempotencyMismatch())
    Metrics.replays.updateUnsafe(1, context)
    return Exit.succeed({ body: known.answer, replayed: true })
  }

  const answerTo = (
    { body, idempotency }: Prepared,
    outcome: Exclude<Appended, { readonly _tag: "QuoteLost" }>
  ) => {
    if (outcome._tag === "Known") return replay(outcome, idempotency?.requestHash)
    Metrics.conversions.updateUnsafe(1, context)
    return Exit.succeed({ body, replayed: false })
  }

  const append = Effect.fnUntraced(function* (
    request: ConversionRequest,
    key: UsedKey | undefined,
    priced: PricedConversion,
    lost: Converting
  ) {
    const prepared = prepare(yield* newId, request, key, priced)
    const outcome = yield* audit.append(prepared)
    return yield* outcome._tag === "QuoteLost" ? lost : answerTo(prepared, outcome)
  })

  const commit = Effect.fnUntraced(function* (request: ConversionRequest, key: UsedKey | undefined) {
    if (request.quoteId === null) return yield* append(request, key, yield* pricing.price(request), noQuote)
    const quote = yield* priceByQuote(request, request.quoteId)
    const { principal, reference } = request
    const priced = { ...quote.priced, reference: reference ?? quote.priced.reference, principal }
    // Its id as it is stored, however it was written: the record is hashed as it will be read.
    return yield* append({ ...request, quoteId: quote.id }, key, priced, whyLost(quote))
  })

  const convertByKey = Effect.fnUntraced(function* (request: ConversionRequest, key: UsedKey) {
    const known = yield* repo.answerOf(key)
    return yield* Option.isSome(known) ? replay(known.value, key.requestHash) : commit(request, key)
  })

  /** Runs what a key is used for, while nobody else uses it. */
  const holding = (key: UsedKey, converting: Converting): Converting =>
    Effect.suspend(() => {
      const name = nameOf(key)
      if (underWay.has(name)) return Effect.fail(new IdempotencyConflict())
      underWay.add(name)
      return Effect.ensuring(
        converting,
        Effect.sync(() => underWay.delete(name))
      )
    })

  const convertFurther = (request: ConversionRequest): Converting => {
    const key = keyOf(request)
    return key === undefined ? commit(request, undefined) : holding(key, convertByKey(request, key))
  }

  const prepareReady = (id: AuditId, request: ConversionRequest): Prepared | undefined => {
    if (request.quoteId !== null) return undefined
    const key = keyOf(request)
    const name = key === undefined ? undefined : nameOf(key)
    if (name !== undefined && underWay.has(name)) return undefined
    const priced = pricing.priceNow(request)
    if (priced === undefined) return undefined
    if (name !== undefined) underWay.add(name)
    // The statement that appends finds what was answered before under the key.
    return prepare(id, request, key, priced)
  }

  const convertReady = Effect.fnUntraced(function* (
    requests: ReadonlyArray<ConversionRequest>,
    onUnready: (converting: Converting, index: number) => void = constVoid
  ) {
    const ready: Array<Prepared | undefined> = []
    for (const request of requests) ready.push(prepareReady(yield* newId, request))
    requests.forEach((request, i) => {
      if (ready[i] === undefined) onUnready(convertFurther(request), i)
    })
    const appends = ready.filter((prepared) => prepared !== undefined)
    const outcomes = yield* Effect.ensuring(
      audit.appendAll(appends),
      Effect.sync(() => {
        for (const { idempotency } of appends)
          if (idempotency !== undefined) underWay.delete(nameOf(idempotency))
      })
    )
    let appended = 0
    return ready.map((prepared): Converted | undefined => {
      const outcome = prepared && outcomes[appended++]
      if (prepared === undefined || outcome === undefined) return undefined
      if (Exit.isFailure(outcome)) return Exit.failCause(outcome.cause)
      return outcome.value._tag === "QuoteLost" ? noQuote : answerTo(prepared, outcome.value)
    })
  })

  const convert = (request: ConversionRequest): Converting =>
    traced("Conversions.convert")(
      Effect.flatMap(convertReady([request]), ([converted]) => converted ?? convertFurther(request))
    )

  return Conversions.of({ convert, convertReady })
})

const noQuote = Exit.die(new Error("A conversion without a quote lost one"))

const keyOf = (request: ConversionRequest): UsedKey | undefined =>
  request.idempotencyKey === undefined
    ? undefined
    : {
        principal: request.principal,
        route: ROUTE,
        key: request.idempotencyKey,
        requestHash: hashOf(request)
      }

const nameOf = ({ key, principal }: IdempotencyKey) => JSON.stringify([principal, key])

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
