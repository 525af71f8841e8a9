import { Clock, Context, type Duration, Effect, Layer } from "effect"
import * as SkewedClock from "../../support/SkewedClock.ts"

/** The clock of a test server, which can be set forward so that rates become stale without a wait. */
export class ServerClock extends Context.Service<
  ServerClock,
  { readonly setForward: (by: Duration.Input) => Effect.Effect<void> }
>()("effex/test/ServerClock") {
  static readonly layer = Layer.effectContext(
    Effect.map(SkewedClock.make, ({ clock, setForward }) =>
      Context.make(ServerClock, { setForward }).pipe(Context.add(Clock.Clock, clock))
    )
  )
}

export const setForward = (by: Duration.Input) => Effect.flatMap(ServerClock, (clock) => clock.setForward(by))
