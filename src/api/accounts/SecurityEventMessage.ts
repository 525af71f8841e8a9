import { Schema } from "effect"
import { SessionId } from "../../domain/accounts/Session.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import * as PageMessage from "../PageMessage.ts"

/** Event in the history of an account. */
export const SecurityEventMessage = Schema.Struct({
  /** Counts the events of the user from 1. */
  number: Schema.Int,
  /**
   * `signed-in`, `signed-out`, `session-ended`, `refresh-token-reused`, `password-changed`, `mfa-enabled`, `mfa-disabled`,
   * `recovery-codes-renewed`, `recovery-code-used`, `locked`, `unlocked` or `role-changed`. Later versions add kinds.
   */
  event: Schema.String,
  /** The session that was opened or ended, or that made the change. Null if all sessions ended, or no session did it. */
  session: Schema.NullOr(SessionId),
  created_at: TimestampText
}).annotate({ identifier: "SecurityEvent" })
export type SecurityEventMessage = typeof SecurityEventMessage.Type

export const SecurityEventsPage = Schema.Struct(PageMessage.page(SecurityEventMessage)).annotate({
  identifier: "SecurityEventsPage"
})
