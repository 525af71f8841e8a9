import { DateTime, Effect, Layer, Option } from "effect"
import { QuarantineId } from "../../src/domain/rates/QuarantinedRate.ts"
import { isNewer, type Rate, type RateTick } from "../../src/domain/rates/Rate.ts"
import * as RateIds from "../../src/domain/rates/RateIds.ts"
import { StoreUnavailable } from "../../src/platform/postgres/StoreUnavailable.ts"
import { RateLevelRepo } from "../../src/rates/guard/RateLevelRepo.ts"
import { QuarantineDecisionRepo } from "../../src/rates/guard/QuarantineDecisionRepo.ts"
import { QuarantineRepo } from "../../src/rates/guard/QuarantineRepo.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"

/**
 * Behavior of the database. `healthy` and `slow` execute a statement and answer; `down` does not execute it; `lossy`
 * executes it but the answer is lost.
 */
export type StoreMode = "healthy" | "slow" | "down" | "lossy"

const DELAY = "700 millis"

/** Creates a database in memory. It outlives the simulated processes. */
export const make = () => {
  const rates: Array<Rate> = []
  let mode: StoreMode = "healthy"
  let quarantinedCount = 0

  const unavailable = Effect.suspend(() => Effect.fail(new StoreUnavailable({ cause: mode })))

  /** Executes a statement according to the mode. */
  const within = <A>(statement: Effect.Effect<A>): Effect.Effect<A, StoreUnavailable> =>
    Effect.suspend((): Effect.Effect<A, StoreUnavailable> => {
      if (mode === "healthy") return statement
      if (mode === "slow") return Effect.delay(statement, DELAY)
      return mode === "down" ? unavailable : Effect.andThen(statement, unavailable)
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
      levels: () =>
        within(
          Effect.succeed({
            all: Option.none(),
            own: Option.none(),
            fallback: Option.none(),
            accepted: Option.none()
          })
        ),
      currencyDecisions: () => within(Effect.succeed([])),
      unchangedSince: () => within(Effect.succeedNone)
    }),
    Layer.mock(QuarantineDecisionRepo, {}),
    Layer.mock(QuarantineRepo, {
      latestOfProvider: () => within(Effect.succeedNone),
      insert: ({ tick }) =>
        within(
          Effect.map(DateTime.now, (now) =>
            QuarantineId.make(RateIds.make(tick.observedAt, now, quarantinedCount++))
          )
        )
    })
  )

  return {
    layer,
    rates,
    latest,
    setMode: (next: StoreMode) => {
      mode = next
    },
    /** Stores a rate on behalf of another process. */
    storeFromOtherProcess: store
  }
}

export type MemoryRates = ReturnType<typeof make>
