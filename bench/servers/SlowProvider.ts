import { Effect } from "effect"
import { createServer, type ServerResponse } from "node:http"
import * as Pairs from "../Pairs.ts"

/** The destination amount that is asked for without settings. */
const AMOUNT = 1_000_000
/** How far each answer is from the one before, as a fraction. */
const STEP = 0.0001
const STEPS = 50

/** A made-up answer of Flutterwave to each question about a pair, another one each time. */
const answersOf = ([from = "", to = "", rate = ""]: ReadonlyArray<string>) =>
  Array.from({ length: STEPS }, (_, step) => {
    const current = Number(rate) * (1 + step * STEP)
    return JSON.stringify({
      status: "success",
      message: "Transfer rates fetched",
      data: {
        rate: Number(current.toPrecision(6)),
        source: { currency: from, amount: AMOUNT / current },
        destination: { currency: to, amount: AMOUNT }
      }
    })
  })

const answers = new Map(
  Pairs.rates.split(",").map((item) => {
    const quoted = /(\w+):(\w+)=([\d.]+)/.exec(item)?.slice(1) ?? []
    return [`${quoted[0]}:${quoted[1]}`, answersOf(quoted)]
  })
)

/**
 * A Flutterwave with made-up rates that takes so long for each answer, and next to no processor time: that core is shared
 * with Postgres and Redis. Returns the settings that lead to it.
 */
export const listen = Effect.fnUntraced(function* (delayMillis: number) {
  let asked = 0
  const answer = (url: string, response: ServerResponse) => {
    const { searchParams } = new URL(url, "http://localhost")
    const pair = `${searchParams.get("source_currency")}:${searchParams.get("destination_currency")}`
    const ready = answers.get(pair) ?? []
    const text = ready[Math.floor(asked++ / answers.size) % STEPS]
    const send = () => {
      if (text === undefined) response.writeHead(400).end()
      else response.writeHead(200, { "content-type": "application/json" }).end(text)
    }
    setTimeout(send, delayMillis)
  }
  const server = yield* Effect.acquireRelease(
    Effect.sync(() => createServer(({ url = "" }, response) => answer(url, response))),
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
    FLUTTERWAVE_SECRET_KEY: "any-key",
    ALLOW_ANONYMOUS_CONVERT: "true"
  }
})
