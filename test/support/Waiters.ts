import { assert } from "@effect/vitest"
import { Effect } from "effect"

const TIMEOUT_MILLIS = 5_000

const timeoutMessage = (description: string, timeoutMillis: number) =>
  `no ${description} within ${timeoutMillis} ms`

/** Lets tests wait for a condition that is checked on every `notify`. The timeout is in real time. */
export const make = () => {
  const checks = new Set<() => void>()
  return {
    notify: () => {
      for (const check of Array.from(checks)) check()
    },
    until: <A>(description: string, find: () => A | undefined, timeoutMillis = TIMEOUT_MILLIS) =>
      Effect.callback<A>((resume) => {
        const check = () => {
          const found = find()
          if (found === undefined) return
          stop()
          resume(Effect.succeed(found))
        }
        const timer = setTimeout(() => {
          stop()
          resume(Effect.sync(() => assert.fail(timeoutMessage(description, timeoutMillis))))
        }, timeoutMillis)
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

/** Polls until `find` returns a value, for conditions without an event. */
export const eventually = Effect.fnUntraced(function* <A>(
  description: string,
  find: () => A | undefined,
  timeoutMillis = TIMEOUT_MILLIS
) {
  const startedAt = performance.now()
  for (;;) {
    const found = find()
    if (found !== undefined) return found
    if (performance.now() - startedAt > timeoutMillis)
      return assert.fail(timeoutMessage(description, timeoutMillis))
    yield* Effect.sleep("2 millis")
  }
})
