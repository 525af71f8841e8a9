import { Context, Effect, Layer, Option, Schema } from "effect"
import { PAIRS } from "./Currencies.ts"
import { ASSETS } from "./Exchange.ts"
import type { HttpResponse } from "./Http.ts"
import { Report } from "./Report.ts"
import { Harness, STALE_AFTER_MILLIS } from "./Harness.ts"

/** A rate as the API returns it. */
export const ReceivedRate = Schema.Struct({
  from: Schema.String,
  to: Schema.String,
  rate: Schema.String,
  rate_id: Schema.String,
  provider: Schema.String,
  fetched_at: Schema.String,
  stale: Schema.Boolean
})
export type ReceivedRate = typeof ReceivedRate.Type

const decodeRate = Schema.decodeUnknownOption(Schema.fromJsonString(ReceivedRate))

export const keyOf = ({ from, to }: { readonly from: string; readonly to: string }) => `${from}:${to}`

/** Sort key of a pair's rates, by the time from which they are in force. */
export const orderOf = ({ fetched_at, rate_id }: ReceivedRate) => `${fetched_at} ${rate_id}`

/** Tolerance for the rounding of two clock readings. */
const ROUNDING_MILLIS = 1

/** Model of rates, built from responses. It checks each response against the previous ones. */
export class RateModel extends Context.Service<
  RateModel,
  {
    /** Sort key of the newest rate that a node has returned for a pair. Later lookups must not return an older one. */
    readonly floor: (node: string, pair: string) => string
    /** Checks and records the response to a lookup. */
    readonly observeLookup: (lookup: {
      readonly node: string
      readonly pair: string
      readonly floor: string
      readonly maxAgeMillis: number | undefined
      readonly response: HttpResponse
    }) => Effect.Effect<void>
    /** Checks and records a rate from any response: the provider returned it, and its id always has the same rate. */
    readonly observe: (
      rate: Pick<ReceivedRate, "from" | "to" | "rate" | "rate_id">,
      origin: string
    ) => Effect.Effect<void>
    /** Every received rate, by id. */
    readonly all: () => ReadonlyMap<string, { readonly pair: string; readonly rate: string }>
  }
>()("effex/soak/RateModel") {
  static readonly layer = Layer.effect(
    RateModel,
    Effect.suspend(() => make)
  )
}

const configuredPairs = new Set(PAIRS.map(({ key }) => key))
/** Pairs that price the assets of orders. Their provider has no faults. */
const pricePairs = new Set<string>(ASSETS.map(({ code }) => `${code}:USD`))

/** True for a pair of currencies, whose rates the model knows. */
export const isModelled = (rate: { readonly from: string; readonly to: string }) =>
  configuredPairs.has(keyOf(rate))
/** Codes allowed for a lookup on a node that has not returned any rate of the pair yet. */
const NO_RATE_CODES = new Set(["rate-unavailable", "store-unavailable"])

const make = Effect.gen(function* () {
  const report = yield* Report
  const { provider } = yield* Harness
  const newest = new Map<string, string>()
  const byId = new Map<string, { readonly pair: string; readonly rate: string }>()

  const observe: RateModel["Service"]["observe"] = Effect.fnUntraced(function* (rate, origin) {
    const pair = keyOf(rate)
    const known = byId.get(rate.rate_id)
    if (known === undefined) {
      byId.set(rate.rate_id, { pair, rate: rate.rate })
      if (!pricePairs.has(pair) && !(isModelled(rate) && provider.hasReturned(pair, rate.rate))) {
        yield* report.violation(
          "every returned rate is from the provider",
          `${origin}: ${JSON.stringify(rate)}`
        )
      }
    } else if (known.pair !== pair || known.rate !== rate.rate) {
      const detail = `${origin}: ${JSON.stringify(rate)} was ${known.pair} ${known.rate} before`
      yield* report.violation("a rate never changes", detail)
    }
  })

  const observeLookup: RateModel["Service"]["observeLookup"] = Effect.fnUntraced(function* (observed) {
    const { response, floor, maxAgeMillis, node, pair } = observed
    if (response.status !== 200) return yield* checkFailure(observed)
    const found = decodeRate(response.text)
    if (Option.isNone(found) || keyOf(found.value) !== pair) {
      return yield* report.violation("a lookup returns a rate", `${node}, ${pair}: ${response.text}`)
    }
    const rate = found.value
    yield* observe(rate, node)
    const order = orderOf(rate)
    const previous = newest.get(`${node} ${pair}`) ?? ""
    if (order > previous) newest.set(`${node} ${pair}`, order)
    if (order < floor) {
      const detail = `${node}, ${pair}: ${order} after ${floor} (${response.headers.get("x-rate-source")})`
      yield* report.violation("a node never returns an older rate after a newer one", detail)
    }
    const fetchedAt = Date.parse(rate.fetched_at)
    const wasStale = response.startedAt - fetchedAt > STALE_AFTER_MILLIS + ROUNDING_MILLIS
    const isStale = response.endedAt - fetchedAt > STALE_AFTER_MILLIS - ROUNDING_MILLIS
    if (rate.stale ? !isStale : wasStale) {
      const detail = `${node}, requested from ${response.startedAt} to ${response.endedAt}: ${response.text}`
      yield* report.violation("stale is true exactly for rates older than STALE_AFTER", detail)
    }
    // A rate that was fetched for this request is fresh by definition, however long the request took.
    const isFetched = response.headers.get("x-rate-source") === "provider"
    if (
      maxAgeMillis !== undefined &&
      !isFetched &&
      response.startedAt - fetchedAt > maxAgeMillis + ROUNDING_MILLIS
    ) {
      const detail = `${node}, requested at ${response.startedAt} for ${maxAgeMillis} ms: ${response.text}`
      yield* report.violation("max_age is respected", detail)
    }
  })

  const checkFailure = Effect.fnUntraced(function* ({
    response,
    floor,
    maxAgeMillis,
    node,
    pair
  }: Parameters<RateModel["Service"]["observeLookup"]>[0]) {
    const code = /"code":"([a-z-]+)"/.exec(response.text)?.[1] ?? ""
    if (code === "request-timeout") return
    if (code === "rate-too-old" && maxAgeMillis !== undefined) return
    if (floor === "" && NO_RATE_CODES.has(code)) return
    const detail = `${node}, ${pair}: ${response.status} ${response.text}`
    yield* report.violation("a node that has returned a rate keeps returning one", detail)
  })

  return RateModel.of({
    floor: (node, pair) => newest.get(`${node} ${pair}`) ?? "",
    observeLookup,
    observe,
    all: () => byId
  })
})
