import { Option, Schema } from "effect"

/** A response as it was received. */
export interface RawResponse {
  readonly status: number
  /** By lower-case name. Repeated headers are joined with commas. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** A parsed response and the number of bytes it occupies. */
interface ParsedResponse {
  readonly response: RawResponse
  readonly length: number
}

const END_OF_CHUNKS = "0\r\n\r\n"

/**
 * Parses the first response; undefined while it is incomplete. Responses to `HEAD` have no body. An event stream counts as
 * complete after its first event.
 */
export const parse = (bytes: Buffer, method: string, isClosed: boolean): ParsedResponse | undefined => {
  const end = bytes.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const [statusLine = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n")
  const status = Number(/^HTTP\/1\.[01] (\d{3})( |$)/.exec(statusLine)?.[1])
  if (Number.isNaN(status)) throw new Error(`No status line: ${JSON.stringify(statusLine.slice(0, 100))}`)
  const headers = parseHeaders(lines)
  const start = end + 4
  const complete = (body: Buffer, length: number): ParsedResponse => ({
    response: { status, headers, body },
    length
  })
  // An interim response (1xx) precedes the final one.
  if (status < 200 && status !== 101) {
    const next = parse(bytes.subarray(start), method, isClosed)
    return next && { response: next.response, length: start + next.length }
  }
  if (method === "HEAD" || status === 204 || status === 304 || status === 101)
    return complete(Buffer.alloc(0), start)
  const rest = bytes.subarray(start)
  if (headers.get("content-type") === "text/event-stream") {
    const body = rest.includes("\n\n") ? decodeChunks(rest) : undefined
    return body && complete(body.content, bytes.length)
  }
  if (headers.get("transfer-encoding") === "chunked") {
    if (!rest.includes(END_OF_CHUNKS)) return undefined
    const body = decodeChunks(rest)
    return body.isComplete ? complete(body.content, start + body.length) : undefined
  }
  const contentLength = headers.get("content-length")
  if (contentLength === undefined) return isClosed ? complete(rest, bytes.length) : undefined
  return rest.length < Number(contentLength)
    ? undefined
    : complete(rest.subarray(0, Number(contentLength)), start + Number(contentLength))
}

const parseHeaders = (lines: ReadonlyArray<string>) => {
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(":")
    const name = line.slice(0, colon).toLowerCase()
    const previous = headers.get(name)
    const value = line.slice(colon + 1).trim()
    headers.set(name, previous === undefined ? value : `${previous}, ${value}`)
  }
  return headers
}

/** Decodes the complete chunks of a body. */
const decodeChunks = (bytes: Buffer) => {
  const contents: Array<Buffer> = []
  let at = 0
  for (;;) {
    const line = bytes.indexOf("\r\n", at)
    const size = line === -1 ? Number.NaN : Number.parseInt(bytes.subarray(at, line).toString("latin1"), 16)
    const isComplete = size === 0
    if (isComplete || Number.isNaN(size) || line + 2 + size + 2 > bytes.length)
      return { content: Buffer.concat(contents), isComplete, length: line + 4 }
    contents.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}

/** Larger bodies are not read for values. */
const MAX_JSON_BYTES = 100_000

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** Returns the JSON value of a response that is not an error; undefined if it has none. */
export const jsonOf = ({ body, status }: RawResponse): unknown =>
  status < 400 && body.length > 0 && body.length < MAX_JSON_BYTES
    ? Option.getOrUndefined(decodeJson(body.toString()))
    : undefined
