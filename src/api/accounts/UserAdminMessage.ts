import { Schema } from "effect"
import { Role } from "../../domain/accounts/User.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import * as PageMessage from "../PageMessage.ts"
import { Reason } from "../Reason.ts"
import { UserMessage } from "./AccountMessage.ts"

export const ManagedUserMessage = Schema.Struct({
  ...UserMessage.fields,
  /** Null if the user is not locked. */
  locked_at: Schema.NullOr(TimestampText)
}).annotate({ identifier: "ManagedUser" })

export const ManagedUserPage = Schema.Struct(PageMessage.page(ManagedUserMessage)).annotate({
  identifier: "ManagedUserPage"
})

export const ReasonBody = Schema.Struct({ reason: Reason }).annotate({ identifier: "Reason" })

export const RoleBody = Schema.Struct({ role: Role, reason: Reason }).annotate({ identifier: "RoleChange" })

export const AdminActionMessage = Schema.Struct({
  id: Schema.String,
  at: TimestampText,
  /** `user:<id>` of an administrator, the id of an API key, or `cli:<name>`. */
  principal: Schema.String,
  action: Schema.String,
  /** Subject of the action, such as the id of a user. */
  subject: Schema.String,
  reason: Schema.NullOr(Schema.String),
  details: Schema.Record(Schema.String, Schema.Unknown)
}).annotate({ identifier: "AdminAction" })

export const AdminActionPage = Schema.Struct(PageMessage.page(AdminActionMessage)).annotate({
  identifier: "AdminActionPage"
})
