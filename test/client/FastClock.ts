import { Effect } from "effect"
import { TestClock } from "effect/testing"

const STEP = "50 millis"
const REAL_MILLIS_PER_STEP = 2

const waitRealMillis = (millis: number) =>
  Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, millis)))

/**
 * Runs the TestClock about 25 times faster than real time while the scope is open. Backoffs and timeouts pass quickly,
 * but sockets still have real time to respond.
 */
export const start = waitRealMillis(REAL_MILLIS_PER_STEP).pipe(
  Effect.andThen(TestClock.adjust(STEP)),
  Effect.forever,
  Effect.forkScoped
)
