/** Pause after a response that asks for one without saying how long, in seconds. */
const DEFAULT_PAUSE = 60
/** Longest pause, in seconds. */
const MAX_PAUSE = 24 * 60 * 60

interface LimitedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
}

/**
 * Returns how many seconds the receiver asks to pause reports of errors: `X-Sentry-Rate-Limits`, such as
 * `60:error;security:organization, 2700::project`, else `Retry-After` of a 429. 0: not at all.
 *
 * @see https://develop.sentry.dev/sdk/expected-features/rate-limiting/
 */
export const pauseOf = ({ headers, status }: LimitedResponse, nowMillis: number): number => {
  const limits = headers["x-sentry-rate-limits"]
  if (limits !== undefined) return Math.max(0, ...limits.split(",").map(limitOf))
  if (status !== 429) return 0
  return Math.min(MAX_PAUSE, retryAfterOf(headers["retry-after"], nowMillis))
}

/** A limit without categories is one of all categories. */
const limitOf = (limit: string) => {
  const [seconds = "", categories = ""] = limit.trim().split(":")
  if (!/^\d{1,9}$/.test(seconds)) return 0
  const named = categories.split(";").filter((category) => category !== "")
  return named.length === 0 || named.includes("error") ? Math.min(MAX_PAUSE, Number(seconds)) : 0
}

const retryAfterOf = (text: string | undefined, nowMillis: number) => {
  if (text === undefined) return DEFAULT_PAUSE
  if (/^\d{1,9}$/.test(text)) return Number(text)
  const date = Date.parse(text)
  return Number.isNaN(date) ? DEFAULT_PAUSE : Math.max(0, Math.ceil((date - nowMillis) / 1000))
}
