import { Schema } from "effect"
import { EventPositionText } from "../../domain/wallets/EventPosition.ts"
import { SecurityEventMessage } from "../accounts/SecurityEventMessage.ts"
import { OrderMessage } from "../orders/OrderMessage.ts"
import { HeartbeatMessage } from "../rates/RateEventMessage.ts"
import { TransactionMessage } from "./TransactionMessage.ts"
import { BalanceMessage } from "./WalletMessage.ts"

/** Position after an event. Pass it as `since` to resume. */
const position = EventPositionText

/** All balances. Replaces all earlier ones. */
export const balancesFields = { balances: Schema.Array(BalanceMessage) }

/** Position of the last event that was received. */
export const gapFields = { since: EventPositionText }

/** An event of a user over RPC. */
export const UserEventMessage = Schema.Union([
  Schema.TaggedStruct("Snapshot", { position, ...balancesFields }),
  /** A balance, or what is held of it, has changed. */
  Schema.TaggedStruct("Balance", { position, balance: BalanceMessage }),
  Schema.TaggedStruct("Transaction", { position, transaction: TransactionMessage }),
  /** An order as it is now, after it was placed or its state has changed. May be repeated after a reconnect. */
  Schema.TaggedStruct("Order", { position, order: OrderMessage }),
  /** Left out for an API key that acts for the user. */
  Schema.TaggedStruct("Security", { position, event: SecurityEventMessage }),
  /** Events after `since` were skipped. A snapshot follows; `GET /api/v1/transactions` has the transactions. */
  Schema.TaggedStruct("Gap", { position, ...gapFields }),
  /** Sent every 15 seconds. */
  Schema.TaggedStruct("Heartbeat", HeartbeatMessage.fields)
])
export type UserEventMessage = typeof UserEventMessage.Type
