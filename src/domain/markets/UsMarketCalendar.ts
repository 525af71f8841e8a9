import { DateTime, Duration } from "effect"
import { CLOSED, CLOSES_EARLY } from "./UsMarketClosings.ts"

/** Regular trading hours of one day, in epoch milliseconds. Trading before and after them does not count. */
export interface Session {
  readonly open: number
  readonly close: number
}

const HOUR = Duration.toMillis("1 hour")
const DAY = 24 * HOUR
const OPEN = 9.5 * HOUR
const CLOSE = 16 * HOUR
const EARLY_CLOSE = 13 * HOUR
/** Longest time to look for a session: no closing lasts longer, and nothing that is older is fresh. */
const MAX_DAYS = 400
const MAX_CACHED_SESSIONS = 1000

const newYork = DateTime.zoneMakeNamedUnsafe("America/New_York")

/** Difference of New York's time from UTC, negative, with daylight saving time. */
const offsetAt = (millis: number) =>
  DateTime.zonedOffset(DateTime.makeZonedUnsafe(millis, { timeZone: newYork }))

/** Number of the calendar day in New York, counted from 1 January 1970. */
const dayOf = (millis: number) => Math.floor((millis + offsetAt(millis)) / DAY)

const sessions = new Map<number, Session | undefined>()

/** Returns the session of a day, or undefined when there is no trading. */
const sessionOfDay = (day: number): Session | undefined => {
  if (sessions.has(day)) return sessions.get(day)
  if (sessions.size >= MAX_CACHED_SESSIONS) sessions.clear()
  const session = findSession(day)
  sessions.set(day, session)
  return session
}

const findSession = (day: number): Session | undefined => {
  const midnight = day * DAY
  const date = new Date(midnight)
  const name = date.toISOString().slice(0, 10)
  if (date.getUTCDay() === 0 || date.getUTCDay() === 6 || CLOSED.has(name)) return undefined
  // Daylight saving time starts and ends on Sundays, so the offset is that of the whole session.
  const start = midnight - offsetAt(midnight + 17 * HOUR)
  return { open: start + OPEN, close: start + (CLOSES_EARLY.has(name) ? EARLY_CLOSE : CLOSE) }
}

/** Day by an offset that is within an hour of the real one. No session is near midnight, so this is exact enough. */
const nearDayOf = (millis: number) => Math.floor((millis - 5 * HOUR) / DAY)

/** Returns the session of the calendar day in New York that contains a moment, or undefined when there is none. */
export const sessionOf = (millis: number): Session | undefined => sessionOfDay(dayOf(millis))

/** Returns true during regular trading hours. */
export const isOpen = (millis: number): boolean => {
  const session = sessionOfDay(nearDayOf(millis))
  return session !== undefined && session.open <= millis && millis < session.close
}

/** Returns the last close at or before a moment. */
export const lastClose = (millis: number): number => {
  const today = nearDayOf(millis)
  for (let day = today; day > today - MAX_DAYS; day--) {
    const session = sessionOfDay(day)
    if (session !== undefined && session.close <= millis) return session.close
  }
  return Number.NEGATIVE_INFINITY
}

/** Returns the first open after a moment. */
export const nextOpen = (millis: number): number => {
  const today = nearDayOf(millis)
  for (let day = today; day < today + MAX_DAYS; day++) {
    const session = sessionOfDay(day)
    if (session !== undefined && session.open > millis) return session.open
  }
  return Number.POSITIVE_INFINITY
}

/** Returns the milliseconds between two moments during which the market was open, or infinity for more than a year. */
export const openMillis = (from: number, to: number): number => {
  const [first, last] = [nearDayOf(from), nearDayOf(to)]
  if (last - first > MAX_DAYS) return Number.POSITIVE_INFINITY
  let total = 0
  for (let day = first; day <= last; day++) {
    const session = sessionOfDay(day)
    if (session === undefined) continue
    total += Math.max(0, Math.min(session.close, to) - Math.max(session.open, from))
  }
  return total
}
