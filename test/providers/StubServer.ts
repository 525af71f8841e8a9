import { Effect } from "effect"
import { createServer, type IncomingMessage, type RequestListener } from "node:http"

/** Runs an HTTP server until the scope closes. Returns its URL. */
export const listen = (handler: RequestListener) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer(handler)
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return server
    }),
    (server) =>
      Effect.promise(async () => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
    })
  )

/** Parses a request to Flutterwave. */
export const parseQuery = (request: IncomingMessage) => {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost")
  return {
    pathname,
    amount: searchParams.get("amount") ?? "",
    from: searchParams.get("source_currency") ?? "",
    to: searchParams.get("destination_currency") ?? ""
  }
}

/** Flutterwave's response, with numbers formatted from doubles. */
export const quotation = (from: string, to: string, amount: number, source: number, rate: number) =>
  JSON.stringify({
    status: "success",
    message: "Transfer amount fetched",
    data: { rate, source: { currency: from, amount: source }, destination: { currency: to, amount } }
  })
