import { Effect } from "effect"
import { connect } from "node:net"
import { ProcessFailed } from "../Processes.ts"
import { InvalidRound } from "./InvalidRound.ts"
import { type LoadRequest, shuffled } from "./Requests.ts"

/** How many clients ask, and how often each of them. */
export interface Clients {
  readonly url: string
  readonly requests: ReadonlyArray<LoadRequest>
  readonly clients: number
  readonly requestsEach: number
}

/** How many milliseconds it takes until each client, on a connection of its own, has had its answers, one by one. */
export const complete = Effect.fnUntraced(function* ({ clients, requests, requestsEach, url }: Clients) {
  const startedAt = performance.now()
  const failures = yield* Effect.tryPromise({
    try: async () => Promise.all(Array.from({ length: clients }, () => ask(url, requests, requestsEach))),
    catch: (cause) => new ProcessFailed({ program: url, detail: String(cause) })
  })
  const millis = performance.now() - startedAt
  const failed = failures.reduce((sum, count) => sum + count, 0)
  return failed === 0 ? millis : yield* new InvalidRound({ url, failures: failed })
})

/** Asks on one connection, and returns how many answers were not a success. */
const ask = (url: string, requests: ReadonlyArray<LoadRequest>, count: number) =>
  new Promise<number>((resolve, reject) => {
    const { host, hostname, port } = new URL(url)
    const heads = shuffled(requests).map(
      ({ method, path }) => `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`
    )
    let [asked, failures, received] = [0, 0, ""]
    const socket = connect(Number(port), hostname)
    const next = () => {
      if (asked === count) {
        socket.destroy()
        resolve(failures)
      } else socket.write(heads[asked++ % heads.length] ?? "")
    }
    socket.setNoDelay(true).setEncoding("latin1")
    socket.on("connect", next)
    socket.on("data", (text: string) => {
      received += text
      const length = lengthOf(received)
      if (length === undefined || received.length < length) return
      if (!received.startsWith("HTTP/1.1 2")) failures++
      received = received.slice(length)
      next()
    })
    socket.on("error", reject)
    socket.on("close", () => reject(new Error("the connection was closed")))
  })

/** How long an answer is whose head has come. */
const lengthOf = (received: string) => {
  const end = received.indexOf("\r\n\r\n")
  const length = received.slice(0, end).match(/content-length: (\d+)/i)?.[1]
  return end < 0 || length === undefined ? undefined : end + 4 + Number(length)
}
