import { Schema } from "effect"

/** Identifies one conversion in the audit. A UUIDv7. */
export const AuditId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("AuditId"))
export type AuditId = typeof AuditId.Type
