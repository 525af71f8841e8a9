import { Effect, Layer } from "effect"
import { Database } from "../../src/platform/postgres/Database.ts"
import { StoreUnavailable } from "../../src/platform/postgres/StoreUnavailable.ts"

/** Fault of a database call: `down` does not execute it; `lossy` executes it, but the reply is lost. */
export type DatabaseFault = "down" | "lossy"

/** Creates a fault injector for the calls of a real database. */
export const make = () => {
  let fault: DatabaseFault | undefined
  let callsBefore = 0

  const within = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E | StoreUnavailable, R> =>
    Effect.suspend((): Effect.Effect<A, E | StoreUnavailable, R> => {
      if (fault === undefined || callsBefore-- > 0) return call
      const injected = fault
      fault = undefined
      const lost = Effect.fail(new StoreUnavailable({ cause: injected }))
      return injected === "down" ? lost : Effect.andThen(call, lost)
    })

  const wrap = (database: Database["Service"]) =>
    Database.of({
      ...database,
      execute: (statements) => within(database.execute(statements)),
      tryExecute: (statements) => within(database.tryExecute(statements)),
      pipeline: (statement) => within(database.pipeline(statement)),
      read: (statements) => within(database.read(statements)),
      transaction: (work) => within(database.transaction(work))
    })

  return {
    layer: Layer.effect(Database, Effect.map(Database, wrap)).pipe(Layer.provideMerge(Database.layer)),
    /** Injects a fault into one call, after a number of calls that succeed. */
    failNext: (next: DatabaseFault, after: number) => {
      fault = next
      callsBefore = after
    },
    /** Removes a fault that no call has met. */
    heal: () => {
      fault = undefined
    }
  }
}
