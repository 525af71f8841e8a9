import { Duration, Effect, Option, Redacted } from "effect"
import { HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import * as UsMarketCalendar from "../../domain/markets/UsMarketCalendar.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import { ProviderError } from "../ProviderError.ts"
import * as PriceSource from "../prices/PriceSource.ts"
import * as ProviderHttp from "../ProviderHttp.ts"
import type { ProviderDependencies, RateSource } from "../RateSource.ts"
import * as MassivePrevious from "./MassivePrevious.ts"
import * as MassiveResponse from "./MassiveResponse.ts"

/** Time after which a snapshot is requested again from a plan that did not include it. */
const SNAPSHOT_RETRY = Duration.hours(1)

/**
 * Prices of US stocks from Massive, the former Polygon. One snapshot covers many tickers. A plan without snapshots, such as
 * the free one, has the previous close of each ticker instead.
 */
export const make = Effect.fnUntraced(function* (options: {
  readonly name: string
  readonly baseUrl: string
  readonly key: Redacted.Redacted
}) {
  const { baseUrl, key, name } = options
  const request = (path: string) =>
    HttpClientRequest.get(`${baseUrl}${path}`).pipe(
      HttpClientRequest.bearerToken(key),
      HttpClientRequest.acceptJson
    )
  const snapshots = yield* PriceSource.make({
    provider: "massive",
    name,
    kind: "stock",
    usesCodes: true,
    secrets: [key],
    openMillis: UsMarketCalendar.openMillis,
    request: (tickers) =>
      request("/v2/snapshot/locale/us/markets/stocks/tickers").pipe(
        HttpClientRequest.setUrlParam("tickers", tickers.join(","))
      ),
    read: MassiveResponse.readSnapshot
  })
  const previous = MassivePrevious.make({
    http: yield* ProviderHttp.make({ name, secrets: [key] }),
    provider: "massive",
    request: (ticker) =>
      request(`/v2/aggs/ticker/${encodeURIComponent(ticker)}/prev`).pipe(
        HttpClientRequest.setUrlParam("adjusted", "true")
      )
  })
  let snapshotsFrom = Number.NEGATIVE_INFINITY

  const rate: RateSource["Service"]["rate"] = Effect.fnUntraced(function* (pair, origin) {
    const symbol = snapshots.symbolOf(pair)
    const previousClose =
      symbol === undefined ? Effect.fail(PriceSource.notQuoted(pair)) : previous.rate(pair, symbol)
    const fallback = Effect.mapError(
      previousClose,
      (reason) => new ProviderError({ provider: name, pair, reason })
    )
    const now = yield* MonotonicClock.millis
    if (now < snapshotsFrom) return yield* fallback
    return yield* Effect.catchIf(snapshots.rate(pair, origin), isNotEntitled, () => {
      if (now >= snapshotsFrom) snapshotsFrom = now + Duration.toMillis(SNAPSHOT_RETRY)
      return Effect.andThen(
        Effect.logInfo(`The plan of ${name} has no snapshots; using the previous close of each ticker`),
        fallback
      )
    })
  })

  const { quotes, refuse } = snapshots
  return { name, quotes, rate, refuse } satisfies RateSource["Service"]
})

/** Returns true if the plan does not include snapshots. */
const isNotEntitled = ({ reason }: ProviderError) => reason._tag === "Refused" && reason.status === 403

/** Massive at `MASSIVE_BASE_URL`. */
export const makeFromSettings: Effect.Effect<RateSource["Service"], never, ProviderDependencies> =
  Effect.flatMap(Settings, ({ massiveApiKey, massiveBaseUrl: baseUrl }) =>
    make({ name: "massive", baseUrl, key: Option.getOrElse(massiveApiKey, () => Redacted.make("")) })
  )
