import { Effect } from "effect"
import { createServer, type ServerResponse } from "node:http"
import * as Pairs from "../Pairs.ts"

/** Destination amount that effex requests by default. */
const DESTINATION_AMOUNT = 1_000_000
/** Relative difference between consecutive rates. */
const RATE_STEP = 0.0001
const RATES_PER_PAIR = 50
const PRICES_PATH = "/simple/price"

/** Generates Flutterwave responses for a pair, each with a different rate. */
const responsesFor = ([from = "", to = "", rate = ""]: ReadonlyArray<string>) =>
  Array.from({ length: RATES_PER_PAIR }, (_, step) => {
    const current = Number(rate) * (1 + step * RATE_STEP)
    return JSON.stringify({
      status: "success",
      message: "Transfer rates fetched",
      data: {
        rate: Number(current.toPrecision(6)),
        source: { currency: from, amount: DESTINATION_AMOUNT / current },
        destination: { currency: to, amount: DESTINATION_AMOUNT }
      }
    })
  })

const responses = new Map(
  Pairs.rates.split(",").map((item) => {
    const quoted = /(\w+):(\w+)=([\d.]+)/.exec(item)?.slice(1) ?? []
    return [`${quoted[0]}:${quoted[1]}`, responsesFor(quoted)]
  })
)

/** Generates CoinGecko's response for coins: the prices grow by a step with each request. */
const pricesOf = (ids: ReadonlyArray<string>, step: number) => {
  const updatedAt = Math.floor(Date.now() / 1000)
  const coins = ids.map((id, i) => [
    id,
    { usd: (i + 1) * (1 + step * RATE_STEP), last_updated_at: updatedAt }
  ])
  return JSON.stringify(Object.fromEntries(coins))
}

/**
 * Starts a fake Flutterwave and CoinGecko that delay each response. Rates are serialized in advance to use little CPU, because
 * PostgreSQL and Redis share the core. Returns the settings that point effex to it.
 */
export const listen = Effect.fnUntraced(function* (delayMillis: number) {
  let requestCount = 0
  const respond = (url: string, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(url, "http://localhost")
    const ids = pathname === PRICES_PATH ? (searchParams.get("ids") ?? "").split(",") : undefined
    const pair = `${searchParams.get("source_currency")}:${searchParams.get("destination_currency")}`
    const pairResponses = responses.get(pair) ?? []
    const step = Math.floor(requestCount++ / responses.size) % RATES_PER_PAIR
    const body = ids === undefined ? pairResponses[step] : pricesOf(ids, step)
    const send = () => {
      if (body === undefined) response.writeHead(400).end()
      else response.writeHead(200, { "content-type": "application/json" }).end(body)
    }
    setTimeout(send, delayMillis)
  }
  const server = yield* Effect.acquireRelease(
    Effect.sync(() => createServer(({ url = "" }, response) => respond(url, response))),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  const port = yield* Effect.callback<number>((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
  return {
    FLUTTERWAVE_BASE_URL: `http://127.0.0.1:${port}`,
    COINGECKO_BASE_URL: `http://127.0.0.1:${port}`,
    FLUTTERWAVE_SECRET_KEY: "any-key",
    ALLOW_ANONYMOUS_CONVERT: "true"
  }
})
