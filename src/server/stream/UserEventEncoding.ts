import { Effect } from "effect"
import type { UserEventMessage } from "../../api/wallets/UserEventMessage.ts"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import * as EventPosition from "../../domain/wallets/EventPosition.ts"
import type { UserEvent, WalletBalance } from "../../wallets/events/UserEvent.ts"
import { securityEventFields } from "../http/accounts/SecurityEventFields.ts"
import { orderFields } from "../http/orders/OrderFields.ts"
import { formatterOf, transactionFields } from "../http/wallets/TransactionFields.ts"
import * as WebSocketFrame from "../node/WebSocketFrame.ts"
import * as Sse from "./Sse.ts"

type EventMessage = Exclude<UserEventMessage, { readonly _tag: "Heartbeat" }>

/** Creates the function that converts an event to a message. */
export const make = Effect.map(AssetCatalog, (catalog) => {
  const format = formatterOf(catalog)
  const toTransaction = transactionFields(format)
  const toBalance = ({ asset, available, balance, held }: WalletBalance) => ({
    asset,
    balance: format(balance, asset),
    held: format(held, asset),
    available: format(available, asset)
  })

  return (event: UserEvent): EventMessage => {
    const position = EventPosition.format(event.position)
    switch (event._tag) {
      case "Snapshot":
        return { _tag: "Snapshot", position, balances: event.balances.map(toBalance) }
      case "Balance":
        return { _tag: "Balance", position, balance: toBalance(event.balance) }
      case "Transaction":
        return { _tag: "Transaction", position, transaction: toTransaction(event.row) }
      case "Order":
        return { _tag: "Order", position, order: orderFields(event.order) }
      case "Security":
        return { _tag: "Security", position, event: securityEventFields(event.event) }
      case "Gap":
        return { _tag: "Gap", position, since: EventPosition.format(event.since) }
    }
  }
})

/** Name and JSON data of a message, for server-sent events and WebSockets. */
const partsOf = (message: EventMessage): readonly [name: string, data: object] => {
  switch (message._tag) {
    case "Snapshot":
      return ["snapshot", { balances: message.balances }]
    case "Balance":
      return ["balance", message.balance]
    case "Transaction":
      return ["transaction", message.transaction]
    case "Order":
      return ["order", message.order]
    case "Security":
      return ["security", message.event]
    case "Gap":
      return ["gap", { since: message.since }]
  }
}

/** Encodes a message as a server-sent event. */
export const toSseBytes = (message: EventMessage): Uint8Array => {
  const [name, data] = partsOf(message)
  return Sse.encode(message.position, name, JSON.stringify(data))
}

/** Encodes a message as a WebSocket frame. Its data are apart from its type, because a transaction has a `type` too. */
export const toWebSocketFrame = (message: EventMessage): Buffer => {
  const [name, data] = partsOf(message)
  return WebSocketFrame.encodeText(JSON.stringify({ type: name, position: message.position, data }))
}
