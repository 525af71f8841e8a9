import { Effect } from "effect"
import { connect } from "node:net"

/** One answer, as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface Exchange {
  readonly answers: ReadonlyArray<RawAnswer>
  /** What came behind the last answer that could be read. */
  readonly rest: string
  /** Until the last of the answers that were waited for. */
  readonly millis: number
}

interface Options {
  /** How many answers to wait for. */
  readonly answers?: number
  /** The answer to HEAD has no body, whatever its length says. */
  readonly bodiless?: boolean
  /** Waits until the server has closed the connection. */
  readonly untilClosed?: boolean
}

const DEADLINE_MILLIS = 5_000

/** Sends bytes over a socket of their own, and returns what came back, at the latest when the server has closed it. */
export const exchange = (port: number, bytes: string | Uint8Array, options: Options = {}) =>
  Effect.callback<Exchange>((resume) => {
    const startedAt = performance.now()
    const chunks: Array<Buffer> = []
    let size = 0
    let enough = 0
    const socket = connect({ port, host: "127.0.0.1" })
    const read = () => parse(Buffer.concat(chunks).toString("latin1"), options.bodiless === true)
    const finish = () => {
      clearTimeout(timer)
      socket.destroy()
      const { answers, rest } = read()
      resume(Effect.succeed({ answers, rest, millis: performance.now() - startedAt }))
    }
    const timer = setTimeout(finish, DEADLINE_MILLIS)
    socket.on("data", (chunk) => {
      chunks.push(chunk)
      size += chunk.length
      if (options.untilClosed === true || size < enough) return
      const { answers, rest, wanted } = read()
      if (answers.length >= (options.answers ?? 1)) finish()
      else enough = size - rest.length + wanted
    })
    // A server may close while it is still being written to.
    socket.on("error", () => {})
    socket.on("close", finish)
    socket.write(bytes)
    return Effect.sync(finish)
  })

/** Reads as many answers as there are, and says how much there must be for one more. */
const parse = (text: string, bodiless: boolean) => {
  const answers: Array<RawAnswer> = []
  let rest = text
  for (;;) {
    const end = rest.indexOf("\r\n\r\n")
    const [statusLine = "", ...lines] = rest.slice(0, Math.max(0, end)).split("\r\n")
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]
    if (end === -1 || status === undefined) return { answers, rest, wanted: 0 }
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(":")
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
      })
    )
    const length = bodiless || status === "304" ? 0 : Number(headers.get("content-length") ?? 0)
    const wanted = end + 4 + length
    if (rest.length < wanted) return { answers, rest, wanted }
    answers.push({ status: Number(status), headers, body: rest.slice(end + 4, wanted) })
    rest = rest.slice(wanted)
  }
}
