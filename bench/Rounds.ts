import { Console, Effect, Option } from "effect"
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
  const { rounds } = yield* Plan
  const valid: Array<Record<Name, A>> = []
  for (let round = 1; round <= rounds; round++) {
    yield* Console.log(`${work}: round ${round} of ${rounds}`)
    const found = yield* Effect.asSome(inTurn(subjects)).pipe(
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

/** Each subject once, one after the other. */
const inTurn = <Name extends string, A, E, R>(subjects: Readonly<Record<Name, Effect.Effect<A, E, R>>>) =>
  Effect.forEach(Object.entries<Effect.Effect<A, E, R>>(subjects), ([name, subject]) =>
    Effect.map(subject, (found) => [name, found] as const)
  ).pipe(Effect.map((found) => Object.fromEntries(found) as Record<Name, A>))
