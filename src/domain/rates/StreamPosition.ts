import { Option, Schema } from "effect"

/**
 * A position in the stream of rate changes. `sequence` increments with each change. A new `epoch` starts when the order
 * of changes is lost; positions of different epochs are not comparable.
 */
export interface StreamPosition {
  readonly epoch: string
  readonly sequence: number
}

/** Describes what {@link parse} accepts, for error messages and API descriptions. */
export const ALLOWED = "a stream position such as `1763698037086-17`, as received with an event"

const TEXT = /^([0-9a-z]{1,32})-(0|[1-9]\d{0,14})$/

/** Formats as `<epoch>-<sequence>`. */
export const format = ({ epoch, sequence }: StreamPosition): string => `${epoch}-${sequence}`

/** Parses `<epoch>-<sequence>`. */
export const parse = (text: string): Option.Option<StreamPosition> => {
  const [, epoch, sequence] = TEXT.exec(text) ?? []
  return epoch === undefined ? Option.none() : Option.some({ epoch, sequence: Number(sequence) })
}

/** A stream position on the wire: `<epoch>-<sequence>`. */
export const StreamPositionText = Schema.String.check(
  Schema.isPattern(TEXT, { message: `Expected ${ALLOWED}` })
).annotate({ description: ALLOWED })
