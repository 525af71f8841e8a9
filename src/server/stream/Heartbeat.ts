import { DateTime } from "effect"
import type { HeartbeatMessage } from "../../api/rates/RateEventMessage.ts"
import type { FeedContact } from "../../rates/feed/RateFeed.ts"
import * as WebSocketFrame from "../node/WebSocketFrame.ts"

/** Interval of the heartbeats of a stream. */
export const HEARTBEAT_INTERVAL = "15 seconds"

/**
 * JSON members that tell a quiet stream from one whose node is cut off: when the node last had every rate of the database
 * or of Redis. Both are null before the first contact.
 */
const membersOf = (contact: FeedContact | undefined): string =>
  contact === undefined
    ? `"last_contact":null,"last_contact_age_seconds":null`
    : `"last_contact":"${DateTime.formatIso(contact.at)}","last_contact_age_seconds":${contact.ageSeconds.toFixed(3)}`

/** Encodes a heartbeat as a WebSocket frame. */
export const toWebSocketFrame = (contact: FeedContact | undefined): Buffer =>
  WebSocketFrame.encodeText(`{"type":"heartbeat",${membersOf(contact)}}`)

const encoder = new TextEncoder()

/** Encodes a heartbeat as a comment, which keeps proxies from closing the stream, and as an event without an id. */
export const toSseBytes = (contact: FeedContact | undefined): Uint8Array =>
  encoder.encode(`: heartbeat\nevent: heartbeat\ndata: {${membersOf(contact)}}\n\n`)

/** Converts a heartbeat to a message. */
export const toMessage = (contact: FeedContact | undefined): HeartbeatMessage => ({
  lastContact: contact?.at ?? null,
  lastContactAgeSeconds: contact?.ageSeconds ?? null
})
