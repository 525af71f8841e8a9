import { Clock, Duration, Effect, Exit, Option, type Scope } from "effect"
import type { Count, Options, Outcome } from "./RedisRateLimiter.ts"

/**
 * Of what is left to a caller, the part that a node may give out before Redis has counted it: with as many nodes as this,
 * all of them at once give out no more than there is.
 */
const PART = 16
/** How long what Redis said is taken to hold. */
const HOLDS_MILLIS = 1_000
/** How many callers are remembered. */
const MOST = 10_000

/** What is left to a caller, as Redis said last. */
interface Balance {
  remaining: number
  resetAfterMillis: number
  /** When it said so. */
  at: number
  /** How much was given out since, and is still being counted. */
  ahead: number
}

/**
 * Lets callers who have much left go on while Redis counts them, which takes as long as all the rest of what they ask for.
 * Whoever comes near the limit waits for Redis.
 */
export const make = Effect.fnUntraced(function* (count: Count): Effect.fn.Return<Count, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const balances = new Map<string, Balance>()

  const giveOut = ({ key, limit, window }: Options, requests: number): ReadonlyArray<Outcome> | undefined => {
    const balance = balances.get(key)
    if (balance === undefined) return undefined
    const since = clock.currentTimeMillisUnsafe() - balance.at
    if (since > HOLDS_MILLIS || balance.ahead + requests > balance.remaining / PART) return undefined
    const every = Duration.toMillis(window) / limit
    return Array.from({ length: requests }, () => {
      balance.ahead++
      const resetAfter = balance.resetAfterMillis + balance.ahead * every - since
      return Exit.succeed(
        Option.some({
          remaining: balance.remaining - balance.ahead,
          resetAfter: Duration.millis(Math.max(0, resetAfter))
        })
      )
    })
  }

  const learn = ({ key }: Options, outcomes: ReadonlyArray<Outcome>, givenOut: number) => {
    // Nothing is ahead of one that was forgotten meanwhile.
    const ahead = Math.max(0, (balances.get(key)?.ahead ?? 0) - givenOut)
    balances.delete(key)
    const last = outcomes.at(-1)
    const left = last !== undefined && Exit.isSuccess(last) ? Option.getOrUndefined(last.value) : undefined
    // Where it was too much, or is not counted, nothing is given out.
    if (left === undefined && ahead === 0) return
    balances.set(key, {
      remaining: left?.remaining ?? 0,
      resetAfterMillis: left === undefined ? 0 : Duration.toMillis(left.resetAfter),
      at: clock.currentTimeMillisUnsafe(),
      ahead
    })
    const [oldest] = balances.keys()
    if (balances.size > MOST && oldest !== undefined) balances.delete(oldest)
  }

  return (options, requests) =>
    Effect.suspend(() => {
      const given = giveOut(options, requests)
      const counted = Effect.map(count(options, requests), (outcomes) => {
        learn(options, outcomes, given === undefined ? 0 : requests)
        return outcomes
      })
      return given === undefined
        ? counted
        : Effect.as(Effect.forkIn(counted, scope, { startImmediately: true }), given)
    })
})
