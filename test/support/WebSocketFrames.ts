export const CONTINUATION = 0
export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
export const PING = 9

/** Encodes a client frame, masked with zeros. */
export const frame = (
  opcode: number,
  payload: string | Uint8Array = "",
  { first = 0x80 | opcode, masked = true }: { first?: number; masked?: boolean } = {}
) => {
  const bytes = Buffer.from(payload)
  const size = bytes.length < 126 ? [bytes.length] : bytes.length < 65536 ? [126] : [127]
  const head = Buffer.alloc(bytes.length < 126 ? 0 : bytes.length < 65536 ? 2 : 8)
  if (head.length === 2) head.writeUInt16BE(bytes.length)
  if (head.length === 8) head.writeBigUInt64BE(BigInt(bytes.length))
  const sizeByte = (size[0] ?? 0) | (masked ? 0x80 : 0)
  return Buffer.concat([Buffer.from([first, sizeByte]), head, Buffer.alloc(masked ? 4 : 0), bytes])
}

/** Encodes the request of a WebSocket handshake. A header with an empty value is left out. */
export const handshake = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  [
    `GET ${path} HTTP/1.1`,
    ...Object.entries({
      Host: "localhost",
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers
    })
      .filter(([, value]) => value !== "")
      .map(([name, value]) => `${name}: ${value}`),
    "",
    ""
  ].join("\r\n")

/** Result of parsing the bytes from a server. */
export interface Parsed {
  /** A status line, the text of a frame, or the code of a close. */
  readonly text: string
  /** Bytes after the parsed part. */
  readonly remaining: Buffer
}

/** Parses the status line of the handshake response; undefined if it is incomplete. */
export const parseHead = (received: Buffer): Parsed | undefined => {
  const end = received.indexOf("\r\n\r\n")
  if (end === -1) return undefined
  const [text = ""] = received.subarray(0, end).toString("latin1").split("\r\n")
  return { text, remaining: received.subarray(end + 4) }
}

/** Parses the first frame; undefined if it is incomplete. */
export const parseFrame = (received: Buffer): Parsed | undefined => {
  if (received.length < 2) return undefined
  const short = received.readUInt8(1) & 0x7f
  const start = short < 126 ? 2 : short === 126 ? 4 : 10
  if (received.length < start) return undefined
  const size =
    short < 126 ? short : short === 126 ? received.readUInt16BE(2) : Number(received.readBigUInt64BE(2))
  if (received.length < start + size) return undefined
  const opcode = received.readUInt8(0) & 0x0f
  const payload = received.subarray(start, start + size)
  const remaining = received.subarray(start + size)
  const text =
    opcode === CLOSE ? `close ${payload.length < 2 ? 1005 : payload.readUInt16BE(0)}` : payload.toString()
  return { text, remaining }
}
