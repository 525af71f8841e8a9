import { Schema } from "effect"
import { StreamPositionText } from "../../domain/rates/StreamPosition.ts"
import { RateMessage } from "./RateMessage.ts"

/** Stream position of an event. Pass `<epoch>-<sequence>` as `since` to resume after it. */
const position = { epoch: Schema.String, sequence: Schema.Int }

/** The latest rates of all subscribed pairs. Replaces all earlier state. */
export const Snapshot = Schema.TaggedStruct("Snapshot", { ...position, rates: Schema.Array(RateMessage) })

/** A new latest rate. `sequence` increments with each change of any pair. */
export const RateChanged = Schema.TaggedStruct("RateChanged", { ...position, rate: RateMessage })

/** Changes after `since` were skipped. A snapshot follows. */
export const Gap = Schema.TaggedStruct("Gap", { ...position, since: StreamPositionText })

export const RateEventMessage = Schema.Union([Snapshot, RateChanged, Gap])
export type RateEventMessage = typeof RateEventMessage.Type
