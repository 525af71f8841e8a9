import { Context, Effect, Layer, Option, Schema } from "effect"
import * as Receipt from "../../src/audit/Receipt.ts"
import type { Acknowledged } from "./ConversionModel.ts"
import { type Pair, PAIRS } from "./Currencies.ts"
import { violatedResidualRules } from "./ExpectedNumbers.ts"
import { type HttpResponse, codeOf } from "./Http.ts"
import { isModelled, RateModel, ReceivedRate } from "./RateModel.ts"
import { Report } from "./Report.ts"

const json = <A>(schema: Schema.Codec<A, unknown>) =>
  Schema.decodeUnknownOption(Schema.fromJsonString(schema))

/** An audit record as the API returns it. */
export const Record = Receipt.ReceiptRecord
export type Record = typeof Record.Type

const decodeRecord = json(Record)
const decodeReceipt = json(Receipt.Receipt)
const decodeRates = json(Schema.Struct({ rates: Schema.Array(ReceivedRate) }))
const decodePage = json(Schema.Struct({ data: Schema.Array(Record) }))
const decodeHistory = json(
  Schema.Struct({
    data: Schema.Array(
      Schema.Struct({ rate: Schema.String, rate_id: Schema.String, fetched_at: Schema.String })
    )
  })
)

/** Codes of errors that may occur during a fault. */
const TRANSIENT_CODES = new Set(["store-unavailable", "rate-unavailable", "request-timeout"])

/** Checks responses to reads against the models. */
export class ResponseChecks extends Context.Service<
  ResponseChecks,
  {
    readonly rateList: (response: HttpResponse) => Effect.Effect<void>
    readonly history: (pair: Pair, response: HttpResponse) => Effect.Effect<void>
    /** Checks the record of an acknowledged conversion. */
    readonly record: (known: Acknowledged, response: HttpResponse) => Effect.Effect<void>
    /** Checks and verifies the receipt of an acknowledged conversion. */
    readonly receipt: (known: Acknowledged, response: HttpResponse) => Effect.Effect<void>
    readonly auditPage: (response: HttpResponse) => Effect.Effect<void>
    /** Reports differences between a record and the acknowledged conversion. */
    readonly compare: (known: Acknowledged, record: Record) => Effect.Effect<void>
  }
>()("effex/soak/ResponseChecks") {
  static readonly layer = Layer.effect(
    ResponseChecks,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const report = yield* Report
  const rates = yield* RateModel

  /** Decodes a response. Returns none for a transient error, and reports any other response. */
  const read = Effect.fnUntraced(function* <A>(
    subject: string,
    response: HttpResponse,
    decode: (text: string) => Option.Option<A>
  ) {
    if (response.status === 200) {
      const found = decode(response.text)
      if (Option.isSome(found)) return found
    } else if (TRANSIENT_CODES.has(codeOf(response))) return Option.none<A>()
    yield* report.violation(`${subject} is returned, or fails with an error of the contract`, response.text)
    return Option.none<A>()
  })

  const rateList: ResponseChecks["Service"]["rateList"] = Effect.fnUntraced(function* (response) {
    const found = yield* read("a list of rates", response, decodeRates)
    if (Option.isNone(found)) return
    for (const rate of found.value.rates) yield* rates.observe(rate, "a list of rates")
  })

  const history: ResponseChecks["Service"]["history"] = Effect.fnUntraced(function* (pair, response) {
    const found = yield* read("the history", response, decodeHistory)
    if (Option.isNone(found)) return
    const { data } = found.value
    for (const row of data) yield* rates.observe({ ...pair, ...row }, "the history")
    const times = data.map(({ fetched_at }) => fetched_at)
    const isOrdered = [times.toSorted(), times.toSorted().toReversed()].some(
      (sorted) => sorted.join() === times.join()
    )
    if (!isOrdered) yield* report.violation("history is ordered by time", response.text)
  })

  const compare: ResponseChecks["Service"]["compare"] = Effect.fnUntraced(function* (
    { converted, intent },
    record
  ) {
    const { audit_id, quote_id, ...rest } = converted
    const differing = Object.entries(rest).filter(([field, value]) => record[field as keyof Record] !== value)
    const faults = [
      ...(record.audit_id === audit_id ? [] : ["its id differs"]),
      ...(record.quote_id === (quote_id ?? null) ? [] : ["its quote differs"]),
      ...(record.amount_type === intent.amountType ? [] : ["its amount type differs"]),
      ...differing.map(([field]) => `its ${field} differs`),
      ...violatedResidualRules(record)
    ]
    if (faults.length > 0) {
      const detail = `${faults.join("; ")}: ${JSON.stringify(converted)} and ${JSON.stringify(record)}`
      yield* report.violation("a record equals the response to its conversion", detail)
    }
  })

  const record: ResponseChecks["Service"]["record"] = Effect.fnUntraced(function* (known, response) {
    const found = yield* read("a record of an acknowledged conversion", response, decodeRecord)
    if (Option.isSome(found)) yield* compare(known, found.value)
  })

  const receipt: ResponseChecks["Service"]["receipt"] = Effect.fnUntraced(function* (known, response) {
    const found = yield* read("a receipt of an acknowledged conversion", response, decodeReceipt)
    if (Option.isNone(found)) return
    yield* compare(known, found.value.record)
    const fault = Receipt.findFault(found.value, Buffer.from(found.value.head.public_key, "hex"))
    if (Option.isSome(fault))
      yield* report.violation("a receipt proves its record", `${fault.value}: ${response.text}`)
  })

  const auditPage: ResponseChecks["Service"]["auditPage"] = Effect.fnUntraced(function* (response) {
    const found = yield* read("the audit", response, decodePage)
    if (Option.isNone(found)) return
    const ids = found.value.data.map(({ audit_id }) => audit_id)
    const newestFirst = Array.from(new Set(ids)).toSorted().toReversed()
    if (newestFirst.join() !== ids.join()) {
      yield* report.violation("the audit lists each record once, newest first", ids.join())
    }
  })

  return ResponseChecks.of({ rateList, history, record, receipt, auditPage, compare })
})

/** True if a response has fresh rates of all pairs of currencies. */
export const isComplete = (response: HttpResponse): boolean =>
  Option.exists(decodeRates(response.text), ({ rates }) => {
    const modelled = rates.filter(isModelled)
    return modelled.length === PAIRS.length && modelled.every(({ stale }) => !stale)
  })
