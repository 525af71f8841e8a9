import { Flag } from "effect/cli"

const DEFAULT = 50
const MAX = 1000

/** `--limit`: how many of `things` are printed, 50 by default. */
export const limitFlag = (things: string) =>
  Flag.Int("limit").pipe(
    Flag.withDescription(`Maximum number of ${things}, at most ${MAX}`),
    Flag.filter(
      (limit) => limit >= 1 && limit <= MAX,
      () => `expected a number from 1 to ${MAX}`
    ),
    Flag.withDefault(DEFAULT)
  )
