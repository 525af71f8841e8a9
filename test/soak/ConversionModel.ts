import { Context, Effect, Layer, Option, Schema } from "effect"
import { marginOf, type Pair } from "./Currencies.ts"
import { violatedRules } from "./ExpectedNumbers.ts"
import { type HttpResponse, codeOf } from "./Http.ts"
import { RateModel } from "./RateModel.ts"
import { Report } from "./Report.ts"

/** A conversion that a client attempts. */
export interface Intent {
  readonly pair: Pair
  readonly amount: string
  readonly amountType: "source" | "target"
  readonly reference: string
  /** Undefined: if the response is lost, the outcome stays unknown. */
  readonly key: string | undefined
  readonly quote: OpenQuote | undefined
}

/** A quote and the exact text of its response. */
export interface OpenQuote {
  readonly id: string
  readonly text: string
}

const numbers = {
  from_currency: Schema.String,
  to_currency: Schema.String,
  input_amount: Schema.String,
  output_amount: Schema.String,
  mid_rate: Schema.String,
  margin: Schema.String,
  rate: Schema.String,
  rate_id: Schema.String,
  provider: Schema.String,
  rate_fetched_at: Schema.String,
  stale: Schema.Boolean
}
const Converted = Schema.Struct({
  audit_id: Schema.String,
  ...numbers,
  quote_id: Schema.optionalKey(Schema.String),
  reference: Schema.String,
  converted_at: Schema.String
})
export type Converted = typeof Converted.Type
const Quoted = Schema.Struct({ quote_id: Schema.String, ...numbers })

const decodeConverted = Schema.decodeUnknownOption(Schema.fromJsonString(Converted))
const decodeQuoted = Schema.decodeUnknownOption(Schema.fromJsonString(Quoted))

/** An acknowledged conversion and the first response to it. */
export interface Acknowledged {
  readonly intent: Intent
  readonly converted: Converted
  readonly text: string
  readonly answeredAt: number
  /** True after a response without `Idempotency-Replayed`. */
  hasOriginalResponse: boolean
}

/** Outcome of an attempt. `unknown` requires a retry. */
export type AttemptOutcome = "done" | "rejected" | "unknown"

/** Codes of errors that are final. */
const FINAL_CODES = new Set(["quote-expired", "quote-used"])
/** Codes of errors that may occur during a fault. */
const TRANSIENT_CODES = new Set([
  "store-unavailable",
  "rate-unavailable",
  "idempotency-conflict",
  "request-timeout"
])

/** Model of conversions and quotes, built from responses. It checks each response against the previous ones. */
export class ConversionModel extends Context.Service<
  ConversionModel,
  {
    /** Records that an intent is about to be sent. Without a key, it may be executed without a response. */
    readonly start: (intent: Intent) => void
    /** Checks and records a response to an intent. */
    readonly observe: (intent: Intent, response: HttpResponse) => Effect.Effect<AttemptOutcome>
    /** Checks the response to a quote request. Returns the quote, if there is one. */
    readonly observeQuote: (
      requested: Pick<Intent, "pair" | "amount" | "amountType">,
      response: HttpResponse
    ) => Effect.Effect<Option.Option<OpenQuote>>
    readonly acknowledged: () => ReadonlyArray<Acknowledged>
    /** Acknowledged conversions by audit id. */
    readonly byAudit: () => ReadonlyMap<string, Acknowledged>
    /** References of conversions with an unknown outcome. */
    readonly unknownOutcomes: () => ReadonlySet<string>
  }
>()("effex/soak/ConversionModel") {
  static readonly layer = Layer.effect(
    ConversionModel,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const report = yield* Report
  const rates = yield* RateModel
  const all: Array<Acknowledged> = []
  const byKey = new Map<string, Acknowledged>()
  const byAudit = new Map<string, Acknowledged>()
  const byQuote = new Map<string, Acknowledged>()
  const unknownOutcomes = new Set<string>()

  const checkNumbers = Effect.fnUntraced(function* (
    { amount, amountType, pair }: Pick<Intent, "pair" | "amount" | "amountType">,
    received: typeof Quoted.Type | Converted,
    text: string
  ) {
    yield* rates.observe(
      {
        from: received.from_currency,
        to: received.to_currency,
        rate: received.mid_rate,
        rate_id: received.rate_id
      },
      "a conversion"
    )
    const violated = violatedRules(received, { amount, amountType, margin: marginOf(pair) })
    if (received.from_currency !== pair.from || received.to_currency !== pair.to || violated.length > 0) {
      const detail = `${pair.key} ${amountType} ${amount}: violated: ${violated.join("; ")}: ${text}`
      yield* report.violation("the numbers of a conversion are exact", detail)
    }
  })

  /** Responses to concurrent requests may arrive in any order; at most one of them is the original. */
  const observeRetry = Effect.fnUntraced(function* (known: Acknowledged, response: HttpResponse) {
    const isReplayed = response.headers.get("idempotency-replayed") === "true"
    const mustBeReplay = known.hasOriginalResponse || response.startedAt > known.answeredAt
    if (known.text !== response.text || (mustBeReplay && !isReplayed)) {
      const detail = `${known.intent.key} (replayed: ${isReplayed}): first ${known.text}, then ${response.text}`
      yield* report.violation(
        "a retry with the same key returns the same response, marked as replayed",
        detail
      )
    }
    known.hasOriginalResponse ||= !isReplayed
  })

  const acknowledge = Effect.fnUntraced(function* (intent: Intent, response: HttpResponse) {
    const { endedAt, headers, text } = response
    const known = intent.key === undefined ? undefined : byKey.get(intent.key)
    if (known !== undefined) return yield* observeRetry(known, response)
    const decoded = decodeConverted(text)
    if (Option.isNone(decoded) || decoded.value.reference !== intent.reference) {
      return yield* report.violation("a response describes the requested conversion", text)
    }
    const converted = decoded.value
    const duplicate = byAudit.get(converted.audit_id)
    if (duplicate !== undefined) {
      const detail = `${duplicate.text} and ${text}`
      yield* report.violation("each conversion has its own record", detail)
    }
    const hasOriginalResponse = headers.get("idempotency-replayed") === null
    const acknowledged: Acknowledged = { intent, converted, text, answeredAt: endedAt, hasOriginalResponse }
    all.push(acknowledged)
    unknownOutcomes.delete(intent.reference)
    byAudit.set(converted.audit_id, acknowledged)
    if (intent.key !== undefined) byKey.set(intent.key, acknowledged)
    yield* checkNumbers(intent, converted, text)
    if (intent.quote !== undefined) yield* useQuote(intent.quote, acknowledged)
  })

  const useQuote = Effect.fnUntraced(function* (quote: OpenQuote, use: Acknowledged) {
    const previous = byQuote.get(quote.id)
    if (previous !== undefined) {
      yield* report.violation("a quote is used once", `${quote.text}: ${previous.text} and ${use.text}`)
    }
    byQuote.set(quote.id, use)
    const quoted = decodeQuoted(quote.text)
    const differs =
      Option.isNone(quoted) ||
      quoted.value.quote_id !== use.converted.quote_id ||
      (["input_amount", "output_amount", "mid_rate", "rate_id", "rate_fetched_at", "stale"] as const).some(
        (field) => quoted.value[field] !== use.converted[field]
      )
    if (differs) {
      yield* report.violation(
        "a conversion uses the numbers of its quote",
        `${quote.text}, used as ${use.text}`
      )
    }
  })

  const observe: ConversionModel["Service"]["observe"] = Effect.fnUntraced(function* (intent, response) {
    if (response.status === 200) {
      yield* acknowledge(intent, response)
      return "done"
    }
    const code = codeOf(response)
    if (TRANSIENT_CODES.has(code)) return "unknown"
    const known = intent.key === undefined ? undefined : byKey.get(intent.key)
    if (FINAL_CODES.has(code) && intent.quote !== undefined && known === undefined) return "rejected"
    const detail = `${JSON.stringify(intent)}: ${response.status} ${response.text}`
    yield* report.violation("a conversion fails only with errors of the contract", detail)
    return "rejected"
  })

  const observeQuote: ConversionModel["Service"]["observeQuote"] = Effect.fnUntraced(
    function* (requested, response) {
      if (response.status === 201) {
        const decoded = decodeQuoted(response.text)
        if (Option.isSome(decoded)) {
          yield* checkNumbers(requested, decoded.value, response.text)
          return Option.some({ id: decoded.value.quote_id, text: response.text })
        }
      } else if (TRANSIENT_CODES.has(codeOf(response))) return Option.none()
      yield* report.violation("a quote is created, or fails with an error of the contract", response.text)
      return Option.none()
    }
  )

  return ConversionModel.of({
    observe,
    start: ({ key, reference }) => {
      if (key === undefined) unknownOutcomes.add(reference)
    },
    observeQuote,
    acknowledged: () => all,
    byAudit: () => byAudit,
    unknownOutcomes: () => unknownOutcomes
  })
})
