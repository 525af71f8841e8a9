import { Context, Effect, Layer } from "effect"
import type { Movement, MovementDenied } from "../domain/wallets/Movement.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

/** The place for rules that a movement must pass before it is posted. */
export class MovementCheck extends Context.Service<
  MovementCheck,
  {
    /** Fails if a rule refuses the movement. Runs inside the transaction that posts it, where there is one. */
    readonly check: (movement: Movement) => Effect.Effect<void, MovementDenied | StoreUnavailable>
  }
>()("effex/wallets/MovementCheck") {
  static readonly layerAllow = Layer.succeed(MovementCheck, { check: () => Effect.void })
}
