import type { DateTime } from "effect"
import type { SessionId } from "./Session.ts"

/** A change of an account that its user should know of, because an attacker may have made it. */
export interface NewSecurityEvent {
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
  /** The session that was opened or ended, or that made the change. Undefined if all sessions ended. */
  readonly session?: SessionId | undefined
}

/** A security event as it was recorded. Events of one user are numbered from 1, without gaps. */
export interface SecurityEvent {
  readonly number: bigint
  readonly at: DateTime.Utc
  /** Kind of the event, which may be one of a newer version. */
  readonly event: string
  readonly session: SessionId | null
}
