import { Effect } from "effect"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"

/** A request that the server received. */
export interface ReceivedRequest {
  readonly method: string | undefined
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Respond = (response: ServerResponse, request: ReceivedRequest) => void

/** Responds with JSON. */
export const json =
  (status: number, body: object, headers: Readonly<Record<string, string>> = {}): Respond =>
  (response) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))

/** Responds with a problem. */
export const problem = (
  status: number,
  code: string,
  retryable: boolean,
  headers: Readonly<Record<string, string>> = {}
): Respond => json(status, { code, status, title: code, detail: `about ${code}`, retryable }, headers)

/** Closes the connection without a response. */
export const reset: Respond = (response) => response.destroy()

/** Never responds. */
export const silence: Respond = () => {}

/** Listens on a free port. Request n gets response n, and later requests the last one. */
export const listen = (...script: ReadonlyArray<Respond>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const requests: Array<ReceivedRequest> = []
      const server = createServer(async (request, response) => {
        let body = ""
        for await (const chunk of request) body += String(chunk)
        const { headers, method, url = "" } = request
        const received = { method, path: url, headers, body }
        requests.push(received)
        script[Math.min(requests.length, script.length) - 1]?.(response, received)
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      return { server, requests, url: `http://127.0.0.1:${port}` }
    }),
    ({ server }) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
