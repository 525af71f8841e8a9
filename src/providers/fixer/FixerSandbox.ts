import { Clock, Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as SandboxFaults from "../sandbox/SandboxFaults.ts"
import type { SandboxMidRates } from "../sandbox/SandboxMidRates.ts"
import * as SandboxTable from "../sandbox/SandboxTable.ts"

/** Simulates Fixer's `GET /latest` on the free plan: the base is always the euro. Accepts any key. */
export const make = (mids: SandboxMidRates) => {
  const faults = SandboxFaults.make<SandboxFaults.FixerFault>()
  let requests = 0

  const latest = Effect.gen(function* () {
    requests++
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const query = yield* HttpServerRequest.ParsedSearchParams
    if ((query["access_key"] ?? headers["apikey"] ?? "") === "") {
      return error(101, "missing_access_key", "You have not supplied an API Access Key.")
    }
    const base = query["base"] ?? "EUR"
    if (base !== "EUR") return error(105, "base_currency_access_restricted")
    const codes = SandboxTable.requestedCodes(query["symbols"])
    if (codes.length === 0) return error(202, "invalid_currency_codes")
    const requestFault = yield* faults.next(SandboxTable.pairsOf(base, codes))
    const { fault } = requestFault
    switch (fault) {
      case "hang":
        return yield* Effect.never
      case "quota":
        return error(104, "monthly_usage_limit_reached", "Your monthly API request volume has been reached.")
      case "429":
        return HttpServerResponse.jsonUnsafe({ message: "Too many requests" }, { status: 429 })
      case "500":
        return HttpServerResponse.text("Internal Server Error", { status: 500 })
      default: {
        const date = SandboxTable.dayOf(yield* Clock.currentTimeMillis, fault)
        const { rates, timestamp } = yield* SandboxTable.fieldsOf(mids, base, codes, requestFault)
        return SandboxTable.respond({ success: true, timestamp, base, date, rates }, fault)
      }
    }
  })

  return {
    ...faults,
    requests: Effect.sync(() => requests),
    routes: [HttpRouter.route("GET", "/fixer/latest", latest)]
  }
}

/** Fixer sends errors with status 200. */
const error = (code: number, type: string, info?: string) =>
  HttpServerResponse.jsonUnsafe({
    success: false,
    error: info === undefined ? { code, type } : { code, type, info }
  })
