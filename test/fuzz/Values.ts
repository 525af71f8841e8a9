import * as Attacks from "./Attacks.ts"
import type { RandomChoice } from "./RandomChoice.ts"
import type { ResponseIds } from "./ResponseIds.ts"

const sources = ["USD", "EUR", "GBP", "CAD"]
const destinations = ["NGN", "KES", "GHS", "ZAR", "XOF", "XAF", "EGP", "ETB", "MAD", "UGX", "ZMW"]
const otherCodes = ["usd", "Eur", "XXX", "XAU", "ZZZ", "JPY", "US", "USDX"]
const durations = [
  "30 seconds",
  "10 minutes",
  "500 millis",
  "1 hour",
  "2 hours",
  "1 day",
  "0 seconds",
  "1 nano"
]
const times = ["2026-11-21T03:27:17.086Z", "2026-11-21", "2000-01-01", "2024-02-29T00:00:00.000Z"]
const oddTimes = [
  "1969-12-31T23:59:59.999Z",
  "2999-12-31T23:59:60Z",
  "2026-02-30",
  "2026-11-21T03:27:17+14:00",
  "2026-11-21T24:00:00Z",
  "0001-01-01",
  "+275760-09-13",
  "1763695637086"
]
const positions = [
  "0-0",
  "1763698037086-17",
  "1763698037086-99999999999999999",
  "a-1",
  "-1",
  "1-",
  "z".repeat(33)
]
const amounts = ["500.00", "1", "0.01", "1000000", "123.45", "999999999999999999", "500"]
const accepts = [
  "application/json",
  "text/csv",
  "application/x-ndjson",
  "*/*",
  "text/html",
  "application/json;q=0",
  "text/csv, application/json",
  "text/event-stream",
  "a/b/c;;;q=9"
]

const code = (dice: RandomChoice, usual: ReadonlyArray<string>) =>
  dice.pick(dice.chance(0.9) ? usual : otherCodes)

type Maker = (dice: RandomChoice) => string

/** What members with such names usually hold, as a caller who knows the API would fill them in. */
const byName: ReadonlyArray<readonly [name: RegExp, make: Maker]> = [
  [/^(from|base|from_currency|source_currency|base_currency)$/, (dice) => code(dice, sources)],
  [/^(to|to_currency|destination_currency)$/, (dice) => code(dice, destinations)],
  [/^pairs?$/, (dice) => `${code(dice, sources)}:${code(dice, destinations)}`],
  [/amount$/, (dice) => dice.pick(dice.chance(0.8) ? amounts : Attacks.numbers)],
  [/^(ttl|max_age|interval)$/, (dice) => dice.pick(durations)],
  [/^(start|end|at|known_at|since|until|before)$/, (dice) => dice.pick(dice.chance(0.7) ? times : oddTimes)],
  [/^last-event-id$|^position$/, (dice) => dice.pick(positions)],
  [
    /^(page_size|limit)$/,
    (dice) => dice.pick(["1", "2", "10", "100", "1000", "0", "1001", "-1", "1.5", "1e1"])
  ],
  [/^after$/, (dice) => String(dice.below(50))],
  [/^accept$/, (dice) => dice.pick(accepts)],
  [/^cursor$/, (dice) => Buffer.from(String(dice.below(1e12))).toString("base64url")],
  [/^idempotency-key$/, (dice) => `key-${dice.below(200)}`],
  [/^reference$/, (dice) => `order ${dice.below(30)}`]
]

/** The name of the header by which a repeated request is told. */
const REPEATED = 0.05

/** What a request means by a member: what an earlier answer told, or what is usual; undefined where nothing is. */
const meant = (dice: RandomChoice, harvest: ResponseIds, name: string): string | undefined => {
  const found = byName.find(([pattern]) => pattern.test(name))
  const told = found === undefined || dice.chance(0.5) ? harvest.draw(dice, name) : undefined
  const value = told ?? found?.[1](dice)
  return value !== undefined &&
    /^(cursor|since|last-event-id|if-none-match)$|_id$/.test(name) &&
    dice.chance(REPEATED)
    ? damaged(dice, value)
    : value
}

/** A value that fits its schema, and mostly means something. */
export const fitting = (
  dice: RandomChoice,
  harvest: ResponseIds,
  name: string,
  samples: ReadonlyArray<unknown>,
  closed = false
): unknown => {
  const sample = dice.pick(samples)
  return closed || dice.chance(0.15) ? sample : (meant(dice, harvest, name) ?? sample)
}

/** The members of a body that fits, most of which mean something. */
export const fittingBody = (
  dice: RandomChoice,
  harvest: ResponseIds,
  samples: ReadonlyArray<unknown>
): unknown => {
  const sample = dice.pick(samples)
  if (typeof sample !== "object" || sample === null || Array.isArray(sample)) return sample
  const knows = dice.chance(0.9)
  return Object.fromEntries(
    Object.entries(sample).flatMap(([name, value]) => {
      // An id that nobody told is refused, and with it all the rest.
      const told = knows && typeof value !== "boolean" ? meant(dice, harvest, name) : undefined
      if (knows && name.endsWith("_id") && (told === undefined || dice.chance(0.5))) return []
      return [[name, told ?? value]]
    })
  )
}

/** A text in which a letter is missing, another one, or there twice. */
export const damaged = (dice: RandomChoice, text: string): string => {
  const at = dice.below(text.length + 1)
  const change = dice.pick(["", "A", "0", "-", "=", "\u00e9", "%", text.slice(at, at + 1).repeat(2)])
  return text.slice(0, at) + change + text.slice(at + 1)
}

/** A text that is right nowhere. */
export const hostile = (dice: RandomChoice): string =>
  dice.pick(dice.chance(0.7) ? Attacks.texts : Attacks.numbers)
