import * as Attacks from "./Attacks.ts"
import { PASSWORD } from "./Callers.ts"
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
const unusualTimes = [
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

/** Some make the sandbox fail, or leave a deposit or withdrawal pending. */
const notes = ["Rent", "sandbox:never", "sandbox:later 1", "sandbox:fail", "sandbox:lost"]

const instruments = ["BTC", "ETH", "ABAN", "AAPL"]

const currencyCode = (random: RandomChoice, usual: ReadonlyArray<string>) =>
  random.pick(random.chance(0.9) ? usual : otherCodes)

type ValueGenerator = (random: RandomChoice) => string

/** Plausible values by parameter name, as a caller who knows the API would send them. */
const generators: ReadonlyArray<readonly [name: RegExp, generate: ValueGenerator]> = [
  [/^(from|base|from_currency|source_currency|base_currency)$/, (random) => currencyCode(random, sources)],
  [/^(to|to_currency|destination_currency)$/, (random) => currencyCode(random, destinations)],
  [/^pairs?$/, (random) => `${currencyCode(random, sources)}:${currencyCode(random, destinations)}`],
  [/^(crypto|stock)$/, (random) => currencyCode(random, instruments)],
  [/^asset$/, (random) => currencyCode(random, [...instruments, "USD", "NGN"])],
  [/amount$|^notional$/, (random) => random.pick(random.chance(0.8) ? amounts : Attacks.numbers)],
  [/^(ttl|max_age|interval)$/, (random) => random.pick(durations)],
  [
    /^(start|end|at|known_at|since|until|before)$/,
    (random) => random.pick(random.chance(0.7) ? times : unusualTimes)
  ],
  [/^last-event-id$|^position$/, (random) => random.pick(positions)],
  [
    /^(page_size|limit)$/,
    (random) => random.pick(["1", "2", "10", "100", "1000", "0", "1001", "-1", "1.5", "1e1"])
  ],
  [/^after$/, (random) => String(random.below(50))],
  [/^accept$/, (random) => random.pick(accepts)],
  [/^cursor$/, (random) => Buffer.from(String(random.below(1e12))).toString("base64url")],
  [/^idempotency-key$/, (random) => `key-${random.below(200)}`],
  [/^note$/, (random) => random.pick(notes)],
  [/^reference$/, (random) => `order ${random.below(30)}`],
  [/^username$/, (random) => `fuzz-${random.below(1e6)}`],
  [/^(current_|new_)?password$/, () => PASSWORD],
  [/^email$/, () => "amara@example.org"]
]

/** Share of ids and cursors from responses that are mutated. */
const MUTATED_ID_RATIO = 0.05

/** Plausible value for a name: from an earlier response, or generated; undefined if there is neither. */
const plausibleValue = (random: RandomChoice, responseIds: ResponseIds, name: string): string | undefined => {
  const generator = generators.find(([pattern]) => pattern.test(name))
  const known = generator === undefined || random.chance(0.5) ? responseIds.pick(random, name) : undefined
  const value = known ?? generator?.[1](random)
  return value !== undefined &&
    /^(cursor|since|last-event-id|if-none-match)$|_id$/.test(name) &&
    random.chance(MUTATED_ID_RATIO)
    ? mutated(random, value)
    : value
}

/** Returns a value for a parameter: mostly a plausible one, else a sample of its schema. */
export const validValue = (
  random: RandomChoice,
  responseIds: ResponseIds,
  name: string,
  samples: ReadonlyArray<unknown>,
  isEnum = false
): unknown => {
  const sample = random.pick(samples)
  return isEnum || random.chance(0.15) ? sample : (plausibleValue(random, responseIds, name) ?? sample)
}

/** Returns a body: a sample of its schema, in most cases with plausible values. */
export const validBody = (
  random: RandomChoice,
  responseIds: ResponseIds,
  samples: ReadonlyArray<unknown>
): unknown => {
  const sample = random.pick(samples)
  if (typeof sample !== "object" || sample === null || Array.isArray(sample)) return sample
  const isPlausible = random.chance(0.9)
  // An order has one of the two.
  const omitted = isPlausible && "notional" in sample ? random.pick(["amount", "notional"]) : undefined
  return Object.fromEntries(
    Object.entries(sample).flatMap(([name, value]) => {
      if (name === omitted) return []
      // A random id would make the server reject the whole body, so optional ids are mostly left out.
      const known =
        isPlausible && typeof value !== "boolean" ? plausibleValue(random, responseIds, name) : undefined
      if (isPlausible && name.endsWith("_id") && (known === undefined || random.chance(0.5))) return []
      return [[name, known ?? value]]
    })
  )
}

/** Removes, replaces or doubles a character. */
export const mutated = (random: RandomChoice, text: string): string => {
  const at = random.below(text.length + 1)
  const change = random.pick(["", "A", "0", "-", "=", "\u00e9", "%", text.slice(at, at + 1).repeat(2)])
  return text.slice(0, at) + change + text.slice(at + 1)
}

/** Returns a text that is valid nowhere. */
export const hostile = (random: RandomChoice): string =>
  random.pick(random.chance(0.7) ? Attacks.texts : Attacks.numbers)
