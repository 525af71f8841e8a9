import { gzipSync } from "node:zlib"
import type { Operation } from "../Document.ts"

/** Framing of the body: its true length, chunks, no length, or a wrong length. */
export type Framing = "length" | "chunked" | "none" | { readonly length: string }

/** A request under construction. Each character of its text is one byte on the wire. */
export interface RequestDraft {
  /** Name of the operation or input that it was made for. */
  readonly name: string
  readonly operation: Operation | undefined
  method: string
  path: string
  /** Percent-encoded. */
  query: Array<readonly [name: string, value: string]>
  headers: Array<readonly [name: string, value: string]>
  body: Buffer | undefined
  framing: Framing
  /** True if its end is ambiguous, so that nothing may follow on the same connection. */
  needsOwnConnection: boolean
}

/** A request as bytes. */
export interface RenderedRequest {
  readonly number: number
  readonly name: string
  readonly method: string
  readonly target: string
  readonly bytes: Buffer
  readonly needsOwnConnection: boolean
  /** False for bytes that are not HTTP, which the server rejects before routing. */
  readonly isWellFormed: boolean
}

/** Path and query of a draft. */
export const targetOf = ({ path, query }: RequestDraft) =>
  query.length === 0 ? path : `${path}?${query.map((pair) => pair.join("=")).join("&")}`

/** Renders a draft as bytes. */
export const render = (draft: RequestDraft, number: number, host: string): RenderedRequest => {
  const { needsOwnConnection, body, framing, headers, method, name } = draft
  const target = targetOf(draft)
  const hostHeader = headers.some(([header]) => header.toLowerCase() === "host") ? [] : [`Host: ${host}`]
  const head = [
    `${method} ${target} HTTP/1.1`,
    ...hostHeader,
    ...headers.map((pair) => pair.join(": ")),
    ...framingHeaders(framing, body),
    "",
    ""
  ].join("\r\n")
  const content = body ?? Buffer.alloc(0)
  const framed = framing === "chunked" && body !== undefined ? encodeChunks(content) : content
  const bytes = Buffer.concat([Buffer.from(head, "latin1"), framed])
  return { number, name, method, target, bytes, needsOwnConnection, isWellFormed: true }
}

const framingHeaders = (framing: Framing, body: Buffer | undefined) => {
  if (typeof framing === "object") return [`Content-Length: ${framing.length}`]
  if (framing === "none" || body === undefined) return []
  return [framing === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`]
}

const CHUNK_BYTES = 1_000

const encodeChunks = (body: Buffer) => {
  const chunks = Array.from({ length: Math.ceil(body.length / CHUNK_BYTES) }, (_, i) => {
    const chunk = body.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)
    return Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")])
  })
  return Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")])
}

/** Returns a shell command that sends the same bytes. */
export const reproduce = (
  { bytes }: Pick<RenderedRequest, "bytes">,
  { host, port }: { readonly host: string; readonly port: number }
) => {
  const isPrintable = bytes.length < 4_000 && /^[\x20-\x7e\r\n]*$/.test(bytes.toString("latin1"))
  const output = isPrintable
    ? `printf '%b' '${escaped(bytes.toString("latin1"))}'`
    : `echo ${gzipSync(bytes).toString("base64")} | base64 -d | gunzip`
  return `${output} | nc -q 5 ${host} ${port}`
}

const escaped = (text: string) =>
  text.replaceAll("\\", "\\\\").replaceAll("'", "\\047").replaceAll("\r", "\\r").replaceAll("\n", "\\n")
