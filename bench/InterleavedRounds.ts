import { Console, Duration, Effect, Option } from "effect"
import { InvalidRound } from "./load/InvalidRound.ts"
import { Plan } from "./Plan.ts"
import { ProcessFailed } from "./Processes.ts"

/**
 * Measures several subjects in interleaved rounds (A B A B), so that changing conditions affect all of them. A round with
 * an invalid result is logged and dropped as a whole.
 */
export const interleave = Effect.fnUntraced(function* <Name extends string, A, R>(
  workload: string,
  subjects: Readonly<Record<Name, Effect.Effect<A, InvalidRound | ProcessFailed, R>>>
) {
  const { rounds, seconds } = yield* Plan
  const timeout = Duration.sum(SETUP_TIMEOUT, Duration.seconds(seconds))
  const valid: Array<Record<Name, A>> = []
  for (let round = 1; round <= rounds; round++) {
    yield* Console.log(`${workload}: round ${round} of ${rounds}`)
    const results = yield* Effect.asSome(runRound(subjects, timeout)).pipe(
      Effect.catchIf(
        (error) => error instanceof InvalidRound,
        (error) => Effect.as(Console.log(`  invalid: ${error.message}`), Option.none<Record<Name, A>>())
      )
    )
    if (Option.isSome(results)) valid.push(results.value)
  }
  if (valid.length === 0) return yield* new ProcessFailed({ program: workload, detail: "no round was valid" })
  return valid
})

/** Time for the setup and the end of a measurement. */
const SETUP_TIMEOUT = Duration.minutes(2)

/** Measures each subject once, in sequence. */
const runRound = <Name extends string, A, E, R>(
  subjects: Readonly<Record<Name, Effect.Effect<A, E, R>>>,
  timeout: Duration.Duration
) =>
  Effect.forEach(Object.entries<Effect.Effect<A, E, R>>(subjects), ([name, subject]) =>
    subject.pipe(
      Effect.map((result) => [name, result] as const),
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () =>
          Effect.fail(
            new ProcessFailed({ program: name, detail: `no result within ${Duration.format(timeout)}` })
          )
      })
    )
  ).pipe(Effect.map((results) => Object.fromEntries(results) as Record<Name, A>))
