import { BigDecimal, Clock, Effect, Option } from "effect"
import { HttpServerResponse } from "effect/http"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import type { Befallen } from "./SandboxFaults.ts"
import * as SandboxMidRates from "./SandboxMidRates.ts"

/** Decimals of the rates of Fixer and Open Exchange Rates. */
const DECIMALS = 6

/** How old a rate is that is too old for everybody, in seconds. */
const OLD = 10 * 24 * 60 * 60

/** The currencies of a query; all of them where none are named. */
export const named = (query: string | ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  typeof query === "string" && query !== ""
    ? query.split(",").filter((code) => SandboxMidRates.codes.includes(code))
    : SandboxMidRates.codes

/** The pairs of a table, as an order for a fault names them. */
export const pairsOf = (pivot: string, codes: ReadonlyArray<string>) =>
  codes.map((code) => `${pivot}:${code}`)

/** `timestamp` and `rates`, as Fixer and Open Exchange Rates both write them. */
export const fieldsOf = Effect.fnUntraced(function* (
  mids: SandboxMidRates.SandboxMidRates,
  pivot: string,
  codes: ReadonlyArray<string>,
  { distorted, fault }: Befallen<string>
) {
  const now = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const rates: Record<string, unknown> = {}
  for (const code of codes) {
    const rate = yield* mids.rate(pivot, code, String(now))
    if (Option.isSome(rate)) {
      const made = distorted(`${pivot}:${code}`, rate.value)
      rates[code] = ExactJson.number(BigDecimal.round(made, { scale: DECIMALS, mode: "half-even" }))
    } else if (code === pivot) rates[code] = 1
  }
  return { timestamp: fault === "old" ? now - OLD : now, rates }
})

/** The day of an answer, such as `2026-11-20`: today's, or for the fault `old` one that is long gone. */
export const dayOf = (now: number, fault: string | undefined) =>
  new Date(fault === "old" ? now - OLD * 1000 : now).toISOString().slice(0, 10)

/** An answer, whole or, for the fault `truncated`, without its end. */
export const answer = (body: unknown, fault: string | undefined) => {
  const text = JSON.stringify(body)
  return HttpServerResponse.text(fault === "truncated" ? text.slice(0, -20) : text, {
    contentType: "application/json"
  })
}
