import { Clock, Context, type Duration, Effect, Layer } from "effect"
import * as SkewedClock from "../../support/SkewedClock.ts"

/**
 * The clock of a test server, which can be set forward so that rates become stale without a wait. It starts a month in the
 * past: the database rejects rates from its future.
 */
export class ServerClock extends Context.Service<
  ServerClock,
  {
    readonly setForward: (by: Duration.Input) => Effect.Effect<void>
    /** Stops the clock, so that nothing expires before `setForward`, however long the test takes. */
    readonly stop: Effect.Effect<void>
  }
>()("effex/test/ServerClock") {
  static readonly layer = Layer.effectContext(
    Effect.gen(function* () {
      const { clock, setForward, setTimeOfDay, stop } = yield* SkewedClock.make
      yield* setTimeOfDay("30 days", "behind")
      return Context.make(ServerClock, { setForward, stop }).pipe(Context.add(Clock.Clock, clock))
    })
  )
}

export const setForward = (by: Duration.Input) => Effect.flatMap(ServerClock, (clock) => clock.setForward(by))
