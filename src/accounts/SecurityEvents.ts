import { Context, Effect, Layer } from "effect"
import type { SessionId } from "../domain/accounts/Session.ts"
import type { UserId } from "../domain/accounts/User.ts"

/** A change of the account that the user is notified of, because an attacker may have made it. */
export interface SecurityEvent {
  readonly type: "security"
  readonly event:
    | "signed-in"
    | "signed-out"
    | "session-ended"
    | "refresh-token-reused"
    | "password-changed"
    | "mfa-enabled"
    | "mfa-disabled"
    | "recovery-codes-renewed"
    | "recovery-code-used"
    | "locked"
    | "unlocked"
    | "role-changed"
  readonly session?: SessionId
}

/** Publishes security events to the devices of a user, after the commit. Never fails: an event is no part of the change. */
export class SecurityEvents extends Context.Service<
  SecurityEvents,
  { readonly publish: (user: UserId, event: SecurityEvent) => Effect.Effect<void> }
>()("effex/accounts/SecurityEvents") {
  static readonly layerNone = Layer.succeed(SecurityEvents, { publish: () => Effect.void })
}
