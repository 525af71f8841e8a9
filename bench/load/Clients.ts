import { Effect } from "effect"
import { connect } from "node:net"
import { ProcessFailed } from "../Processes.ts"
import { InvalidRound } from "./InvalidRound.ts"
import { type LoadRequest, shuffled } from "./Requests.ts"

/** Clients that send their requests one after the other. */
export interface SequentialClients {
  readonly url: string
  readonly requests: ReadonlyArray<LoadRequest>
  readonly clients: number
  readonly requestsEach: number
}

/** Runs clients concurrently, each on its own connection. Returns the milliseconds until all have their responses. */
export const measureMillis = Effect.fnUntraced(function* ({
  clients,
  requests,
  requestsEach,
  url
}: SequentialClients) {
  const startedAt = performance.now()
  const failures = yield* Effect.tryPromise({
    try: async () =>
      Promise.all(Array.from({ length: clients }, () => runClient(url, requests, requestsEach))),
    catch: (cause) => new ProcessFailed({ program: url, detail: String(cause) })
  })
  const millis = performance.now() - startedAt
  const failed = failures.reduce((sum, count) => sum + count, 0)
  return failed === 0 ? millis : yield* new InvalidRound({ url, failures: failed })
})

/** Sends requests on one connection. Returns the number of responses without status 2xx. */
const runClient = (url: string, requests: ReadonlyArray<LoadRequest>, count: number) =>
  new Promise<number>((resolve, reject) => {
    const { host, hostname, port } = new URL(url)
    const heads = shuffled(requests).map(
      ({ method, path }) => `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`
    )
    let [sent, failures, received] = [0, 0, ""]
    const socket = connect(Number(port), hostname)
    const sendNext = () => {
      if (sent === count) {
        socket.destroy()
        resolve(failures)
      } else socket.write(heads[sent++ % heads.length] ?? "")
    }
    socket.setNoDelay(true).setEncoding("latin1")
    socket.on("connect", sendNext)
    socket.on("data", (text: string) => {
      received += text
      const length = responseLength(received)
      if (length === undefined || received.length < length) return
      if (!received.startsWith("HTTP/1.1 2")) failures++
      received = received.slice(length)
      sendNext()
    })
    socket.on("error", reject)
    socket.on("close", () => reject(new Error("the server closed the connection")))
  })

/** Returns the length of a response once its head is complete. */
const responseLength = (received: string) => {
  const end = received.indexOf("\r\n\r\n")
  const length = received.slice(0, end).match(/content-length: (\d+)/i)?.[1]
  return end < 0 || length === undefined ? undefined : end + 4 + Number(length)
}
