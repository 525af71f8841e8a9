import { Cache, Clock, DateTime, Duration, Effect, Exit, Option, type Redacted, Ref } from "effect"
import { SecureRandom } from "effect/crypto"
import type { HttpClientRequest } from "effect/http"
import { Result } from "effect"
import { Settings } from "../../config/Settings.ts"
import type { AssetCode } from "../../domain/money/Asset.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as RateIds from "../../domain/rates/RateIds.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import { lookupCooldown, PollCadence } from "../../platform/PollCadence.ts"
import { ProviderError, type ProviderReason } from "../ProviderError.ts"
import * as ProviderHttp from "../ProviderHttp.ts"
import type { RateSource } from "../RateSource.ts"
import * as RateTable from "./RateTable.ts"
import type * as TableResponse from "./TableResponse.ts"

/** Maximum age of a table that is reused for another pair. */
const MAX_TABLE_REUSE = Duration.seconds(10)
/** Time during which a failure is returned for all pairs: a failing provider gets one request, not one per pair. */
const FAILURE_REUSE = Duration.seconds(1)

/** A provider whose responses quote all currencies against one. */
export interface TableProvider {
  /** Name as in `PROVIDERS`. */
  readonly name: string
  readonly pivot: AssetCode
  /** Quotes that are older are rejected. */
  readonly maxAge: Duration.Duration
  readonly secrets: ReadonlyArray<Redacted.Redacted>
  /** Makes the request for the rates of these currencies against the pivot. */
  readonly request: (currencies: ReadonlyArray<AssetCode>) => HttpClientRequest.HttpClientRequest
  readonly read: (
    response: TableResponse.RawResponse,
    request: TableResponse.TableRequest
  ) => Result.Result<RateTable.TableQuotes, ProviderReason>
}

/**
 * Makes a source of rates from tables. One request covers every currency of the settings. Its response is reused for all
 * pairs that are requested concurrently or within 10 seconds, or within half of the poll interval if that is shorter.
 * Lookups get a table that was refused, or that has no recent quote for them, again for half a poll interval: another
 * request would most likely get the same quotes, and free plans have few.
 */
export const make = Effect.fnUntraced(function* (provider: TableProvider) {
  const { maxAge: maxQuoteAge, name, pivot, read, request, secrets } = provider
  const { pairs, staleAfter } = yield* Settings
  const staleAfterMillis = Duration.toMillis(staleAfter)
  const cadence = yield* PollCadence
  const random = yield* SecureRandom.SecureRandom
  const http = yield* ProviderHttp.make({ name, secrets })
  const latest = yield* Ref.make(Option.none<RateTable.RateTable>())
  const refused = yield* Ref.make(Option.none<RateTable.RateTable>())

  const currencies = Array.from(new Set([...pairs.sources, ...pairs.destinations])).filter(
    (currency) => currency !== pivot
  )
  const maxReuse = () =>
    Option.match(cadence.interval(), {
      onNone: () => MAX_TABLE_REUSE,
      onSome: (interval) => Duration.min(MAX_TABLE_REUSE, Duration.divideUnsafe(interval, 2))
    })

  const fetchTable = Effect.gen(function* () {
    const requestedAt = yield* Ref.make(yield* DateTime.now)
    const entropy = yield* RateIds.randomEntropy(random)
    const table = yield* http.call(
      Effect.as(
        Effect.flatMap(DateTime.now, (now) => Ref.set(requestedAt, now)),
        request(currencies)
      ),
      Effect.fnUntraced(function* (response) {
        const quotes = yield* Effect.fromResult(read(response, { pivot, currencies }))
        const observedAt = yield* Ref.get(requestedAt)
        const table = { provider: name, pivot, observedAt, maxAge: maxQuoteAge, raw: response.body, quotes }
        return RateTable.make(table, entropy)
      })
    )
    yield* Ref.set(latest, Option.some(table))
    return table
  })

  const clock = yield* Clock.Clock
  const monotonicClock = MonotonicClock.make(clock)

  /** Shares one request between concurrent callers. Measures by the monotonic clock. */
  const flight = yield* Cache.makeWith<"table", RateTable.RateTable, ProviderReason>(
    () => Effect.provideService(fetchTable, Clock.Clock, clock),
    {
      capacity: 1,
      // The reuse of a table depends on its age, which `tableWithin` checks.
      timeToLive: (exit) => (Exit.isSuccess(exit) ? Duration.zero : FAILURE_REUSE)
    }
  )

  const tableWithin = Effect.fnUntraced(function* (maxAge: Duration.Duration) {
    const cached = yield* Ref.get(latest)
    if (Option.isSome(cached)) {
      const age = DateTime.distance(cached.value.observedAt, yield* DateTime.now)
      // The age is negative if the clock was set back.
      if (Duration.between(age, { minimum: Duration.zero, maximum: maxAge })) return cached.value
    }
    return yield* Effect.provideService(Cache.get(flight, "table"), Clock.Clock, monotonicClock)
  })

  const recent = Effect.fn("TableSource.recent")(function* (pair: AssetPair, maxAge: Duration.Duration) {
    yield* Effect.annotateCurrentSpan({ pair: pair.key, provider: name })
    return yield* tableWithin(maxAge).pipe(
      Effect.flatMap((table) => Effect.fromResult(RateTable.deriveTick(table, pair))),
      Effect.mapError((reason) => new ProviderError({ provider: name, pair, reason }))
    )
  })

  /** Returns true if the last table was refused, or has no recent quote for the pair. */
  const isUseless = Effect.fnUntraced(function* (pair: AssetPair) {
    const cached = Option.getOrUndefined(yield* Ref.get(latest))
    if (cached === undefined) return false
    if (Option.getOrUndefined(yield* Ref.get(refused)) === cached) return true
    const now = DateTime.toEpochMillis(yield* DateTime.now)
    return Result.match(RateTable.deriveTick(cached, pair), {
      onFailure: () => true,
      onSuccess: ({ quotedAt }) =>
        quotedAt !== undefined && now - DateTime.toEpochMillis(quotedAt) > staleAfterMillis
    })
  })

  const rate: RateSource["Service"]["rate"] = Effect.fnUntraced(function* (pair, request) {
    const isCoolingDown = request?.isPoll !== true && (yield* isUseless(pair))
    return yield* recent(pair, isCoolingDown ? Duration.max(maxReuse(), lookupCooldown(cadence)) : maxReuse())
  })

  const refuse = Effect.flatMap(Ref.get(latest), (table) => Ref.set(refused, table))

  return { name, rate, recent, refuse } satisfies RateSource["Service"]
})
