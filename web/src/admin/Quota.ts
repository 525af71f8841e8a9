/** Providers that return all rates of a base currency in one response. Others take a request for each pair. */
const TABLE_PROVIDERS: ReadonlySet<string> = new Set(["fixer", "openexchangerates", "frankfurter"])

const DAY_SECONDS = 86_400
const MONTH_DAYS = 30

/** Cost of a schedule, in requests to a provider. */
export interface Quota {
  readonly perPoll: number
  readonly perDay: number
  /** In 30 days. */
  readonly perMonth: number
}

/** Numbers of polled pairs and base currencies, and their provider. */
export interface Subject {
  readonly provider: string
  readonly pairs: number
  readonly bases: number
}

/** Units of an interval, as the server takes them. */
export const UNITS = { seconds: 1, minutes: 60, hours: 3600, days: DAY_SECONDS } as const
export type Unit = keyof typeof UNITS

/** Reads `10 minutes`. Undefined for other text. */
export const parseInterval = (text: string): { readonly count: number; readonly unit: Unit } | undefined => {
  const [, digits = "", name = ""] = /^(\d{1,9}) (second|minute|hour|day)s?$/.exec(text.trim()) ?? []
  const unit = `${name}s`
  return digits === "" || !isUnit(unit) ? undefined : { count: Number(digits), unit }
}

const isUnit = (text: string): text is Unit => text in UNITS

export const secondsOf = ({ count, unit }: { readonly count: number; readonly unit: Unit }): number =>
  count * UNITS[unit]

/**
 * Returns the requests of a schedule. Retries, lookups on demand and failover come on top. Null seconds: polling is off.
 */
export const quotaOf = (seconds: number | null, { bases, pairs, provider }: Subject): Quota => {
  const perPoll = TABLE_PROVIDERS.has(provider) ? bases : pairs
  const perDay = seconds === null || seconds <= 0 ? 0 : Math.ceil((DAY_SECONDS / seconds) * perPoll)
  return { perPoll, perDay, perMonth: perDay * MONTH_DAYS }
}
