import type { RandomChoice } from "./RandomChoice.ts"
import type { Sent } from "./RequestDraft.ts"

const GOOD = "GET /api/v1/currencies HTTP/1.1\r\nHost: localhost\r\n\r\n"
const BODY = '{"amount":"1","from_currency":"USD","to_currency":"NGN"}'

const post = (headers: ReadonlyArray<string>, body: string) =>
  [
    "POST /api/v1/quotes HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/json",
    "Authorization: Bearer {key}",
    ...headers,
    "",
    body
  ].join("\r\n")

const chunked = (body: string) => post(["Transfer-Encoding: chunked"], body)

const get = (line: string, headers: ReadonlyArray<string> = ["Host: localhost"]) =>
  [line, ...headers, "", ""].join("\r\n")

/** What is no HTTP, or is two requests to one reader and one request to another. */
const shapes: Readonly<Record<string, string>> = {
  // Where a body ends
  "both a length and chunks": post(
    [`Content-Length: ${BODY.length}`, "Transfer-Encoding: chunked"],
    `0\r\n\r\n${GOOD}`
  ),
  "chunks and then a length": post(
    ["Transfer-Encoding: chunked", "Content-Length: 4"],
    `1\r\na\r\n0\r\n\r\n${GOOD}`
  ),
  "two lengths": post(["Content-Length: 2", `Content-Length: ${BODY.length}`], BODY),
  "the same length twice": post([`Content-Length: ${BODY.length}`, `Content-Length: ${BODY.length}`], BODY),
  "a length with a sign": post([`Content-Length: +${BODY.length}`], BODY),
  "a length in hexadecimal": post(["Content-Length: 0x2"], BODY),
  "a length beyond all numbers": post(["Content-Length: 999999999999999999999999"], BODY),
  "a length of nothing": post(["Content-Length: "], BODY),
  "a body shorter than it says": post(["Content-Length: 500"], BODY),
  "a body longer than it says": post(["Content-Length: 2"], BODY),
  "a request hidden in a body": post([`Content-Length: ${GOOD.length}`], GOOD),
  "chunked written oddly": post(["Transfer-Encoding: xchunked"], BODY),
  "chunked behind a tab": post(["Transfer-Encoding:\tchunked"], "0\r\n\r\n"),
  "chunked before a blank": post(["Transfer-Encoding : chunked"], "0\r\n\r\n"),
  "chunked twice": post(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
  "chunked and then identity": post(["Transfer-Encoding: chunked, identity"], "0\r\n\r\n"),
  "chunked, compressed": post(["Transfer-Encoding: gzip, chunked"], "0\r\n\r\n"),
  "chunked folded": post(["Transfer-Encoding:\r\n chunked"], "0\r\n\r\n"),
  // Chunks
  "a chunk of no size": chunked(`\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk of letters": chunked(`zz\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk of less than nothing": chunked(`-1\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk beyond all numbers": chunked(`fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk longer than it says": chunked(`2\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk shorter than it says": chunked(`ff\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk with an extension": chunked(`2;a="${"x".repeat(20_000)}"\r\n{}\r\n0\r\n\r\n`),
  "chunks without an end": chunked(`2\r\n{}\r\n`),
  "chunks with lines that end oddly": chunked(`2\n{}\n0\n\n`),
  "a trailer": chunked(`2\r\n{}\r\n0\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n`),
  "many small chunks": chunked(`${"1\r\n \r\n".repeat(3_000)}0\r\n\r\n`),
  // Lines
  "no version": get("GET /api/v1/currencies"),
  "HTTP/0.9": "GET /api/v1/currencies\r\n",
  "HTTP/1.0": get("GET /api/v1/currencies HTTP/1.0", []),
  "HTTP/2.0": get("GET /api/v1/currencies HTTP/2.0"),
  "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "HTTP/1.10": get("GET /api/v1/currencies HTTP/1.10"),
  "a method of small letters": get("get /api/v1/currencies HTTP/1.1"),
  "a method that is none": get("G@T /api/v1/currencies HTTP/1.1"),
  "a method of 9 000 letters": get(`${"G".repeat(9_000)} / HTTP/1.1`),
  "no target": get("GET  HTTP/1.1"),
  "two targets": get("GET /a /b HTTP/1.1"),
  "a target with NUL": get("GET /\0 HTTP/1.1"),
  "a target with letters beyond ASCII": get("GET /\u00e9\u00ff?\u00e9 HTTP/1.1"),
  "a target with a tab": get("GET /\tx HTTP/1.1"),
  "no leading slash": get("GET api/v1/currencies HTTP/1.1"),
  "a whole address": get("GET http://evil.example/api/v1/currencies HTTP/1.1"),
  "an address of 100 000 letters": get(`GET /${"a".repeat(100_000)} HTTP/1.1`),
  "a tunnel": get("CONNECT 127.0.0.1:22 HTTP/1.1"),
  "lines that end with LF": GOOD.replaceAll("\r\n", "\n"),
  "lines that end with CR": GOOD.replaceAll("\r\n", "\r"),
  "empty lines first": `\r\n\r\n\r\n${GOOD}`,
  // Headers
  "no host": get("GET /api/v1/currencies HTTP/1.1", []),
  "two hosts": get("GET /api/v1/currencies HTTP/1.1", ["Host: a", "Host: b"]),
  "a header without a colon": get("GET / HTTP/1.1", ["Host: localhost", "nonsense"]),
  "a header without a name": get("GET / HTTP/1.1", ["Host: localhost", ": a"]),
  "a header with a blank in its name": get("GET / HTTP/1.1", ["Host: localhost", "a b: c"]),
  "a header with NUL": get("GET / HTTP/1.1", ["Host: localhost", "a: b\0c"]),
  "a folded header": get("GET / HTTP/1.1", ["Host: localhost", "a: b", " c: d"]),
  "a folded first header": get("GET / HTTP/1.1", [" Host: localhost"]),
  "a header of 100 000 letters": get("GET / HTTP/1.1", ["Host: localhost", `a: ${"b".repeat(100_000)}`]),
  "5 000 headers": get("GET / HTTP/1.1", [
    "Host: localhost",
    ...Array.from({ length: 5_000 }, (_, i) => `a${i}: b`)
  ]),
  "headers that do not end": "GET / HTTP/1.1\r\nHost: localhost\r\n",
  "an expectation, and no body": post(["Expect: 100-continue", "Content-Length: 10"], ""),
  "an expectation, and a body": post(["Expect: 100-continue", `Content-Length: ${BODY.length}`], BODY),
  "an upgrade to a socket without a key": get("GET /ws/rates/ HTTP/1.1", [
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket"
  ]),
  "an upgrade to a socket of another version": get("GET /rpc HTTP/1.1", [
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 99",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
  ]),
  "an upgrade of a request with a body": post(
    ["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 2"],
    "{}"
  ),
  // Many at once, or something else
  "30 requests at once": GOOD.repeat(30),
  "a request and then nonsense": `${GOOD}nonsense\r\n\r\n`,
  "a request and the half of another": GOOD + GOOD.slice(0, 30),
  nothing: "",
  "one byte": "G",
  TLS: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  SSH: "SSH-2.0-OpenSSH_9.6\r\n",
  Redis: "*1\r\n$4\r\nPING\r\n",
  zeros: "\0".repeat(2_000),
  bytes: Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString("latin1")
}

const names = Object.keys(shapes)

/** One of these shapes, sometimes with a byte that has changed on the way. */
export const make = (dice: RandomChoice, number: number, key = "none"): Sent => {
  const name = dice.pick(names)
  const bytes = Buffer.from((shapes[name] ?? "").replaceAll("{key}", key), "latin1")
  const spoilt = bytes.length > 0 && dice.chance(0.5)
  if (spoilt) bytes[dice.below(bytes.length)] = dice.below(256)
  return {
    number,
    name: `malformed: ${name}`,
    // Whoever is asked by HEAD, even if by chance, says nothing that could be read.
    method: bytes.subarray(0, 5).toString("latin1") === "HEAD " ? "HEAD" : "GET",
    target: "",
    bytes,
    apart: true,
    legible: false
  }
}
