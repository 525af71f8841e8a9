import { gzipSync } from "node:zlib"
import type { Operation } from "./Document.ts"

/** How the length of a body is told: as it is, in chunks, in other words, or not at all. */
export type Framing = "length" | "chunked" | "none" | { readonly length: string }

/** A request that is still being written. All is text as it goes over the wire, in which a character is a byte. */
export interface RequestDraft {
  /** What it was made for. */
  readonly name: string
  readonly operation: Operation | undefined
  method: string
  path: string
  /** Escaped already. */
  query: Array<readonly [name: string, value: string]>
  headers: Array<readonly [name: string, value: string]>
  body: Buffer | undefined
  framing: Framing
  /** Its end cannot be told from what would follow, so that it gets a connection of its own. */
  apart: boolean
}

/** A request as bytes. */
export interface Sent {
  readonly number: number
  readonly name: string
  readonly method: string
  readonly target: string
  readonly bytes: Buffer
  readonly apart: boolean
  /** Whether it was written as HTTP; if not, it is for the server itself to say so. */
  readonly legible: boolean
}

/** Where it is asked. */
export const targetOf = ({ path, query }: RequestDraft) =>
  query.length === 0 ? path : `${path}?${query.map((pair) => pair.join("=")).join("&")}`

/** The bytes of a draft. */
export const render = (draft: RequestDraft, number: number, host: string): Sent => {
  const { apart, body, framing, headers, method, name } = draft
  const target = targetOf(draft)
  const told = headers.some(([header]) => header.toLowerCase() === "host") ? [] : [`Host: ${host}`]
  const head = [
    `${method} ${target} HTTP/1.1`,
    ...told,
    ...headers.map((pair) => pair.join(": ")),
    ...lengthOf(framing, body),
    "",
    ""
  ].join("\r\n")
  const content = body ?? Buffer.alloc(0)
  const framed = framing === "chunked" && body !== undefined ? inChunks(content) : content
  const bytes = Buffer.concat([Buffer.from(head, "latin1"), framed])
  return { number, name, method, target, bytes, apart, legible: true }
}

const lengthOf = (framing: Framing, body: Buffer | undefined) => {
  if (typeof framing === "object") return [`Content-Length: ${framing.length}`]
  if (framing === "none" || body === undefined) return []
  return [framing === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`]
}

const CHUNK = 1_000

const inChunks = (body: Buffer) => {
  const chunks = Array.from({ length: Math.ceil(body.length / CHUNK) }, (_, i) => {
    const chunk = body.subarray(i * CHUNK, (i + 1) * CHUNK)
    return Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")])
  })
  return Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")])
}

/** A line for a shell that sends the same bytes again. */
export const reproduce = (
  { bytes }: Pick<Sent, "bytes">,
  { host, port }: { readonly host: string; readonly port: number }
) => {
  const plain = bytes.length < 4_000 && /^[\x20-\x7e\r\n]*$/.test(bytes.toString("latin1"))
  const written = plain
    ? `printf '%b' '${escaped(bytes.toString("latin1"))}'`
    : `echo ${gzipSync(bytes).toString("base64")} | base64 -d | gunzip`
  return `${written} | nc -q 5 ${host} ${port}`
}

const escaped = (text: string) =>
  text.replaceAll("\\", "\\\\").replaceAll("'", "\\047").replaceAll("\r", "\\r").replaceAll("\n", "\\n")
