/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number
  /** By lower-case name; of one that stands there twice, both. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** An answer, and how many bytes it took. */
interface Taken {
  readonly answer: Answer
  readonly used: number
}

const END_OF_CHUNKS = "0\r\n\r\n"

/**
 * Reads the first answer; undefined while there is not all of it. To `HEAD` there is never a body. A stream is read as
 * far as its first event.
 */
export const take = (bytes: Buffer, method: string, ended: boolean): Taken | undefined => {
  const end = bytes.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const [statusLine = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n")
  const status = Number(/^HTTP\/1\.[01] (\d{3})( |$)/.exec(statusLine)?.[1])
  if (Number.isNaN(status)) throw new Error(`No status line: ${JSON.stringify(statusLine.slice(0, 100))}`)
  const headers = headersOf(lines)
  const start = end + 4
  const of = (body: Buffer, used: number): Taken => ({ answer: { status, headers, body }, used })
  // What is told meanwhile (100) is not the answer yet.
  if (status < 200 && status !== 101) {
    const next = take(bytes.subarray(start), method, ended)
    return next && { answer: next.answer, used: start + next.used }
  }
  if (method === "HEAD" || status === 204 || status === 304 || status === 101)
    return of(Buffer.alloc(0), start)
  const rest = bytes.subarray(start)
  if (headers.get("content-type") === "text/event-stream") {
    const body = rest.includes("\n\n") ? chunksOf(rest) : undefined
    return body && of(body.content, bytes.length)
  }
  if (headers.get("transfer-encoding") === "chunked") {
    if (!rest.includes(END_OF_CHUNKS)) return undefined
    const body = chunksOf(rest)
    return body.complete ? of(body.content, start + body.used) : undefined
  }
  const length = headers.get("content-length")
  if (length === undefined) return ended ? of(rest, bytes.length) : undefined
  return rest.length < Number(length)
    ? undefined
    : of(rest.subarray(0, Number(length)), start + Number(length))
}

const headersOf = (lines: ReadonlyArray<string>) => {
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(":")
    const name = line.slice(0, colon).toLowerCase()
    const before = headers.get(name)
    const value = line.slice(colon + 1).trim()
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return headers
}

/** What is in the chunks that are there. */
const chunksOf = (bytes: Buffer) => {
  const contents: Array<Buffer> = []
  let at = 0
  for (;;) {
    const line = bytes.indexOf("\r\n", at)
    const size = line === -1 ? Number.NaN : Number.parseInt(bytes.subarray(at, line).toString("latin1"), 16)
    const complete = size === 0
    if (complete || Number.isNaN(size) || line + 2 + size + 2 > bytes.length)
      return { content: Buffer.concat(contents), complete, used: line + 4 }
    contents.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}
