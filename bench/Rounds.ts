import { Console, Duration, Effect, Option } from "effect"
import { InvalidRound } from "./load/InvalidRound.ts"
import { Plan } from "./Plan.ts"
import { ProcessFailed } from "./Processes.ts"

/**
 * Measures several subjects in turns, A B A B, as often as the plan says. A round in which one of them is invalid is
 * told, and left out whole.
 */
export const inTurns = Effect.fnUntraced(function* <Name extends string, A, R>(
  work: string,
  subjects: Readonly<Record<Name, Effect.Effect<A, InvalidRound | ProcessFailed, R>>>
) {
  const { rounds, seconds } = yield* Plan
  const deadline = Duration.sum(GRACE, Duration.seconds(seconds))
  const valid: Array<Record<Name, A>> = []
  for (let round = 1; round <= rounds; round++) {
    yield* Console.log(`${work}: round ${round} of ${rounds}`)
    const found = yield* Effect.asSome(inTurn(subjects, deadline)).pipe(
      Effect.catchIf(
        (error) => error instanceof InvalidRound,
        (error) => Effect.as(Console.log(`  invalid: ${error.message}`), Option.none<Record<Name, A>>())
      )
    )
    if (Option.isSome(found)) valid.push(found.value)
  }
  if (valid.length === 0) return yield* new ProcessFailed({ program: work, detail: "no round was valid" })
  return valid
})

/** A machine on which the beginning and the end of a measurement take longer is too slow, or has too much else to do. */
const GRACE = Duration.minutes(2)

/** Each subject once, one after the other. */
const inTurn = <Name extends string, A, E, R>(
  subjects: Readonly<Record<Name, Effect.Effect<A, E, R>>>,
  deadline: Duration.Duration
) =>
  Effect.forEach(Object.entries<Effect.Effect<A, E, R>>(subjects), ([name, subject]) =>
    subject.pipe(
      Effect.map((found) => [name, found] as const),
      Effect.timeoutOrElse({
        duration: deadline,
        orElse: () =>
          Effect.fail(
            new ProcessFailed({ program: name, detail: `it took more than ${Duration.format(deadline)}` })
          )
      })
    )
  ).pipe(Effect.map((found) => Object.fromEntries(found) as Record<Name, A>))
