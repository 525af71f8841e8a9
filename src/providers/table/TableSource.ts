import { Cache, DateTime, Duration, Effect, Exit, Option, type Redacted, Ref, type Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import type { HttpClient, HttpClientRequest } from "effect/http"
import type { Result } from "effect"
import { Settings } from "../../config/Settings.ts"
import type { CurrencyCode } from "../../domain/money/Currency.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import * as RateIds from "../../domain/rates/RateIds.ts"
import { PollCadence } from "../../platform/PollCadence.ts"
import { ProviderError, type ProviderReason } from "../ProviderError.ts"
import * as ProviderHttp from "../ProviderHttp.ts"
import type { RateSource } from "../RateSource.ts"
import * as RateTable from "./RateTable.ts"
import type * as TableResponse from "./TableResponse.ts"

/** How old an answer may be that serves another pair of the same poll. */
const LONGEST_REUSE = Duration.seconds(10)
/** For how long a failure answers for all pairs: a provider that fails is not asked once for each of them. */
const FAILURE_REUSE = Duration.seconds(1)

/** A provider whose answers quote all currencies against one. */
export interface TableProvider {
  /** As PROVIDERS has it. */
  readonly name: string
  readonly pivot: CurrencyCode
  /** How old a quote of it may be. */
  readonly longestAge: Duration.Duration
  readonly secrets: ReadonlyArray<Redacted.Redacted>
  /** Asks for these currencies against the pivot. */
  readonly request: (currencies: ReadonlyArray<CurrencyCode>) => HttpClientRequest.HttpClientRequest
  readonly read: (
    response: TableResponse.Response,
    asked: TableResponse.Asked
  ) => Result.Result<RateTable.Quotes, ProviderReason>
}

/** What a provider is made with. */
export type Needs = Settings | PollCadence | HttpClient.HttpClient | SecureRandom.SecureRandom | Scope.Scope

/**
 * Rates from tables. One request brings every currency of the settings, and its answer serves all pairs that are asked
 * for at the same time or up to 10 seconds later (up to half of the interval of polls, where that is less).
 */
export const make = Effect.fnUntraced(function* (provider: TableProvider) {
  const { longestAge, name, pivot, read, request, secrets } = provider
  const { pairs } = yield* Settings
  const cadence = yield* PollCadence
  const random = yield* SecureRandom.SecureRandom
  const http = yield* ProviderHttp.make({ name, secrets })
  const latest = yield* Ref.make(Option.none<RateTable.RateTable>())

  const currencies = Array.from(new Set([...pairs.sources, ...pairs.destinations])).filter(
    (currency) => currency !== pivot
  )
  const reuse = () =>
    Option.match(cadence.interval(), {
      onNone: () => LONGEST_REUSE,
      onSome: (interval) => Duration.min(LONGEST_REUSE, Duration.divideUnsafe(interval, 2))
    })

  const ask = Effect.gen(function* () {
    const askedAt = yield* Ref.make(yield* DateTime.now)
    const entropy = yield* RateIds.randomEntropy(random)
    const table = yield* http.call(
      Effect.as(
        Effect.flatMap(DateTime.now, (now) => Ref.set(askedAt, now)),
        request(currencies)
      ),
      Effect.fnUntraced(function* (response) {
        const quotes = yield* Effect.fromResult(read(response, { pivot, currencies }))
        const observedAt = yield* Ref.get(askedAt)
        const answer = { provider: name, pivot, observedAt, longestAge, raw: response.body, quotes }
        return RateTable.make(answer, entropy)
      })
    )
    yield* Ref.set(latest, Option.some(table))
    return table
  })

  /** One request at a time, whose outcome all share who ask for it meanwhile. */
  const flight = yield* Cache.makeWith<"table", RateTable.RateTable, ProviderReason>(() => ask, {
    capacity: 1,
    // How long a table serves is told by its age.
    timeToLive: (exit) => (Exit.isSuccess(exit) ? Duration.zero : FAILURE_REUSE)
  })

  const tableWithin = Effect.fnUntraced(function* (maxAge: Duration.Duration) {
    const known = yield* Ref.get(latest)
    if (Option.isSome(known)) {
      const age = DateTime.distance(known.value.observedAt, yield* DateTime.now)
      if (Duration.isLessThanOrEqualTo(age, maxAge)) return known.value
    }
    return yield* Cache.get(flight, "table")
  })

  const recent = Effect.fn("TableSource.recent")(function* (pair: CurrencyPair, maxAge: Duration.Duration) {
    yield* Effect.annotateCurrentSpan({ pair: pair.key, provider: name })
    return yield* tableWithin(maxAge).pipe(
      Effect.flatMap((table) => Effect.fromResult(RateTable.tickOf(table, pair))),
      Effect.mapError((reason) => new ProviderError({ provider: name, pair, reason }))
    )
  })

  return { name, rate: (pair) => recent(pair, reuse()), recent } satisfies RateSource["Service"]
})
