import { Context, Effect, Layer, Option, Schema } from "effect"
import { PAIRS } from "./Currencies.ts"
import type { Answer } from "./Http.ts"
import { Report } from "./Report.ts"
import { Harness, STALE_AFTER_MILLIS } from "./Harness.ts"

/** A rate as it is told. */
export const ToldRate = Schema.Struct({
  from: Schema.String,
  to: Schema.String,
  rate: Schema.String,
  rate_id: Schema.String,
  provider: Schema.String,
  fetched_at: Schema.String,
  stale: Schema.Boolean
})
export type ToldRate = typeof ToldRate.Type

const decodeRate = Schema.decodeUnknownOption(Schema.fromJsonString(ToldRate))

export const keyOf = ({ from, to }: { readonly from: string; readonly to: string }) => `${from}:${to}`

/** Orders the rates of a pair by when they came into force. */
export const orderOf = ({ fetched_at, rate_id }: ToldRate) => `${fetched_at} ${rate_id}`

/** How many milliseconds a clock may be off that is read twice. */
const ROUNDING = 1

/** What is known of rates by asking for them, and what follows from it. */
export class RateModel extends Context.Service<
  RateModel,
  {
    /** What a node has told of a pair before a question to it is begun: nothing older may be answered. */
    readonly floor: (node: string, pair: string) => string
    /** Checks the answer to a lookup, and remembers it. */
    readonly lookup: (lookup: {
      readonly node: string
      readonly pair: string
      readonly floor: string
      readonly maxAgeMillis: number | undefined
      readonly answer: Answer
    }) => Effect.Effect<void>
    /** Checks a rate that was told by whatever way: the provider has said it, and under one id it is always the same. */
    readonly told: (
      rate: Pick<ToldRate, "from" | "to" | "rate" | "rate_id">,
      by: string
    ) => Effect.Effect<void>
    /** Every rate that was told, by its id. */
    readonly all: () => ReadonlyMap<string, { readonly pair: string; readonly rate: string }>
  }
>()("effex/soak/RateModel") {
  static readonly layer = Layer.effect(
    RateModel,
    Effect.suspend(() => make)
  )
}

const offered = new Set(PAIRS.map(({ key }) => key))
/** What a lookup without `max_age` may be refused with by a node that has told no rate of the pair yet. */
const WITHOUT_ANY_RATE = new Set(["rate-unavailable", "store-unavailable"])

const make = Effect.gen(function* () {
  const report = yield* Report
  const { provider } = yield* Harness
  const newest = new Map<string, string>()
  const byId = new Map<string, { readonly pair: string; readonly rate: string }>()

  const told: RateModel["Service"]["told"] = Effect.fnUntraced(function* (rate, by) {
    const pair = keyOf(rate)
    const known = byId.get(rate.rate_id)
    if (known === undefined) {
      byId.set(rate.rate_id, { pair, rate: rate.rate })
      if (!offered.has(pair) || !provider.hasSaid(pair, rate.rate)) {
        yield* report.violation(
          "no rate is told that the provider never gave",
          `${by}: ${JSON.stringify(rate)}`
        )
      }
    } else if (known.pair !== pair || known.rate !== rate.rate) {
      const detail = `${by}: ${JSON.stringify(rate)} was ${known.pair} ${known.rate} before`
      yield* report.violation("a rate never changes", detail)
    }
  })

  const lookup: RateModel["Service"]["lookup"] = Effect.fnUntraced(function* (asked) {
    const { answer, floor, maxAgeMillis, node, pair } = asked
    if (answer.status !== 200) return yield* refused(asked)
    const found = decodeRate(answer.text)
    if (Option.isNone(found) || keyOf(found.value) !== pair) {
      return yield* report.violation("a lookup answers with a rate", `${node}, ${pair}: ${answer.text}`)
    }
    const rate = found.value
    yield* told(rate, node)
    const order = orderOf(rate)
    const before = newest.get(`${node} ${pair}`) ?? ""
    if (order > before) newest.set(`${node} ${pair}`, order)
    if (order < floor) {
      const detail = `${node}, ${pair}: ${order} after ${floor} (${answer.headers.get("x-rate-source")})`
      yield* report.violation("a node never tells an older rate after a newer one", detail)
    }
    const at = Date.parse(rate.fetched_at)
    const wasStale = answer.startedAt - at > STALE_AFTER_MILLIS + ROUNDING
    const isStale = answer.endedAt - at > STALE_AFTER_MILLIS - ROUNDING
    if (rate.stale ? !isStale : wasStale) {
      const detail = `${node}, asked from ${answer.startedAt} to ${answer.endedAt}: ${answer.text}`
      yield* report.violation("stale says whether a rate is old, exactly", detail)
    }
    // A rate that was just fetched is as fresh as can be, however long its way here.
    const isFetched = answer.headers.get("x-rate-source") === "provider"
    if (maxAgeMillis !== undefined && !isFetched && answer.startedAt - at > maxAgeMillis + ROUNDING) {
      const detail = `${node}, asked at ${answer.startedAt} for ${maxAgeMillis} ms: ${answer.text}`
      yield* report.violation("max_age is kept", detail)
    }
  })

  const refused = Effect.fnUntraced(function* ({
    answer,
    floor,
    maxAgeMillis,
    node,
    pair
  }: Parameters<RateModel["Service"]["lookup"]>[0]) {
    const code = /"code":"([a-z-]+)"/.exec(answer.text)?.[1] ?? ""
    if (code === "request-timeout") return
    if (code === "rate-too-old" && maxAgeMillis !== undefined) return
    if (floor === "" && WITHOUT_ANY_RATE.has(code)) return
    const detail = `${node}, ${pair}: ${answer.status} ${answer.text}`
    yield* report.violation("a node that has told a rate goes on to tell one", detail)
  })

  return RateModel.of({
    floor: (node, pair) => newest.get(`${node} ${pair}`) ?? "",
    lookup,
    told,
    all: () => byId
  })
})
