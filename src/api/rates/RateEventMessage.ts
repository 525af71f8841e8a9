import { Schema } from "effect"
import { StreamPositionText } from "../../domain/rates/StreamPosition.ts"
import { RateMessage } from "./RateMessage.ts"
import { Timestamp } from "../../domain/Timestamp.ts"

/** Stream position of an event. Pass `<epoch>-<sequence>` as `since` to resume after it. */
const position = { epoch: Schema.String, sequence: Schema.Int }

/** The latest rates of all subscribed pairs. Replaces all earlier state. */
const SnapshotMessage = Schema.TaggedStruct("Snapshot", { ...position, rates: Schema.Array(RateMessage) })

/**
 * A new latest rate. `sequence` increments with each change of any pair. The message is repeated, with `stale` and without
 * another `sequence`, when the rate turns stale.
 */
const RateChangedMessage = Schema.TaggedStruct("RateChanged", { ...position, rate: RateMessage })

/** Changes after `since` were skipped. A snapshot follows. */
const GapMessage = Schema.TaggedStruct("Gap", { ...position, since: StreamPositionText })

/** An event of a rate stream over RPC. */
export const RateEventMessage = Schema.Union([SnapshotMessage, RateChangedMessage, GapMessage])
export type RateEventMessage = typeof RateEventMessage.Type

/**
 * Distinguishes a quiet stream from one whose node is cut off: when the node last had every rate of the database or of Redis. Null
 * before the first contact.
 */
export const HeartbeatMessage = Schema.Struct({
  lastContact: Schema.NullOr(Timestamp),
  /** By a monotonic clock of the node. */
  lastContactAgeSeconds: Schema.NullOr(Schema.Finite)
})
export type HeartbeatMessage = typeof HeartbeatMessage.Type
