import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as SandboxFaults from "../sandbox/SandboxFaults.ts"
import type { SandboxMidRates } from "../sandbox/SandboxMidRates.ts"
import * as SandboxTable from "../sandbox/SandboxTable.ts"

/** Simulates Open Exchange Rates' `GET /latest.json` on the free plan: the base is always the dollar. Accepts any app id. */
export const make = (mids: SandboxMidRates) => {
  const faults = SandboxFaults.make<SandboxFaults.OpenExchangeRatesFault>()
  let requests = 0

  const latest = Effect.gen(function* () {
    requests++
    const query = yield* HttpServerRequest.ParsedSearchParams
    if ((query["app_id"] ?? "") === "") return error(401, "missing_app_id", "No App ID provided.")
    const base = query["base"] ?? "USD"
    if (base !== "USD") return notAllowed
    const codes = SandboxTable.requestedCodes(query["symbols"])
    const requestFault = yield* faults.next(SandboxTable.pairsOf(base, codes))
    const { fault } = requestFault
    switch (fault) {
      case "hang":
        return yield* Effect.never
      case "not-allowed":
        return notAllowed
      case "429":
        return error(429, "too_many_requests", "Too many requests.")
      case "500":
        return error(500, "internal_error", "An unexpected error occurred.")
      default: {
        const fields = yield* SandboxTable.fieldsOf(mids, base, codes, requestFault)
        return SandboxTable.respond(
          { disclaimer: "Generated sample data.", license: "None.", base, ...fields },
          fault
        )
      }
    }
  })

  return {
    ...faults,
    requests: Effect.sync(() => requests),
    routes: [HttpRouter.route("GET", "/openexchangerates/latest.json", latest)]
  }
}

const error = (status: number, message: string, description: string) =>
  HttpServerResponse.jsonUnsafe({ error: true, status, message, description }, { status })

/** Error for a feature that the plan does not include, which has status 429. */
const notAllowed = error(429, "not_allowed", "Changing the API `base` currency is not in this plan.")
