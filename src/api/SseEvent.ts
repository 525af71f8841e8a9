import { Schema } from "effect"
import { HeartbeatMessage } from "./rates/RateEventMessage.ts"

/** A server-sent event with JSON data. */
export const event = <const Name extends string, Data extends Schema.Top>(name: Name, data: Data) =>
  Schema.Struct({
    id: Schema.optional(Schema.String),
    event: Schema.Literal(name),
    data: Schema.fromJsonString(data)
  })

/** Data of the event `heartbeat`. */
export const HeartbeatData = HeartbeatMessage.pipe(
  Schema.encodeKeys({ lastContact: "last_contact", lastContactAgeSeconds: "last_contact_age_seconds" })
)
