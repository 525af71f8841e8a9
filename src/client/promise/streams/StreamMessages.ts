import { fromProblem } from "../EffexError.ts"
import * as Json from "../Json.ts"
import type { Poll, Rate, RateEvent } from "../Values.ts"

/** A decoded message of a stream. */
export type StreamMessage =
  | RateEvent
  | { readonly type: "poll"; readonly position: string; readonly poll: Poll }

/** Types of messages by their names on the wire: events of SSE, and types of WebSocket messages. */
const TYPES: Readonly<Record<string, StreamMessage["type"]>> = {
  snapshot: "snapshot",
  all_rates: "snapshot",
  rate: "rate",
  rate_update: "rate",
  poll: "poll",
  all_rates_update: "poll",
  gap: "gap"
}

/** Decodes a message. Returns undefined for messages without a change, such as heartbeats and those of later versions. */
export const decode = (name: string, json: unknown): StreamMessage | undefined => {
  const type = TYPES[name]
  if (type === undefined || !Json.isRecord(json)) return undefined
  const { epoch, sequence, type: _, ...fields } = json
  if (epoch === undefined || sequence === undefined) return undefined
  const position = `${epoch}-${sequence}`
  switch (type) {
    case "snapshot": {
      const rates = Array.isArray(fields["rates"]) ? fields["rates"] : []
      return { type, position, rates: Json.decode<ReadonlyArray<Rate>>(rates) }
    }
    case "rate":
      return { type, position, rate: Json.decode<Rate>(fields) }
    case "poll":
      return { type, position, poll: Json.decode<Poll>(fields) }
    case "gap":
      return { type, position }
  }
}

/**
 * Returns the seconds since the server last had contact with the database or Redis, from which it learns of changes.
 * Undefined for servers that do not report it.
 */
export const feedAgeSeconds = (heartbeat: unknown): number | undefined => {
  const age = Json.isRecord(heartbeat) ? heartbeat["last_contact_age_seconds"] : undefined
  return typeof age === "number" ? age : undefined
}

/** Statuses of the problems that a WebSocket reports in a message. */
const STATUS: Readonly<Record<string, number>> = {
  "invalid-request": 400,
  unauthorized: 401,
  "session-ended": 401,
  forbidden: 403,
  "unsupported-currency": 422,
  "unsupported-pair": 422,
  "rate-limited": 429
}

/** Decodes a problem of a WebSocket. */
export const errorOf = (json: Readonly<Record<string, unknown>>) => {
  const code = String(json["code"])
  const { detail, title, trace_id: traceId } = json
  return fromProblem({
    problem: json,
    code,
    status: STATUS[code] ?? 0,
    detail: String(detail ?? title ?? code),
    retryable: json["retryable"] === true,
    traceId: typeof traceId === "string" ? traceId : undefined
  })
}

export const keyOf = ({ from, to }: Rate) => `${from}:${to}`

/** Returns the rates of a message. */
export const ratesOf = (message: StreamMessage): ReadonlyArray<Rate> => {
  if (message.type === "snapshot") return message.rates
  return message.type === "rate" ? [message.rate] : []
}

/** Removes the rates of other pairs, which a WebSocket sends until the server has read the subscription. */
export const onlyPairs = (
  message: StreamMessage,
  pairs: ReadonlyArray<string> | undefined
): StreamMessage | undefined => {
  if (pairs === undefined) return message
  const isWanted = (rate: Rate) => pairs.includes(keyOf(rate))
  if (message.type === "snapshot") return { ...message, rates: message.rates.filter(isWanted) }
  return message.type === "rate" && !isWanted(message.rate) ? undefined : message
}

/** Returns a function that returns the rates of a message, without those that it returned before. */
export const distinctRates = () => {
  const latest = new Map<string, Rate>()
  return (message: StreamMessage): ReadonlyArray<Rate> =>
    ratesOf(message).filter((rate) => {
      const previous = latest.get(keyOf(rate))
      latest.set(keyOf(rate), rate)
      return previous?.rateId !== rate.rateId || previous.stale !== rate.stale
    })
}
