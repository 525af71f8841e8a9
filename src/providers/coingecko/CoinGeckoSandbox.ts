import { Clock, Effect } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as SandboxFaults from "../sandbox/SandboxFaults.ts"
import * as SandboxPrices from "../sandbox/SandboxPrices.ts"
import * as SandboxTable from "../sandbox/SandboxTable.ts"

const DECIMALS = 8
/** Age of prices with the fault `old`, in seconds. */
const OLD_AGE_SECONDS = 24 * 60 * 60

/** Simulates CoinGecko's `GET /simple/price` on the demo plan, with a price for every id. Accepts any key. */
export const make = (prices: SandboxPrices.SandboxPrices) => {
  const faults = SandboxFaults.make<SandboxFaults.CoinGeckoFault>(SandboxFaults.PRICE_JUMP)
  let requests = 0

  const simplePrice = Effect.gen(function* () {
    requests++
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const query = yield* HttpServerRequest.ParsedSearchParams
    if ((headers["x-cg-demo-api-key"] ?? headers["x-cg-pro-api-key"] ?? "") === "")
      return error(
        401,
        10002,
        "API Key Missing. Please make sure you're using the right authentication method."
      )
    const ids = String(query["ids"] ?? "")
      .split(",")
      .filter((id) => id !== "")
    if (ids.length === 0)
      return HttpServerResponse.jsonUnsafe({ error: "Missing parameter ids" }, { status: 422 })
    const requestFault = yield* faults.next(ids.map(SandboxPrices.pairOf))
    const { fault } = requestFault
    switch (fault) {
      case "hang":
        return yield* Effect.never
      case "429":
        return HttpServerResponse.setHeader(
          error(429, 429, "You've exceeded the Rate Limit. Please visit the pricing page to subscribe."),
          "retry-after",
          "1"
        )
      case "500":
        return HttpServerResponse.text("Internal Server Error", { status: 500 })
      case "html":
        return HttpServerResponse.html("<!DOCTYPE html><title>Just a moment...</title>")
      default:
        return SandboxTable.respond(yield* coinsOf(ids, requestFault), fault)
    }
  })

  const coinsOf = Effect.fnUntraced(function* (
    ids: ReadonlyArray<string>,
    { affects, distort, fault }: SandboxFaults.RequestFault<SandboxFaults.CoinGeckoFault>
  ) {
    const now = yield* Clock.currentTimeMillis
    const seconds = Math.floor(now / 1000)
    const coins: Record<string, unknown> = {}
    for (const id of ids) {
      const pair = SandboxPrices.pairOf(id)
      if (fault === "missing" && affects(pair)) continue
      const isOld = fault === "old" && affects(pair)
      const usd =
        fault === "null-price" && affects(pair)
          ? null
          : ExactJson.number(distort(pair, yield* prices.price(id, now, DECIMALS)))
      coins[id] = { usd, last_updated_at: isOld ? seconds - OLD_AGE_SECONDS : seconds }
    }
    return coins
  })

  return {
    ...faults,
    requests: Effect.sync(() => requests),
    routes: [HttpRouter.route("GET", "/coingecko/api/v3/simple/price", simplePrice)]
  }
}

const error = (status: number, code: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ status: { error_code: code, error_message: message } }, { status })
