import { Context, Duration, Effect, Schema } from "effect"

/** The clocks of this node and of the database differ by more than `MAX_CLOCK_SKEW`: one of them is wrong. */
export class ClockSkewed extends Schema.TaggedError<ClockSkewed>()("ClockSkewed", {
  /** Milliseconds by which the node is ahead of the database; negative if it is behind. */
  skewMillis: Schema.Finite,
  maxSkewMillis: Schema.Finite
}) {
  override get message(): string {
    return `${describe(this.skewMillis)}; at most ${format(this.maxSkewMillis)} is allowed. Synchronize both clocks with NTP`
  }
}

/** Compares the clock of this machine with the database's. */
export interface ClockComparison {
  /** Milliseconds by which this machine is ahead of the database; negative if it is behind. */
  readonly millis: () => number
  /** `MAX_CLOCK_SKEW` in milliseconds. */
  readonly maxMillis: number
}

/** The comparison of this process. The default, for processes without a database clock, is no difference. */
export class ClockSkew extends Context.Reference<ClockComparison>("effex/platform/ClockSkew", {
  defaultValue: () => ({ millis: () => 0, maxMillis: Number.POSITIVE_INFINITY })
}) {}

/** Difference from which a node is reported as degraded. Synchronized clocks differ by milliseconds. */
export const DEGRADED_SKEW = Duration.seconds(2)

/** Returns the error while the skew is more than allowed. */
export const errorOf = ({ maxMillis, millis }: ClockComparison): ClockSkewed | undefined => {
  const skew = millis()
  return Math.abs(skew) > maxMillis
    ? new ClockSkewed({ skewMillis: skew, maxSkewMillis: maxMillis })
    : undefined
}

/** Fails while the skew is more than allowed. */
export const requireAllowed: Effect.Effect<void, ClockSkewed> = Effect.flatMap(
  Effect.service(ClockSkew),
  (skew) => {
    const error = errorOf(skew)
    return error === undefined ? Effect.void : Effect.fail(error)
  }
)

/** Describes a skew for an operator. */
export const describe = (skewMillis: number): string =>
  `The clock of this node is ${format(Math.abs(skewMillis))} ${skewMillis < 0 ? "behind" : "ahead of"} the clock of the database`

const format = (millis: number) => Duration.format(Duration.seconds(Math.round(millis / 1000)))
