import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import type { ServerAccess } from "../Requests.ts"
import * as EventStream from "../streams/EventStream.ts"
import type { StreamSettings } from "../streams/Streams.ts"
import * as UserConnection from "../streams/UserConnection.ts"
import type { Balance, WalletEvent } from "./WalletValues.ts"

/** Options of the stream of a wallet. */
export interface WatchWalletOptions extends EventStream.StreamOptions {
  /** Resumes after this position, as received with an event. */
  readonly since?: string | undefined
}

/** Opens the stream of a wallet. */
export const make = (
  access: ServerAccess,
  { connectTimeoutMillis, isWebSocket }: StreamSettings,
  { since, ...options }: WatchWalletOptions
): EventStream.EventStream<WalletEvent> =>
  EventStream.make({
    ...options,
    url: access.url,
    closed: access.closed,
    connect: UserConnection.make(access, isWebSocket),
    connectTimeoutMillis,
    since: since === undefined ? undefined : Options.requiredText("since", since, "the position of an event"),
    feed: makeFeed(),
    itemsOf: (event) => [event]
  })

/** A slow loop skips events, and gets the latest balances. */
const makeFeed = (): EventStream.Feed<WalletEvent> => {
  const latest = new Map<string, Balance>()
  return {
    decode(name, json, id) {
      const event = decode(name, json, id)
      if (event?.type === "snapshot") latest.clear()
      if (event?.type === "snapshot") for (const balance of event.balances) latest.set(balance.asset, balance)
      if (event?.type === "balance") latest.set(event.balance.asset, event.balance)
      return event
    },
    positionOf: ({ position }) => position,
    compact(queue) {
      const [first, last] = [queue[0], queue.at(-1)]
      if (first === undefined || last === undefined) return []
      const { position } = last
      return [
        first,
        { type: "gap", position, since: first.position },
        { type: "snapshot", position, balances: [...latest.values()] }
      ]
    }
  }
}

/** Decodes an event. SSE has its position as the id; a WebSocket has it in the message, next to the data. */
const decode = (name: string, json: unknown, id: string | undefined): WalletEvent | undefined => {
  if (!Json.isRecord(json)) return undefined
  const data = id === undefined ? json["data"] : json
  const position = String(id ?? json["position"])
  if (!Json.isRecord(data)) return undefined
  switch (name) {
    case "snapshot":
      return { type: name, position, balances: Json.decode<ReadonlyArray<Balance>>(data["balances"]) }
    case "balance":
      return { type: name, position, balance: Json.decode(data) }
    case "transaction":
      return { type: name, position, transaction: Json.decode(data) }
    case "order":
      return { type: name, position, order: Json.decode(data) }
    case "security":
      return { type: name, position, event: Json.decode(data) }
    case "gap":
      return { type: name, position, since: String(data["since"]) }
    default:
      return undefined
  }
}
