import { Context, Effect, Layer, Option, Schema } from "effect"
import * as Receipt from "../../src/audit/Receipt.ts"
import type { Acknowledged } from "./ConversionModel.ts"
import { type Pair, PAIRS } from "./Currencies.ts"
import { residualFaultsOf } from "./ExpectedNumbers.ts"
import { type Answer, codeOf } from "./Http.ts"
import { RateModel, ToldRate } from "./RateModel.ts"
import { Report } from "./Report.ts"

const json = <A>(schema: Schema.Codec<A, unknown>) =>
  Schema.decodeUnknownOption(Schema.fromJsonString(schema))

/** A record of the audit as it is told. */
export const Record = Receipt.ReceiptRecord
export type Record = typeof Record.Type

const decodeRecord = json(Record)
const decodeReceipt = json(Receipt.Receipt)
const decodeRates = json(Schema.Struct({ rates: Schema.Array(ToldRate) }))
const decodePage = json(Schema.Struct({ data: Schema.Array(Record) }))
const decodeHistory = json(
  Schema.Struct({
    data: Schema.Array(
      Schema.Struct({ rate: Schema.String, rate_id: Schema.String, fetched_at: Schema.String })
    )
  })
)

/** What a reader of the audit or of rates may be refused with for now. */
const PASSING = new Set(["store-unavailable", "rate-unavailable", "request-timeout"])

/** Checks what is read, beside what the models remember. */
export class Checks extends Context.Service<
  Checks,
  {
    readonly rateList: (answer: Answer) => Effect.Effect<void>
    readonly history: (pair: Pair, answer: Answer) => Effect.Effect<void>
    /** The record of a conversion that was acknowledged. */
    readonly record: (known: Acknowledged, answer: Answer) => Effect.Effect<void>
    /** Its receipt, which proves it without the program. */
    readonly receipt: (known: Acknowledged, answer: Answer) => Effect.Effect<void>
    readonly auditPage: (answer: Answer) => Effect.Effect<void>
    /** Whether a record says what was acknowledged, to the letter. */
    readonly agrees: (known: Acknowledged, record: Record) => Effect.Effect<void>
  }
>()("effex/soak/Checks") {
  static readonly layer = Layer.effect(
    Checks,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const report = yield* Report
  const rates = yield* RateModel

  /** What an answer says, where it is one that says something. */
  const read = Effect.fnUntraced(function* <A>(
    what: string,
    answer: Answer,
    decode: (text: string) => Option.Option<A>
  ) {
    if (answer.status === 200) {
      const found = decode(answer.text)
      if (Option.isSome(found)) return found
    } else if (PASSING.has(codeOf(answer))) return Option.none<A>()
    yield* report.violation(`${what} is answered, or refused for what the contract names`, answer.text)
    return Option.none<A>()
  })

  const rateList: Checks["Service"]["rateList"] = Effect.fnUntraced(function* (answer) {
    const found = yield* read("a list of rates", answer, decodeRates)
    if (Option.isNone(found)) return
    for (const rate of found.value.rates) yield* rates.told(rate, "a list of rates")
  })

  const history: Checks["Service"]["history"] = Effect.fnUntraced(function* (pair, answer) {
    const found = yield* read("the history", answer, decodeHistory)
    if (Option.isNone(found)) return
    const { data } = found.value
    for (const row of data) yield* rates.told({ ...pair, ...row }, "the history")
    const times = data.map(({ fetched_at }) => fetched_at)
    const isOrdered = [times.toSorted(), times.toSorted().toReversed()].some(
      (sorted) => sorted.join() === times.join()
    )
    if (!isOrdered) yield* report.violation("history is in order", answer.text)
  })

  const agrees: Checks["Service"]["agrees"] = Effect.fnUntraced(function* ({ converted, intent }, record) {
    const { audit_id, quote_id, ...rest } = converted
    const differing = Object.entries(rest).filter(([field, value]) => record[field as keyof Record] !== value)
    const faults = [
      ...(record.audit_id === audit_id ? [] : ["its id is another"]),
      ...(record.quote_id === (quote_id ?? null) ? [] : ["its quote is another"]),
      ...(record.amount_type === intent.amountType ? [] : ["its amount is of the other side"]),
      ...differing.map(([field]) => `its ${field} differs`),
      ...residualFaultsOf(record)
    ]
    if (faults.length > 0) {
      const detail = `${faults.join("; ")}: ${JSON.stringify(converted)} and ${JSON.stringify(record)}`
      yield* report.violation("a record says what was answered", detail)
    }
  })

  const record: Checks["Service"]["record"] = Effect.fnUntraced(function* (known, answer) {
    const found = yield* read("a record of what was acknowledged", answer, decodeRecord)
    if (Option.isSome(found)) yield* agrees(known, found.value)
  })

  const receipt: Checks["Service"]["receipt"] = Effect.fnUntraced(function* (known, answer) {
    const found = yield* read("a receipt of what was acknowledged", answer, decodeReceipt)
    if (Option.isNone(found)) return
    yield* agrees(known, found.value.record)
    const fault = Receipt.faultOf(found.value, Buffer.from(found.value.head.public_key, "hex"))
    if (Option.isSome(fault))
      yield* report.violation("a receipt proves its record", `${fault.value}: ${answer.text}`)
  })

  const auditPage: Checks["Service"]["auditPage"] = Effect.fnUntraced(function* (answer) {
    const found = yield* read("the audit", answer, decodePage)
    if (Option.isNone(found)) return
    const ids = found.value.data.map(({ audit_id }) => audit_id)
    const newestFirst = Array.from(new Set(ids)).toSorted().toReversed()
    if (newestFirst.join() !== ids.join()) {
      yield* report.violation("the audit is listed newest first, each record once", ids.join())
    }
  })

  return Checks.of({ rateList, history, record, receipt, auditPage, agrees })
})

/** Whether rates of all pairs are told. */
export const isComplete = (answer: Answer): boolean =>
  Option.exists(
    decodeRates(answer.text),
    ({ rates }) => rates.length === PAIRS.length && rates.every(({ stale }) => !stale)
  )
