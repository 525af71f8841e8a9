import { Duration, Option } from "effect"

/** What {@link parse} takes, for messages. */
export const ALLOWED = "a duration such as `60 seconds`, `10 minutes` or `500 millis`"

/** Reads `10 minutes` or `500 millis`: a whole number and a unit from millis to days. None for everything else. */
export const parse = (text: string): Option.Option<Duration.Duration> =>
  /^\d{1,9} (millis|seconds?|minutes?|hours?|days?)$/.test(text)
    ? Duration.fromInput(text as Duration.Input)
    : Option.none()
