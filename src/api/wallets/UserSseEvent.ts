import { Schema } from "effect"
import { SecurityEventMessage } from "../accounts/SecurityEventMessage.ts"
import { OrderMessage } from "../orders/OrderMessage.ts"
import { event, HeartbeatData } from "../SseEvent.ts"
import { TransactionMessage } from "./TransactionMessage.ts"
import { balancesFields, gapFields } from "./UserEventMessage.ts"
import { BalanceMessage } from "./WalletMessage.ts"

/**
 * The server-sent events of a user. The id of an event is the position after it. In the OpenAPI document, a schema with an
 * identifier would be replaced by its JSON text everywhere.
 */
export const UserSseEvent = Schema.Union([
  event("snapshot", Schema.Struct(balancesFields)),
  event("balance", Schema.Struct(BalanceMessage.fields)),
  event("transaction", Schema.Struct(TransactionMessage.fields)),
  event("order", Schema.Struct(OrderMessage.fields)),
  event("security", Schema.Struct(SecurityEventMessage.fields)),
  event("gap", Schema.Struct(gapFields)),
  event("heartbeat", HeartbeatData)
])
