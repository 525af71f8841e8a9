import { DateTime, Duration, Effect, Exit, Semaphore } from "effect"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import type { ProviderReason } from "../ProviderError.ts"

/** Time during which a failure is returned to all callers: a failing provider gets one request, not one per asset. */
const FAILURE_REUSE_MILLIS = 1000

/** A response that many callers share. */
export interface SharedResponse<A> {
  /**
   * Returns the last response if it is at most `maxAge` old, and requests a new one otherwise. Callers that arrive during a
   * request share its outcome.
   */
  readonly within: (maxAge: Duration.Duration) => Effect.Effect<A, ProviderReason>
  /** The last response. */
  readonly latest: () => A | undefined
}

/** Shares the responses of `request`. */
export const make = <A extends { readonly observedAt: DateTime.Utc }>(
  request: Effect.Effect<A, ProviderReason>
): SharedResponse<A> => {
  const semaphore = Semaphore.makeUnsafe(1)
  let latest: A | undefined
  let outcomes = 0
  let last: { readonly exit: Exit.Exit<A, ProviderReason>; readonly at: number } | undefined

  const isRecent = (found: A, maxAge: Duration.Duration, now: DateTime.Utc) =>
    // The age is negative if the clock was set back.
    Duration.between(DateTime.distance(found.observedAt, now), { minimum: Duration.zero, maximum: maxAge })

  const requestShared = Effect.fnUntraced(function* (maxAge: Duration.Duration, seen: number) {
    if (outcomes > seen && last !== undefined) return yield* last.exit
    const isFailing = last !== undefined && Exit.isFailure(last.exit)
    if (last !== undefined && isFailing && (yield* MonotonicClock.millis) - last.at < FAILURE_REUSE_MILLIS)
      return yield* last.exit
    if (latest !== undefined && isRecent(latest, maxAge, yield* DateTime.now)) return latest
    const exit = yield* Effect.exit(request)
    last = { exit, at: yield* MonotonicClock.millis }
    outcomes++
    if (Exit.isSuccess(exit)) latest = exit.value
    return yield* exit
  })

  return {
    within: (maxAge) =>
      Effect.suspend(() => {
        const seen = outcomes
        return Effect.flatMap(DateTime.now, (now) =>
          latest !== undefined && isRecent(latest, maxAge, now)
            ? Effect.succeed(latest)
            : semaphore.withPermit(requestShared(maxAge, seen))
        )
      }),
    latest: () => latest
  }
}
