import { Duration, Option } from "effect"
import { Flag } from "effect/cli"
import * as DurationText from "../../domain/DurationText.ts"

/** Parses a whole number of seconds such as `60`, or a duration such as `10 minutes`. */
const parse = (text: string) => DurationText.parse(/^\d+$/.test(text) ? `${text} seconds` : text)

/** A flag for a duration within a range, both limits included. */
export const durationFlag = (
  name: string,
  { maximum, minimum }: { readonly minimum: Duration.Duration; readonly maximum: Duration.Duration }
) =>
  Flag.String(name).pipe(
    Flag.filterMap(
      (text) => Option.filter(parse(text), Duration.between({ minimum, maximum })),
      () =>
        `seconds such as 60, or ${DurationText.ALLOWED}, from ${DurationText.format(minimum)} to ${DurationText.format(maximum)}`
    )
  )
