import { Cause, Duration, Effect, Exit, Fiber, Option } from "effect"
import { rootMessage } from "../../platform/RootCause.ts"

/** Result of one check. */
export interface CheckResult {
  /** Name of the check, such as `database`. */
  readonly check: string
  readonly status: "ok" | "warning" | "failed"
  readonly found: string
  /** Remedy. Null if the check passed. */
  readonly advice: string | null
}

export const ok = (check: string, found: string): CheckResult => ({
  check,
  status: "ok",
  found,
  advice: null
})

export const warning = (check: string, found: string, advice: string): CheckResult => ({
  check,
  status: "warning",
  found,
  advice
})

export const failed = (check: string, found: string, advice: string): CheckResult => ({
  check,
  status: "failed",
  found,
  advice
})

const CHECK_TIMEOUT = Duration.seconds(8)

/** Runs a check. A check that fails or times out is a failed result; a check that hangs is abandoned with its resources. */
export const runCheck = Effect.fnUntraced(function* <E, R>(
  check: string,
  advice: string,
  results: Effect.Effect<ReadonlyArray<CheckResult>, E, R>
) {
  const fiber = yield* Effect.forkDetach(results, { startImmediately: true })
  const exit = yield* Effect.timeoutOption(Fiber.await(fiber), CHECK_TIMEOUT)
  if (Option.isSome(exit) && Exit.isSuccess(exit.value)) return exit.value.value
  yield* Effect.forkDetach(Fiber.interrupt(fiber))
  const found = Option.match(exit, {
    onNone: () => `no response within ${Duration.format(CHECK_TIMEOUT)}`,
    onSome: (ended) => (Exit.isFailure(ended) ? rootMessage(Cause.squash(ended.cause)) : "")
  })
  return [failed(check, found, advice)]
})

/** Clock differences that cause a warning and a failure. */
const WARNING_SKEW_MILLIS = 2000
const FAILURE_SKEW_MILLIS = 30_000

/** Checks the difference in milliseconds between another clock and the clock of this machine. */
export const clockResult = (check: string, subject: string, difference: number): CheckResult => {
  const found = `${subject} differs from this machine's by ${Math.abs(Math.round(difference))} ms`
  const advice =
    "Synchronize both clocks with NTP; effex uses the time of the database, and beyond MAX_CLOCK_SKEW a node refuses polls, conversions and quotes"
  if (Math.abs(difference) > FAILURE_SKEW_MILLIS) return failed(check, found, advice)
  return Math.abs(difference) > WARNING_SKEW_MILLIS ? warning(check, found, advice) : ok(check, found)
}
