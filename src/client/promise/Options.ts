import { invalidOption } from "./EffexError.ts"

type Unit = "millis" | "second" | "seconds" | "minute" | "minutes" | "hour" | "hours" | "day" | "days"

/** Text such as `"30 seconds"`, or a number of milliseconds. */
export type DurationInput = `${number} ${Unit}` | number

const UNIT_MILLIS: Readonly<Record<string, number>> = {
  milli: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000
}

const found = (value: unknown) =>
  typeof value === "string" ? `"${value.slice(0, 100)}"` : `${typeof value} ${String(value)}`

/** Returns the error of a wrong value. */
export const invalid = (name: string, allowed: string, value: unknown) =>
  invalidOption(`${name} must be ${allowed}; found ${found(value)}`)

/** Rejects options that do not exist, which are usually typing errors. */
export const requireKnown = (owner: string, options: unknown, allowed: ReadonlyArray<string>) => {
  if (typeof options !== "object" || options === null) {
    // Not the value, which may be a password.
    const type = options === null ? "null" : `a ${typeof options}`
    throw invalidOption(`the options of ${owner} must be an object with ${allowed.join(", ")}; found ${type}`)
  }
  for (const name of Object.keys(options)) {
    if (!allowed.includes(name)) {
      throw invalidOption(`${owner} has no option "${name}"; the options are ${allowed.join(", ")}`)
    }
  }
}

/** Returns a duration in milliseconds. */
export const millisOf = (name: string, input: DurationInput): number => {
  if (typeof input === "number" && input >= 0) return input
  const [, count, unit = ""] = /^(\d{1,9}) (milli|second|minute|hour|day)s?$/.exec(String(input)) ?? []
  const millis = UNIT_MILLIS[unit]
  if (typeof input === "number" || count === undefined || millis === undefined) {
    throw invalid(name, 'a duration such as "30 seconds" or "10 minutes", or a number of milliseconds', input)
  }
  return Number(count) * millis
}

/** Returns a duration as the server reads it. */
export const durationText = (name: string, input: DurationInput | undefined) =>
  input === undefined ? undefined : `${Math.ceil(millisOf(name, input))} millis`

/** Returns a time as the server reads it. Without an offset, a time would depend on the time zone of the machine. */
export const timeText = (name: string, input: Date | string | undefined) => {
  if (input === undefined) return undefined
  const isText = typeof input === "string" && /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(input)
  const time = isText || input instanceof Date ? new Date(input) : undefined
  if (time === undefined || Number.isNaN(time.getTime())) {
    throw invalid(name, 'a Date, or ISO 8601 text such as "2026-11-21T03:27:17.086Z" or "2026-11-21"', input)
  }
  return time.toISOString()
}

/** Returns text that must not be empty, such as an id or a currency code. */
export const requiredText = (name: string, value: string, example: string) => {
  if (typeof value === "string" && value.trim() !== "") return value
  throw invalid(name, `text such as "${example}"`, value)
}

/** Returns an id as a part of a path. */
export const pathId = (name: string, id: string) =>
  encodeURIComponent(requiredText(name, id, "01a22981-45e1-75da-8c6d-bd3c483116f2"))

export const currency = (name: string, code: string) => requiredText(name, code, "USD")

export const oneOf = <A extends string>(name: string, value: A | undefined, allowed: ReadonlyArray<A>) => {
  if (value === undefined || allowed.includes(value)) return value
  throw invalid(name, allowed.map((option) => `"${option}"`).join(" or "), value)
}

export const pageSize = (size: number | undefined) => {
  if (size === undefined) return undefined
  if (Number.isInteger(size) && size >= 1 && size <= 1000) return String(size)
  throw invalid("pageSize", "a whole number from 1 to 1000", size)
}

/** Numbers are rejected, because a double cannot hold every amount. */
export const amount = (value: string, name = "amount") => {
  if (typeof value === "string" && /^\d+(\.\d+)?$/.test(value)) return value
  throw invalid(name, 'a positive decimal as text, such as "500.00"', value)
}

// Without the flag `i` for letters that it would match outside of ASCII.
const PAIR = /^[A-Za-z][A-Za-z0-9]{0,9}(\.[A-Za-z0-9]{1,4})?:[A-Za-z][A-Za-z0-9]{0,9}(\.[A-Za-z0-9]{1,4})?$/

/** Returns pairs in upper case. */
export const pairs = (input: ReadonlyArray<string> | undefined): ReadonlyArray<string> | undefined => {
  if (input === undefined) return undefined
  if (!Array.isArray(input) || input.length === 0) {
    throw invalid("pairs", 'a list such as ["USD:NGN"], or be omitted for all pairs', input)
  }
  return input.map((pair: unknown) => {
    if (typeof pair === "string" && PAIR.test(pair)) return pair.toUpperCase()
    throw invalid("a pair", 'two codes such as "USD:NGN" or "BTC:USD"', pair)
  })
}

/** Validates a stream position. */
export const since = (position: string | undefined) => {
  if (position === undefined || /^[0-9a-z]{1,32}-(0|[1-9]\d{0,14})$/.test(position)) return position
  throw invalid("since", 'the position of an event, such as "1763698037086-17"', position)
}

/** Returns the URL of a server without a slash at its end. */
export const serverUrl = (input: string | URL): string => {
  const text = String(input)
  const isHttp = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
  if (!isHttp) {
    throw invalidOption(
      `the URL of the server must be an http or https URL such as "http://127.0.0.1:8000"; found "${text.slice(0, 100)}"`
    )
  }
  const url = new URL(text)
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw invalidOption(
      "the URL of the server must not contain a user, a password, a query or a fragment; pass an API key as the option apiKey"
    )
  }
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`
  if (base.endsWith("/api/v1")) {
    throw invalidOption(
      `the URL of the server ends before /api/v1; use "${base.slice(0, -"/api/v1".length)}"`
    )
  }
  return base
}

/** Validates an API key. The message never contains it. */
export const apiKey = (key: string | undefined) => {
  if (key === undefined || (typeof key === "string" && /^[\x21-\x7e]+$/.test(key))) return key
  throw invalidOption(
    "apiKey must be an API key (efx_live_… or efx_test_…) without spaces or line breaks; omit it for anonymous access"
  )
}
