import { Duration, Option, Schema } from "effect"

/** How much may be asked for in a time. */
export interface RateLimit {
  readonly limit: number
  readonly window: Duration.Duration
}

/** What {@link parse} takes, for messages. */
export const ALLOWED =
  "a number from 1 to 1000000 in a time of at most a day, such as 600/minute or 50/10 seconds"

const MAX_LIMIT = 1_000_000
const FORM = /^(\d{1,7})\/(\d{1,5} )?(second|minute|hour|day)s?$/

/** Reads `600/minute` or `50/10 seconds`. None for everything else. */
export const parse = (text: string): Option.Option<RateLimit> => {
  const [, limit, count = "1 ", unit] = FORM.exec(text.toLowerCase()) ?? []
  if (limit === undefined || unit === undefined) return Option.none()
  const quota = { limit: Number(limit), window: Duration.times(UNITS[unit] ?? Duration.zero, Number(count)) }
  const isAllowed =
    quota.limit >= 1 &&
    quota.limit <= MAX_LIMIT &&
    Duration.isPositive(quota.window) &&
    Duration.isLessThanOrEqualTo(quota.window, Duration.days(1))
  return isAllowed ? Option.some(quota) : Option.none()
}

const UNITS: Readonly<Record<string, Duration.Duration>> = {
  second: Duration.seconds(1),
  minute: Duration.minutes(1),
  hour: Duration.hours(1),
  day: Duration.days(1)
}

/** What is counted apart: what is read, what is changed, and keys that may be guessed. */
export const Kind = Schema.Literals(["reads", "writes", "keys"])
export type Kind = typeof Kind.Type

/** What is left to a caller of a quota. */
export interface Allowance {
  readonly kind: Kind
  readonly quota: RateLimit
  readonly remaining: number
  /** How long it takes until all of it is there again. */
  readonly resetAfter: Duration.Duration
}

/** Nothing is left of a quota. */
export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>()("QuotaExceeded", {
  kind: Kind,
  limit: Schema.Int,
  window: Schema.Duration,
  /** How long it takes until there is one more. */
  retryAfter: Schema.Duration
}) {
  override get message(): string {
    const { kind, limit, retryAfter, window } = this
    const within = Duration.format(window)
    return `The ${limit} ${WORDS[kind]} in ${within} are used up; the next one is free in ${inSeconds(retryAfter)} s`
  }
}

const WORDS: Readonly<Record<Kind, string>> = {
  reads: "reads",
  writes: "writes",
  keys: "keys that are not known"
}

/** Whole seconds, rounded up: whoever waits for so long has waited long enough. */
export const inSeconds = (duration: Duration.Duration): number =>
  Math.max(1, Math.ceil(Duration.toSeconds(duration)))
