/** Serializes headers as lines, without validation: names and values must be safe. */
export const toLines = (headers: Readonly<Record<string, string>>): string => {
  let lines = ""
  for (const name in headers) lines += `${name}: ${headers[name]}\r\n`
  return lines
}

let cachedSecond = Number.NaN
let cachedDate = ""

/** Formats epoch milliseconds as an HTTP date (RFC 9110, 5.6.7). Cached for the current second. */
export const formatDate = (millis: number): string => {
  const second = Math.floor(millis / 1000)
  if (second !== cachedSecond) {
    cachedSecond = second
    cachedDate = new Date(millis).toUTCString()
  }
  return cachedDate
}

/** Returns the fastest encoding for a text of `byteLength` bytes of UTF-8: Node writes ASCII faster as Latin-1. */
export const encodingOf = (text: string, byteLength: number): BufferEncoding =>
  byteLength === text.length ? "latin1" : "utf8"
