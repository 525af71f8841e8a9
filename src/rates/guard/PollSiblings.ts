import { Deferred, Duration, Effect } from "effect"
import type { AssetPair } from "../../domain/money/AssetPair.ts"

/** Time after which a suspicious tick is judged without the other pairs of its poll. */
const MAX_SIBLING_WAIT = Duration.minutes(1)

/**
 * The other pairs of the poll of a tick. A suspicious tick waits for them, because one rate out of line with the
 * previous poll may be a move of its currency, which the other pairs share.
 */
export interface PollSiblings {
  /** Reports that the provider's answer for the pair has arrived, or that there is none. */
  readonly arrive: (pair: AssetPair) => Effect.Effect<void>
  /** Waits for all pairs, for at most a minute. */
  readonly awaitAll: Effect.Effect<void>
}

/** A tick that was fetched on its own. */
export const none: PollSiblings = { arrive: () => Effect.void, awaitAll: Effect.void }

export const make = (pairs: ReadonlyArray<AssetPair>): Effect.Effect<PollSiblings> =>
  Effect.map(Deferred.make<void>(), (all) => {
    const missing = new Set(pairs.map(({ key }) => key))
    return {
      arrive: ({ key }) =>
        Effect.suspend(() => {
          missing.delete(key)
          return missing.size === 0 ? Effect.asVoid(Deferred.succeed(all, undefined)) : Effect.void
        }),
      awaitAll: Effect.asVoid(Effect.timeoutOption(Deferred.await(all), MAX_SIBLING_WAIT))
    }
  })
