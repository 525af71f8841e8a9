import { Context, Effect, Layer } from "effect"
import type { TooManyAttempts } from "../../domain/accounts/Login.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"

/** An attempt that could be a guess, or part of a flood. */
export interface Attempt {
  readonly kind: "login" | "register" | "refresh" | "mfa" | "password"
  readonly address: string
  /** Name or id of the account, as far as the caller says it. Absent for `register` and `refresh`. */
  readonly account?: string
}

/** Limits attempts per account, per address and in total. `LoginLimits` implements it. */
export class AttemptLimits extends Context.Service<
  AttemptLimits,
  {
    /** Fails if the attempt is not allowed now. Called before anything expensive. */
    readonly admit: (attempt: Attempt) => Effect.Effect<void, TooManyAttempts | StoreUnavailable>
    /** Records the outcome of an admitted attempt: failures count, a success resets the account. */
    readonly record: (
      attempt: Attempt,
      outcome: "success" | "failure"
    ) => Effect.Effect<void, StoreUnavailable>
    /** Number of recent logins of an account that failed, also if one succeeded since. */
    readonly failuresOf: (account: string) => Effect.Effect<number, StoreUnavailable>
  }
>()("effex/accounts/login/AttemptLimits") {
  /** Allows everything. */
  static readonly layerNone = Layer.succeed(AttemptLimits, {
    admit: () => Effect.void,
    record: () => Effect.void,
    failuresOf: () => Effect.succeed(0)
  })
}
