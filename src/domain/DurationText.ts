import { Duration, Option } from "effect"

/** Describes what {@link parse} accepts, for error messages. */
export const ALLOWED = "a duration such as `60 seconds`, `10 minutes` or `500 millis`"

/** Parses `10 minutes` or `500 millis`: a whole number and a unit from millis to days. */
export const parse = (text: string): Option.Option<Duration.Duration> =>
  /^\d{1,9} (millis|seconds?|minutes?|hours?|days?)$/.test(text)
    ? Duration.fromInput(text as Duration.Input)
    : Option.none()

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000]
] as const

/** Formats a duration, truncated to milliseconds, in the largest unit that divides it. {@link parse} reads it back. */
export const format = (duration: Duration.Duration): string => {
  const millis = Math.floor(Duration.toMillis(duration))
  const unit = UNITS.find(([, size]) => millis > 0 && millis % size === 0)
  if (unit === undefined) return `${millis} millis`
  const count = millis / unit[1]
  return `${count} ${unit[0]}${count === 1 ? "" : "s"}`
}
