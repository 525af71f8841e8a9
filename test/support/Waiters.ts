import { assert } from "@effect/vitest"
import { Effect } from "effect"

/** Time after which a wait fails, in milliseconds of real time. It only ends tests that hang, also on a busy machine. */
export const TIMEOUT_MILLIS = 120_000

const timeoutMessage = (description: string, timeoutMillis: number) =>
  `no ${description} within ${timeoutMillis} ms`

/** Lets tests wait for a condition that is checked on every `notify`. */
export const make = () => {
  const checks = new Set<() => void>()
  return {
    notify: () => {
      for (const check of Array.from(checks)) check()
    },
    until: <A>(description: string, find: () => A | undefined) =>
      Effect.callback<A>((resume) => {
        const check = () => {
          const found = find()
          if (found === undefined) return
          stop()
          resume(Effect.succeed(found))
        }
        const timer = setTimeout(() => {
          stop()
          resume(Effect.sync(() => assert.fail(timeoutMessage(description, TIMEOUT_MILLIS))))
        }, TIMEOUT_MILLIS)
        const stop = () => {
          clearTimeout(timer)
          checks.delete(check)
        }
        checks.add(check)
        check()
        return Effect.sync(stop)
      })
  }
}

/** Repeats an effect until it returns a value, for conditions without an event. Does not advance a test clock. */
export const eventuallyFrom = Effect.fnUntraced(function* <A, E, R>(
  description: string,
  find: Effect.Effect<A | undefined, E, R>,
  timeoutMillis = TIMEOUT_MILLIS
) {
  const startedAt = performance.now()
  for (;;) {
    const found = yield* find
    if (found !== undefined) return found
    if (performance.now() - startedAt > timeoutMillis)
      return assert.fail(timeoutMessage(description, timeoutMillis))
    yield* pause
  }
})

/** Polls until `find` returns a value, for conditions without an event. Does not advance a test clock. */
export const eventually = <A>(description: string, find: () => A | undefined, timeoutMillis?: number) =>
  eventuallyFrom(description, Effect.sync(find), timeoutMillis)

const pause = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 2)))
