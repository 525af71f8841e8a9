import * as Attacks from "./Attacks.ts"
import { PASSWORD } from "../Callers.ts"
import type { RandomChoice } from "../RandomChoice.ts"
import { REVIEWED_VALUE } from "../Seed.ts"

const sources = ["USD", "EUR", "GBP", "CAD"]
const destinations = ["NGN", "KES", "GHS", "ZAR", "XOF", "XAF", "EGP", "ETB", "MAD", "UGX", "ZMW"]
const otherCodes = ["usd", "Eur", "XXX", "XAU", "ZZZ", "JPY", "US", "USDX"]
const durations = ["30 seconds", "10 minutes", "1 hour"]
const unusualDurations = ["500 millis", "2 hours", "1 day", "0 seconds", "1 nano"]
const times = [
  "2026-11-21T03:27:17.086Z",
  "2026-11-21",
  "2000-01-01",
  "2024-02-29T00:00:00.000Z",
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
const amounts = ["500.00", "1", "0.01", "1000000", "123.45"]
const unusualAmounts = ["999999999999999999", ...Attacks.numbers]
/** Some orders are pooled, some are sent to the exchange alone. */
const orderAmounts = ["0.25", "0.01", "0.001", "0.0001", "0.00002"]
const accepts = ["application/json", "text/csv", "application/x-ndjson", "*/*", "text/event-stream"]
const unusualAccepts = ["text/html", "application/json;q=0", "text/csv, application/json", "a/b/c;;;q=9"]
const ruleOutcomes = ["allow", "review", "review", "deny"]

/** Some make the sandbox fail, or leave a deposit or withdrawal pending. */
const notes = ["Rent", "sandbox:never", "sandbox:later 1", "sandbox:fail", "sandbox:lost"]

/** Assets that orders are placed for. */
export const instruments = ["BTC", "ETH", "ABAN", "AAPL"]

type ValueGenerator = (random: RandomChoice) => string

const oneOf =
  (values: ReadonlyArray<string>): ValueGenerator =>
  (random) =>
    random.pick(values)

const uniqueText: ValueGenerator = (random) => `unique-${random.below(1e12)}`

/** Some keys repeat, so that requests are replayed. */
const repeatedText: ValueGenerator = (random) =>
  random.chance(0.3) ? `key-${random.below(50)}` : uniqueText(random)

/** Generators of a kind of value: `usual` values are valid almost everywhere, for others it depends on the operation. */
export interface Generators {
  readonly usual?: ValueGenerator
  readonly unusual?: ValueGenerator
}

/** Plausible values by kind. */
const generators: ReadonlyArray<readonly [kind: RegExp, generators: Generators]> = [
  [
    /^(from|base|from_currency|source_currency|base_currency)$/,
    { usual: oneOf(sources), unusual: oneOf(otherCodes) }
  ],
  [
    /^(to|to_currency|destination_currency)$/,
    { usual: oneOf(destinations), unusual: oneOf([...otherCodes, ...instruments]) }
  ],
  [/^pairs?$/, { usual: (random) => `${random.pick(sources)}:${random.pick(destinations)}` }],
  [/^instrument$/, { usual: oneOf(instruments), unusual: oneOf(otherCodes) }],
  [/^asset_code$/, { usual: oneOf([...instruments, "ALL.US"]) }],
  [/^delisted_code$/, { usual: oneOf(["ALL.US"]), unusual: oneOf(instruments) }],
  [/^listing_state$/, { usual: oneOf(["listed"]) }],
  [/^asset$/, { usual: oneOf(["USD", "EUR", "NGN"]), unusual: oneOf([...instruments, ...otherCodes]) }],
  [/^order_amount$/, { usual: oneOf(orderAmounts), unusual: oneOf(unusualAmounts) }],
  [/^notional$/, { usual: oneOf(["5.00", "50", "500"]), unusual: oneOf(unusualAmounts) }],
  [/amount$/, { usual: oneOf(amounts), unusual: oneOf(unusualAmounts) }],
  [/^(ttl|max_age|interval)$/, { usual: oneOf(durations), unusual: oneOf(unusualDurations) }],
  [/^(start|end|at|known_at|since|until|before|time)$/, { unusual: oneOf(times) }],
  [/^last-event-id$|^position$/, { unusual: oneOf(positions) }],
  [
    /^(page_size|limit)$/,
    { usual: oneOf(["1", "2", "10", "100"]), unusual: oneOf(["1000", "0", "1001", "-1", "1.5", "1e1"]) }
  ],
  [/^after$|^tree_size$/, { unusual: (random) => String(random.below(50)) }],
  [/^accept$/, { usual: oneOf(accepts), unusual: oneOf(unusualAccepts) }],
  [/^cursor$/, { unusual: (random) => Buffer.from(String(random.below(1e12))).toString("base64url") }],
  [/^idempotency-key$|^client_order_id$/, { usual: repeatedText }],
  [/^payment_reference$/, { usual: uniqueText, unusual: (random) => `order ${random.below(30)}` }],
  [/^reference$/, { usual: (random) => `order ${random.below(30)}` }],
  [/^note$/, { usual: oneOf(notes) }],
  [/^new_username$/, { usual: (random) => `fuzz-${random.below(1e9)}` }],
  [/^(current_|new_)?password$/, { usual: () => PASSWORD }],
  [/^email$/, { usual: () => "amara@example.org" }],
  [/^side$/, { usual: oneOf(["buy", "buy", "sell"]) }],
  [/^amount_type$/, { usual: oneOf(["source", "target"]) }],
  [/^(outcome|unpriced)$/, { usual: oneOf(ruleOutcomes) }],
  [/^(hour|day)_value$/, { usual: oneOf([REVIEWED_VALUE, "1000000"]) }]
]

/** Generators of a kind. */
export const of = (kind: string): Generators => generators.find(([pattern]) => pattern.test(kind))?.[1] ?? {}
