import { Schema } from "effect"
import { StreamPositionText } from "../../domain/rates/StreamPosition.ts"
import { RateMessage } from "./RateMessage.ts"

/** A place in the order of all changes: `<epoch>-<sequence>` resumes a stream from there. */
const position = { epoch: Schema.String, sequence: Schema.Int }

/** Every rate that is known of the pairs that were asked for. It replaces all that was told before. */
export const Snapshot = Schema.TaggedStruct("Snapshot", { ...position, rates: Schema.Array(RateMessage) })

/** A rate that has changed. `sequence` grows by one with each change, of all pairs together. */
export const RateChanged = Schema.TaggedStruct("RateChanged", { ...position, rate: RateMessage })

/** Changes after `since` were left out; a snapshot follows. */
export const Gap = Schema.TaggedStruct("Gap", { ...position, since: StreamPositionText })

export const RateEventMessage = Schema.Union([Snapshot, RateChanged, Gap])
export type RateEventMessage = typeof RateEventMessage.Type
