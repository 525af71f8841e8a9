import { BigDecimal, Clock, Effect, Option } from "effect"
import { HttpServerResponse } from "effect/http"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import type { RequestFault } from "./SandboxFaults.ts"
import * as SandboxMidRates from "./SandboxMidRates.ts"

/** Decimals of rates from Fixer and Open Exchange Rates. */
const DECIMALS = 6

/** Age of rates with the fault `old`, beyond the limit of every provider, in seconds. */
const OUTDATED_AGE_SECONDS = 10 * 24 * 60 * 60

/** Returns the known currencies of a query parameter; all currencies if it is empty. */
export const requestedCodes = (query: string | ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  typeof query === "string" && query !== ""
    ? query.split(",").filter((code) => SandboxMidRates.codes.includes(code))
    : SandboxMidRates.codes

/** Returns the pairs of a table in the format of fault injections. */
export const pairsOf = (pivot: string, codes: ReadonlyArray<string>) =>
  codes.map((code) => `${pivot}:${code}`)

/** Makes the fields `timestamp` and `rates`, which Fixer and Open Exchange Rates share. */
export const fieldsOf = Effect.fnUntraced(function* (
  mids: SandboxMidRates.SandboxMidRates,
  pivot: string,
  codes: ReadonlyArray<string>,
  { distort, fault }: RequestFault<string>
) {
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const rates: Record<string, unknown> = {}
  for (const code of codes) {
    const rate = yield* mids.rate(pivot, code, String(now))
    if (Option.isSome(rate)) {
      const distorted = distort(`${pivot}:${code}`, rate.value)
      rates[code] = ExactJson.number(BigDecimal.round(distorted, { scale: DECIMALS, mode: "half-even" }))
    } else if (code === pivot) rates[code] = 1
  }
  return { timestamp: fault === "old" ? now - OUTDATED_AGE_SECONDS : now, rates }
})

/** Returns the day of a response, such as `2026-11-20`: today, or an outdated day for the fault `old`. */
export const dayOf = (now: number, fault: string | undefined) =>
  new Date(fault === "old" ? now - OUTDATED_AGE_SECONDS * 1000 : now).toISOString().slice(0, 10)

/** Makes a JSON response; the fault `truncated` cuts off its end. */
export const respond = (body: unknown, fault: string | undefined) => {
  const text = JSON.stringify(body)
  return HttpServerResponse.text(fault === "truncated" ? text.slice(0, -20) : text, {
    contentType: "application/json"
  })
}
