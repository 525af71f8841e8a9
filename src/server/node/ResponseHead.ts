import type { ServerResponse } from "node:http"

/** What Node keeps of an answer: the head that it has written, and sends with the beginning of the body. */
interface Headed {
  _header?: string | null
}

/** The lines of headers that need no look at what is in them. */
export const linesOf = (headers: Readonly<Record<string, string>>): string => {
  let lines = ""
  for (const name in headers) lines += `${name}: ${headers[name]}\r\n`
  return lines
}

let second = Number.NaN
let date = ""

/** The date of a moment in milliseconds as HTTP writes it (RFC 9110, 5.6.7), made once a second. */
export const dateAt = (now: number): string => {
  const current = Math.floor(now / 1000)
  if (current !== second) {
    second = current
    date = new Date(now).toUTCString()
  }
  return date
}

/** How a text of so many bytes of UTF-8 is sent: Node writes ASCII sooner where it is told so. */
export const encodingOf = (text: string, bytes: number): BufferEncoding =>
  bytes === text.length ? "latin1" : "utf8"

/**
 * Answers with a head of such lines, from the status on, that is ready: Node would look at each header anew, and write
 * it, which takes more time than a lookup does.
 */
export const send = (
  response: ServerResponse & Headed,
  head: string,
  text: string,
  encoding: BufferEncoding
): void => {
  response._header = `${head}\r\n`
  response.end(text, encoding)
}
