import { Schema } from "effect"
import { Reason } from "./Reason.ts"

/** Query of a change whose body is the complete new state. The reason is recorded with the action. */
export const reasonQuery = { reason: Schema.optionalKey(Reason) }
