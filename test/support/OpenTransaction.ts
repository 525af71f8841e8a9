import { Deferred, Effect, Fiber } from "effect"
import { Database } from "../../src/platform/postgres/Database.ts"

/**
 * Runs an effect while a transaction is open that has run the statements `before`. The transaction then runs the statements `after`,
 * and commits.
 */
export const during = Effect.fnUntraced(function* <A, E, R, E1, R1, E2 = never, R2 = never>(
  before: Effect.Effect<unknown, E1, R1>,
  effect: Effect.Effect<A, E, R>,
  after: Effect.Effect<unknown, E2, R2> = Effect.void
) {
  const { sql } = yield* Database
  const [isOpen, isDone] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
  const transaction = yield* before.pipe(
    Effect.andThen(Deferred.succeed(isOpen, undefined)),
    Effect.andThen(Deferred.await(isDone)),
    Effect.andThen(after),
    sql.withTransaction,
    Effect.forkChild
  )
  yield* Effect.raceFirst(Deferred.await(isOpen), Fiber.join(transaction))
  const result = yield* effect
  yield* Deferred.succeed(isDone, undefined)
  yield* Fiber.join(transaction)
  return result
})
