import { Schema } from "effect"
import { StreamPositionText } from "../../domain/rates/StreamPosition.ts"
import * as PollMessage from "../polling/PollMessage.ts"
import { event, HeartbeatData } from "../SseEvent.ts"
import * as RateMessage from "./RateMessage.ts"

/** Stream position of an event, of which its `id` consists: `<epoch>-<sequence>`. */
const position = { epoch: Schema.String, sequence: Schema.Int }

const SnapshotData = Schema.Struct({ ...position, rates: Schema.Array(RateMessage.RateMessage) })

const RateData = Schema.Struct({ ...position, ...RateMessage.latestRateFields }).pipe(
  Schema.encodeKeys(RateMessage.names)
)

const PollData = Schema.Struct({ ...position, ...PollMessage.pollFields }).pipe(
  Schema.encodeKeys(PollMessage.names)
)

const GapData = Schema.Struct({ ...position, since: StreamPositionText })

/** The server-sent events of a rate stream. `RateEventEncoding` writes them once for all clients. */
export const RateSseEvent = Schema.Union([
  event("snapshot", SnapshotData),
  event("rate", RateData),
  event("poll", PollData),
  event("gap", GapData),
  event("heartbeat", HeartbeatData)
])
