import { Context, Effect, Layer, Option, Schema } from "effect"
import { marginOf, type Pair } from "./Currencies.ts"
import { faultsOf } from "./ExpectedNumbers.ts"
import { type Answer, codeOf } from "./Http.ts"
import { RateModel } from "./RateModel.ts"
import { Report } from "./Report.ts"

/** A conversion that somebody wants. */
export interface Intent {
  readonly pair: Pair
  readonly amount: string
  readonly amountType: "source" | "target"
  readonly reference: string
  /** None: nobody can find out what became of it where its answer is lost. */
  readonly key: string | undefined
  readonly quote: OpenQuote | undefined
}

/** A quote as it was told, to the letter. */
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

/** A conversion that was acknowledged, with the first answer to it. */
export interface Acknowledged {
  readonly intent: Intent
  readonly converted: Converted
  readonly text: string
  readonly answeredAt: number
  /** An answer has said that it is the first one. */
  wasFirst: boolean
}

/** What became of a request: it was done, it was refused for good, or it must be asked again to know. */
export type Settled = "done" | "refused" | "unknown"

/** What the contract lets a conversion be refused with for good. */
const FINAL = new Set(["quote-expired", "quote-used"])
/** What it may be refused with for now. */
const PASSING = new Set(["store-unavailable", "rate-unavailable", "idempotency-conflict", "request-timeout"])

/** What is known of conversions and quotes by asking for them, and what follows from it. */
export class ConversionModel extends Context.Service<
  ConversionModel,
  {
    /** An intent is about to be sent: without a key, it may be done and nobody told. */
    readonly begun: (intent: Intent) => void
    /** Checks an answer to an intent, and remembers it. */
    readonly answered: (intent: Intent, answer: Answer) => Effect.Effect<Settled>
    /** Checks a quote, and returns it where it is one. */
    readonly quoted: (
      asked: Pick<Intent, "pair" | "amount" | "amountType">,
      answer: Answer
    ) => Effect.Effect<Option.Option<OpenQuote>>
    readonly acknowledged: () => ReadonlyArray<Acknowledged>
    /** By its record. */
    readonly byAudit: () => ReadonlyMap<string, Acknowledged>
    /** The references of conversions that may or may not have been done. */
    readonly maybeDone: () => ReadonlySet<string>
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
  const maybeDone = new Set<string>()

  const checkNumbers = Effect.fnUntraced(function* (
    { amount, amountType, pair }: Pick<Intent, "pair" | "amount" | "amountType">,
    told: typeof Quoted.Type | Converted,
    text: string
  ) {
    yield* rates.told(
      { from: told.from_currency, to: told.to_currency, rate: told.mid_rate, rate_id: told.rate_id },
      "a conversion"
    )
    const faults = faultsOf(told, { amount, amountType, margin: marginOf(pair) })
    if (told.from_currency !== pair.from || told.to_currency !== pair.to || faults.length > 0) {
      const detail = `${pair.key} ${amountType} ${amount}: not so: ${faults.join("; ")}: ${text}`
      yield* report.violation("the numbers of a conversion are exact", detail)
    }
  })

  /** Answers to requests that were under way together may arrive in any order; one of them at most is the first. */
  const answeredAgain = Effect.fnUntraced(function* (known: Acknowledged, answer: Answer) {
    const isReplayed = answer.headers.get("idempotency-replayed") === "true"
    const mustBe = known.wasFirst || answer.startedAt > known.answeredAt
    if (known.text !== answer.text || (mustBe && !isReplayed)) {
      const detail = `${known.intent.key} (replayed: ${isReplayed}): first ${known.text}, then ${answer.text}`
      yield* report.violation("a retry with the same key gives the same answer, and says so", detail)
    }
    known.wasFirst ||= !isReplayed
  })

  const acknowledge = Effect.fnUntraced(function* (intent: Intent, answer: Answer) {
    const { endedAt, headers, text } = answer
    const known = intent.key === undefined ? undefined : byKey.get(intent.key)
    if (known !== undefined) return yield* answeredAgain(known, answer)
    const decoded = decodeConverted(text)
    if (Option.isNone(decoded) || decoded.value.reference !== intent.reference) {
      return yield* report.violation("an answer tells of the conversion that was asked for", text)
    }
    const converted = decoded.value
    const twice = byAudit.get(converted.audit_id)
    if (twice !== undefined) {
      const detail = `${twice.text} and ${text}`
      yield* report.violation("one record is of one conversion", detail)
    }
    const wasFirst = headers.get("idempotency-replayed") === null
    const acknowledged: Acknowledged = { intent, converted, text, answeredAt: endedAt, wasFirst }
    all.push(acknowledged)
    maybeDone.delete(intent.reference)
    byAudit.set(converted.audit_id, acknowledged)
    if (intent.key !== undefined) byKey.set(intent.key, acknowledged)
    yield* checkNumbers(intent, converted, text)
    if (intent.quote !== undefined) yield* useQuote(intent.quote, acknowledged)
  })

  const useQuote = Effect.fnUntraced(function* (quote: OpenQuote, use: Acknowledged) {
    const before = byQuote.get(quote.id)
    if (before !== undefined) {
      yield* report.violation("a quote is used once", `${quote.text}: ${before.text} and ${use.text}`)
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
      yield* report.violation("a quote holds what it says", `${quote.text}, used as ${use.text}`)
    }
  })

  const answered: ConversionModel["Service"]["answered"] = Effect.fnUntraced(function* (intent, answer) {
    if (answer.status === 200) {
      yield* acknowledge(intent, answer)
      return "done"
    }
    const code = codeOf(answer)
    if (PASSING.has(code)) return "unknown"
    const known = intent.key === undefined ? undefined : byKey.get(intent.key)
    if (FINAL.has(code) && intent.quote !== undefined && known === undefined) return "refused"
    const detail = `${JSON.stringify(intent)}: ${answer.status} ${answer.text}`
    yield* report.violation("a conversion is refused only for what the contract names", detail)
    return "refused"
  })

  const quoted: ConversionModel["Service"]["quoted"] = Effect.fnUntraced(function* (asked, answer) {
    if (answer.status === 201) {
      const decoded = decodeQuoted(answer.text)
      if (Option.isSome(decoded)) {
        yield* checkNumbers(asked, decoded.value, answer.text)
        return Option.some({ id: decoded.value.quote_id, text: answer.text })
      }
    } else if (PASSING.has(codeOf(answer))) return Option.none()
    yield* report.violation("a quote is given, or refused for what the contract names", answer.text)
    return Option.none()
  })

  return ConversionModel.of({
    answered,
    begun: ({ key, reference }) => {
      if (key === undefined) maybeDone.add(reference)
    },
    quoted,
    acknowledged: () => all,
    byAudit: () => byAudit,
    maybeDone: () => maybeDone
  })
})
