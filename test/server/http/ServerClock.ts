import { Clock, Context, type Duration, Effect, Layer, type Scope } from "effect"
import * as SkewedClock from "../../support/SkewedClock.ts"

/** The clock of a test server, which can be set forward so that rates become stale without a wait. */
export class ServerClock extends Context.Service<
  ServerClock,
  {
    readonly setForward: (by: Duration.Input) => Effect.Effect<void>
    /** Stops the clock until the scope closes, so that nothing expires before `setForward`, however long the test takes. */
    readonly stop: Effect.Effect<void, never, Scope.Scope>
  }
>()("effex/test/ServerClock") {
  /** Starts a month in the past: the database rejects rates from its future. */
  static readonly layer = ServerClock.layerBehind("30 days")

  /** Starts at the current time. */
  static readonly layerNow = ServerClock.layerBehind("0 days")

  static layerBehind(skew: Duration.Input) {
    return Layer.effectContext(
      Effect.gen(function* () {
        const { clock, setForward, setTimeOfDay, stop } = yield* SkewedClock.make
        yield* setTimeOfDay(skew, "behind")
        return Context.make(ServerClock, { setForward, stop }).pipe(Context.add(Clock.Clock, clock))
      })
    )
  }
}

export const setForward = (by: Duration.Input) => Effect.flatMap(ServerClock, (clock) => clock.setForward(by))
