import { Cause, Duration, Effect, Exit, Fiber, Option, Predicate } from "effect"

/** What one check found. */
export interface Finding {
  /** What was looked at, such as `database`. */
  readonly check: string
  readonly status: "ok" | "warning" | "failed"
  readonly found: string
  /** What to do about it; null where nothing is to be done. */
  readonly advice: string | null
}

export const ok = (check: string, found: string): Finding => ({ check, status: "ok", found, advice: null })

export const warning = (check: string, found: string, advice: string): Finding => ({
  check,
  status: "warning",
  found,
  advice
})

export const failed = (check: string, found: string, advice: string): Finding => ({
  check,
  status: "failed",
  found,
  advice
})

/** How long one check may take. */
const PATIENCE = Duration.seconds(8)

/**
 * What a check found, or that it broke, in some seconds whatever happens: what hangs is left behind, together with its
 * resources.
 */
export const guarded = Effect.fnUntraced(function* <E, R>(
  check: string,
  advice: string,
  findings: Effect.Effect<ReadonlyArray<Finding>, E, R>
) {
  const fiber = yield* Effect.forkDetach(findings, { startImmediately: true })
  const exit = yield* Effect.timeoutOption(Fiber.await(fiber), PATIENCE)
  if (Option.isSome(exit) && Exit.isSuccess(exit.value)) return exit.value.value
  yield* Effect.forkDetach(Fiber.interrupt(fiber))
  const found = Option.match(exit, {
    onNone: () => `nothing within ${Duration.format(PATIENCE)}`,
    onSome: (ended) => (Exit.isFailure(ended) ? reasonOf(Cause.squash(ended.cause)) : "")
  })
  return [failed(check, found, advice)]
})

/** The innermost message of an error, which is the one that says most. */
export const reasonOf = (error: unknown): string => {
  if (Predicate.hasProperty(error, "reason") && Predicate.isObject(error.reason))
    return reasonOf(error.reason)
  if (Predicate.hasProperty(error, "cause") && error.cause !== undefined) return reasonOf(error.cause)
  if (!(error instanceof Error)) return String(error)
  // Of several addresses that were tried, each has an error, and all together have no message.
  if (error instanceof AggregateError && error.message === "") return reasonOf(error.errors[0])
  return error.message === "" ? error.name : error.message
}

/** How far a clock may be from the one of this machine without harm, and how far at the very most. */
const NOTICEABLE_MILLIS = 2000
const HARMFUL_MILLIS = 30_000

/** What to say of a clock that differs by so many milliseconds from the one of this machine. */
export const clock = (check: string, whose: string, difference: number): Finding => {
  const found = `${whose} differs from this machine's by ${Math.abs(Math.round(difference))} ms`
  const advice = "Have both kept by NTP: ages and ends of rates, quotes and keys are told by them"
  if (Math.abs(difference) > HARMFUL_MILLIS) return failed(check, found, advice)
  return Math.abs(difference) > NOTICEABLE_MILLIS ? warning(check, found, advice) : ok(check, found)
}
