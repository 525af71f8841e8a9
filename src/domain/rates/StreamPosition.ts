import { Option, Schema } from "effect"

/**
 * A place in the order of all changes. `sequence` grows by one with each change of a rate; a new epoch begins where that
 * order was lost, and positions of different epochs cannot be compared.
 */
export interface StreamPosition {
  readonly epoch: string
  readonly sequence: number
}

/** What {@link parse} takes, for messages. */
export const ALLOWED = "a position such as `1763698037086-17`, as it was told with a change"

const TEXT = /^([0-9a-z]{1,32})-(0|[1-9]\d{0,14})$/

/** `<epoch>-<sequence>` */
export const format = ({ epoch, sequence }: StreamPosition): string => `${epoch}-${sequence}`

/** Reads `<epoch>-<sequence>`; none for everything else. */
export const parse = (text: string): Option.Option<StreamPosition> => {
  const [, epoch, sequence] = TEXT.exec(text) ?? []
  return epoch === undefined ? Option.none() : Option.some({ epoch, sequence: Number(sequence) })
}

/** A position as text. */
export const StreamPositionText = Schema.String.check(
  Schema.isPattern(TEXT, { message: `Expected ${ALLOWED}` })
).annotate({ description: ALLOWED })
