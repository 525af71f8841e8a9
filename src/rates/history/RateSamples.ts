import { BigDecimal, Context, DateTime, Duration, Effect, Fiber, Layer } from "effect"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import * as SingleFlight from "../../platform/SingleFlight.ts"
import { RateSampleRepo } from "./RateSampleRepo.ts"

/** Rates of the last 24 hours at equal distances. */
export interface DaySamples {
  /** Oldest first: 24 hours ago, … */
  readonly times: ReadonlyArray<DateTime.Utc>
  /** Rates at those times, by pair key. Null where none is known. */
  readonly byPair: ReadonlyMap<string, ReadonlyArray<BigDecimal.BigDecimal | null>>
}

/** Age at which samples are read again. */
const MAX_AGE = Duration.minutes(1)
const DAY_MILLIS = Duration.toMillis(Duration.hours(24))
/** Number of sets of samples in memory. The oldest is evicted first. */
const MAX_SETS = 200
/** Decimals of a change. */
const CHANGE_DECIMALS = 6

const make = Effect.gen(function* () {
  const repo = yield* RateSampleRepo
  const singleFlight = yield* SingleFlight.make<DaySamples, never>()
  const sets = new Map<string, { readonly samples: DaySamples; readonly readAt: number }>()

  const read = Effect.fnUntraced(function* (key: string, pairs: ReadonlyArray<AssetPair>, points: number) {
    const now = DateTime.toEpochMillis(yield* DateTime.now)
    // The last point is the latest rate, which the caller has.
    const times = Array.from({ length: points - 1 }, (_, index) =>
      DateTime.makeUnsafe(Math.round(now - DAY_MILLIS + (index * DAY_MILLIS) / (points - 1)))
    )
    const rates = yield* repo.samples(pairs, times)
    const byPair = new Map(pairs.map((pair, index) => [pair.key, rates[index] ?? []]))
    const samples: DaySamples = { times, byPair }
    sets.delete(key)
    sets.set(key, { samples, readAt: yield* MonotonicClock.millis })
    const [oldest] = sets.keys()
    if (sets.size > MAX_SETS && oldest !== undefined) sets.delete(oldest)
    return samples
  })

  const ofDay: RateSamples["Service"]["ofDay"] = Effect.fn("RateSamples.ofDay")(
    function* (name, pairs, points) {
      const key = `${name} ${points}`
      const known = sets.get(key)
      if (known !== undefined && (yield* MonotonicClock.millis) - known.readAt < Duration.toMillis(MAX_AGE))
        return known.samples
      const reading = read(key, pairs, points).pipe(
        Effect.catchTag("StoreUnavailable", () => Effect.succeed(known?.samples ?? NONE))
      )
      return yield* Effect.flatMap(singleFlight(key, reading), Fiber.join)
    }
  )

  return RateSamples.of({ ofDay })
})

const NONE: DaySamples = { times: [], byPair: new Map() }

/** Returns the change from the first sample of a pair to its latest rate, as a fraction. Null if the sample is unknown. */
export const changeOf = (
  { byPair }: DaySamples,
  pair: AssetPair,
  latest: BigDecimal.BigDecimal
): string | null => {
  const before = byPair.get(pair.key)?.[0] ?? null
  if (before === null) return null
  const change = BigDecimal.subtract(Decimal.quotient(latest, before), ONE)
  return Decimal.format(BigDecimal.round(change, { scale: CHANGE_DECIMALS, mode: "half-even" }))
}

const ONE = BigDecimal.make(1n, 0)

/** Rates of the last 24 hours, cached for a minute. */
export class RateSamples extends Context.Service<
  RateSamples,
  {
    /**
     * Returns the rates of pairs at `points - 1` times: the first is 24 hours ago, and the last point is now, which is not
     * included. `name` identifies the set of pairs in the cache. While the database is unavailable, the samples are older
     * or empty.
     */
    readonly ofDay: (
      name: string,
      pairs: ReadonlyArray<AssetPair>,
      points: number
    ) => Effect.Effect<DaySamples>
  }
>()("effex/rates/history/RateSamples") {
  static readonly layer = Layer.effect(RateSamples, make).pipe(Layer.provide(RateSampleRepo.layer))
}
