import { DateTime, Effect, Layer, Option } from "effect"
import { QuarantineId } from "../../src/domain/rates/QuarantinedRate.ts"
import { isNewer, type Rate, type RateTick } from "../../src/domain/rates/Rate.ts"
import * as RateIds from "../../src/domain/rates/RateIds.ts"
import { StoreUnavailable } from "../../src/platform/postgres/Database.ts"
import { RateLevelRepo } from "../../src/rates/guard/RateLevelRepo.ts"
import { QuarantineRepo } from "../../src/rates/guard/QuarantineRepo.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"

/** What becomes of a statement: it is done and answered, at once or late, not done, or done and nobody told. */
export type StoreMood = "well" | "slow" | "gone" | "mute"

const SLOW = "700 millis"

/** A database in memory, which outlives the processes that use it. */
export const make = () => {
  const rates: Array<Rate> = []
  let mood: StoreMood = "well"
  let aside = 0

  const unavailable = Effect.suspend(() => Effect.fail(new StoreUnavailable({ cause: mood })))

  /** Does something, as far as the mood of the store lets it. */
  const within = <A>(statement: Effect.Effect<A>): Effect.Effect<A, StoreUnavailable> =>
    Effect.suspend((): Effect.Effect<A, StoreUnavailable> => {
      if (mood === "well") return statement
      if (mood === "slow") return Effect.delay(statement, SLOW)
      return mood === "gone" ? unavailable : Effect.andThen(statement, unavailable)
    })

  const store = Effect.fnUntraced(function* ({ observedAt, pair, provider, rate }: RateTick) {
    const id = RateIds.make(observedAt, yield* DateTime.now, rates.length)
    const stored: Rate = { id, pair, provider, rate, observedAt }
    rates.push(stored)
    return stored
  })

  const latest = (key: string): Rate | undefined =>
    rates
      .filter(({ pair }) => pair.key === key)
      .reduce<Rate | undefined>((a, b) => (a === undefined || isNewer(b, a) ? b : a), undefined)

  const layer = Layer.mergeAll(
    Layer.mock(RateRepo, {
      insert: (tick) => within(store(tick)),
      latest: ({ key }) => within(Effect.sync(() => Option.fromUndefinedOr(latest(key)))),
      latestAll: within(
        Effect.sync(() =>
          Array.from(new Set(rates.map(({ pair }) => pair.key))).flatMap((key) => latest(key) ?? [])
        )
      )
    }),
    Layer.mock(RateLevelRepo, {
      of: () =>
        within(Effect.succeed({ own: Option.none(), standIn: Option.none(), accepted: Option.none() })),
      unchangedSince: () => within(Effect.succeedNone)
    }),
    Layer.mock(QuarantineRepo, {
      lastPutAside: () => within(Effect.succeedNone),
      put: ({ tick }) =>
        within(
          Effect.map(DateTime.now, (now) => QuarantineId.make(RateIds.make(tick.observedAt, now, aside++)))
        )
    })
  )

  return {
    layer,
    rates,
    latest,
    mood: () => mood,
    be: (next: StoreMood) => {
      mood = next
    },
    /** Stores a rate as another process does. */
    storeElsewhere: store,
    putAside: () => aside
  }
}

export type MemoryRates = ReturnType<typeof make>
