import { Duration, Option, Schema } from "effect"

/** Maximum number of requests per time window. */
export interface RateLimit {
  readonly limit: number
  readonly window: Duration.Duration
}

/** Format that {@link parse} accepts, for error messages. */
export const ALLOWED =
  "1 to 1000000 requests per window of at most one day, such as 600/minute or 50/10 seconds"

const MAX_LIMIT = 1_000_000
const FORMAT = /^(\d{1,7})\/(\d{1,5} )?(second|minute|hour|day)s?$/

/** Parses `600/minute` or `50/10 seconds`; none if the text has another format or is out of range. */
export const parse = (text: string): Option.Option<RateLimit> => {
  const [, limit, count = "1 ", unit] = FORMAT.exec(text.toLowerCase()) ?? []
  if (limit === undefined || unit === undefined) return Option.none()
  const rateLimit = {
    limit: Number(limit),
    window: Duration.times(UNITS[unit] ?? Duration.zero, Number(count))
  }
  const isAllowed =
    rateLimit.limit >= 1 &&
    rateLimit.limit <= MAX_LIMIT &&
    Duration.isPositive(rateLimit.window) &&
    Duration.isLessThanOrEqualTo(rateLimit.window, Duration.days(1))
  return isAllowed ? Option.some(rateLimit) : Option.none()
}

const UNITS: Readonly<Record<string, Duration.Duration>> = {
  second: Duration.seconds(1),
  minute: Duration.minutes(1),
  hour: Duration.hours(1),
  day: Duration.days(1)
}

/**
 * Separately limited kinds of requests: `reads`, `writes`, `keys` for requests with an invalid API key, `pages` for
 * documentation, metrics, health checks and unknown paths, `refreshes` for the refreshes that a caller causes by `max_age` or of pairs that
 * are not polled, and `all-refreshes` for those of all callers.
 */
export const RateLimitKind = Schema.Literals([
  "reads",
  "writes",
  "keys",
  "pages",
  "refreshes",
  "all-refreshes"
])
export type RateLimitKind = typeof RateLimitKind.Type

/** State of a client's rate limit after a request was counted. */
export interface RateLimitStatus {
  readonly kind: RateLimitKind
  readonly policy: RateLimit
  /** Number of requests that the client may still send now. */
  readonly remaining: number
  /** Time until all requests of the policy are available again. */
  readonly resetAfter: Duration.Duration
}

/** The client has used up its rate limit. */
export class RateLimitExceeded extends Schema.TaggedError<RateLimitExceeded>()("RateLimitExceeded", {
  kind: RateLimitKind,
  limit: Schema.Int,
  window: Schema.Duration,
  /** Number of requests that the rejected one counts as. */
  cost: Schema.Int,
  /** Number of requests that the client may still send now; less than `cost`. */
  remaining: Schema.Int,
  /** Time until the request is allowed. */
  retryAfter: Schema.Duration
}) {
  override get message(): string {
    const { cost, kind, limit, remaining, retryAfter, window } = this
    const counted = cost === 1 ? "" : ` this request counts as ${cost}, and ${remaining} remain;`
    return `The limit is ${limit} ${LABELS[kind]} in ${Duration.format(window)};${counted} retry in ${inSeconds(retryAfter)} s`
  }
}

const LABELS: Readonly<Record<RateLimitKind, string>> = {
  reads: "reads",
  writes: "writes",
  keys: "requests with an invalid API key",
  pages: "requests to pages and unknown paths",
  refreshes: "refreshes",
  "all-refreshes": "refreshes of all callers"
}

/** Rounds a duration up to whole seconds, at least 1, so that a client that waits this long does not retry too early. */
export const inSeconds = (duration: Duration.Duration): number =>
  Math.max(1, Math.ceil(Duration.toSeconds(duration)))
