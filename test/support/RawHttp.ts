import { Effect } from "effect"
import { connect } from "node:net"
import { TIMEOUT_MILLIS } from "./Waiters.ts"

/** One response as it was sent. */
export interface RawResponse {
  readonly status: number
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface Exchange {
  readonly responses: ReadonlyArray<RawResponse>
  /** Bytes after the last complete response. */
  readonly rest: string
  /** True if the server closed the connection. */
  readonly isClosed: boolean
}

interface Options {
  /** Number of responses to wait for. */
  readonly responses?: number
  /** Set for HEAD, whose responses have a `Content-Length` but no body. */
  readonly bodiless?: boolean
  /** Waits until the server has closed the connection. */
  readonly untilClosed?: boolean
}

/**
 * Sends bytes over a new socket. Returns the expected responses, or fewer if the server closes the connection. Fails if
 * the server does neither.
 */
export const exchange = (port: number, bytes: string | Uint8Array, options: Options = {}) =>
  Effect.callback<Exchange>((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    let requiredSize = 0
    const socket = connect({ port, host: "127.0.0.1" })
    const read = () => parse(Buffer.concat(chunks).toString("latin1"), options.bodiless === true)
    const stop = () => {
      clearTimeout(timer)
      socket.removeAllListeners("close").destroy()
    }
    const finish = (isClosed: boolean) => {
      stop()
      const { responses, rest } = read()
      resume(Effect.succeed({ responses, rest, isClosed }))
    }
    const timer = setTimeout(() => {
      stop()
      const { responses } = read()
      const missing = `${responses.length} responses and no end of the connection after ${TIMEOUT_MILLIS} ms`
      resume(Effect.die(new Error(missing)))
    }, TIMEOUT_MILLIS)
    socket.on("data", (chunk) => {
      chunks.push(chunk)
      size += chunk.length
      if (options.untilClosed === true || size < requiredSize) return
      const { missing, responses } = read()
      if (responses.length >= (options.responses ?? 1)) finish(false)
      else requiredSize = size + missing
    })
    // The server may close the connection while the request is still being written.
    socket.on("error", () => {})
    socket.on("close", () => finish(true))
    socket.write(bytes)
    return Effect.sync(stop)
  })

/** Parses all complete responses. `missing` is the number of bytes that the next one needs, where that is known. */
const parse = (text: string, bodiless: boolean) => {
  const responses: Array<RawResponse> = []
  let rest = text
  for (;;) {
    const end = rest.indexOf("\r\n\r\n")
    const [statusLine = "", ...lines] = rest.slice(0, Math.max(0, end)).split("\r\n")
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]
    if (end === -1 || status === undefined) return { responses, rest, missing: 0 }
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(":")
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
      })
    )
    const length = bodiless || status === "304" ? 0 : Number(headers.get("content-length") ?? 0)
    const total = end + 4 + length
    if (rest.length < total) return { responses, rest, missing: total - rest.length }
    responses.push({ status: Number(status), headers, body: rest.slice(end + 4, total) })
    rest = rest.slice(total)
  }
}
