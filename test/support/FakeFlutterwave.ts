import { BigDecimal, Effect } from "effect"
import { createServer, type ServerResponse } from "node:http"
import * as Decimal from "../../src/domain/money/Decimal.ts"

/** Rate of each quoted pair, such as `KES:USD`. Rates with a terminating inverse give exact results. */
export type Quotes = Readonly<Record<string, string>>

/**
 * Starts a server in the shape of Flutterwave's v3 that quotes only some pairs, and counts the requests for each. It is not
 * the sandbox: as another implementation would, it refuses a pair with a message of its own.
 */
export const listen = (initial: Quotes) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      let quotes = initial
      let status: number | undefined
      let delay = 0
      const requests: Array<string> = []
      const respond = (response: ServerResponse, code: number, body: object | string) =>
        response
          .writeHead(code, { "content-type": "application/json" })
          .end(typeof body === "string" ? body : JSON.stringify(body))
      const server = createServer((request, response) => {
        const query = new URL(request.url ?? "", "http://localhost").searchParams
        const [from, to] = [query.get("source_currency"), query.get("destination_currency")]
        const amount = query.get("amount") ?? ""
        const pair = `${from}:${to}`
        requests.push(pair)
        const rate = quotes[pair]
        const answer = () => {
          if (status !== undefined)
            return respond(response, status, { status: "error", message: "Application error", data: null })
          if (rate === undefined)
            return respond(response, 400, {
              status: "error",
              message: `Transfers from ${from} to ${to} are not offered`,
              data: null
            })
          const source = Decimal.format(
            Decimal.quotient(BigDecimal.fromStringUnsafe(amount), BigDecimal.fromStringUnsafe(rate))
          )
          return respond(
            response,
            200,
            `{"status":"success","message":"Transfer rates fetched","data":{"rate":${rate},"source":{"currency":"${from}","amount":${source}},"destination":{"currency":"${to}","amount":${amount}}}}`
          )
        }
        setTimeout(answer, delay)
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      return {
        server,
        url: `http://127.0.0.1:${port}`,
        /** Pair of each request, in order. */
        requests,
        /** Number of requests for a pair. */
        requestsFor: (pair: string) => requests.filter((requested) => requested === pair).length,
        /** Replaces the quoted pairs. */
        quote: (next: Quotes) => {
          quotes = next
        },
        /** Fails all further requests with a status, or none. */
        failWith: (next: number | undefined) => {
          status = next
        },
        /** Delays all further responses. */
        delayBy: (millis: number) => {
          delay = millis
        }
      }
    }),
    ({ server }) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
