import { DateTime } from "effect"
import type { SecurityEventMessage } from "../../../api/accounts/SecurityEventMessage.ts"
import type { SecurityEvent } from "../../../domain/accounts/SecurityEvent.ts"

/** Converts a security event to a message. */
export const securityEventFields = ({ at, event, number, session }: SecurityEvent): SecurityEventMessage => ({
  number: Number(number),
  event,
  session,
  created_at: DateTime.formatIso(at)
})
