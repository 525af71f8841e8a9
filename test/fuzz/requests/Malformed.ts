import type { RandomChoice } from "../RandomChoice.ts"
import type { RenderedRequest } from "./RequestDraft.ts"

const VALID_REQUEST = "GET /api/v1/currencies HTTP/1.1\r\nHost: localhost\r\n\r\n"
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

/** Bytes that are not valid HTTP, or that two parsers could split into different requests. */
const inputs: Readonly<Record<string, string>> = {
  // Length of the body
  "both a length and chunks": post(
    [`Content-Length: ${BODY.length}`, "Transfer-Encoding: chunked"],
    `0\r\n\r\n${VALID_REQUEST}`
  ),
  "chunks and then a length": post(
    ["Transfer-Encoding: chunked", "Content-Length: 4"],
    `1\r\na\r\n0\r\n\r\n${VALID_REQUEST}`
  ),
  "two lengths": post(["Content-Length: 2", `Content-Length: ${BODY.length}`], BODY),
  "the same length twice": post([`Content-Length: ${BODY.length}`, `Content-Length: ${BODY.length}`], BODY),
  "a length with a sign": post([`Content-Length: +${BODY.length}`], BODY),
  "a length in hexadecimal": post(["Content-Length: 0x2"], BODY),
  "a length beyond 64 bits": post(["Content-Length: 999999999999999999999999"], BODY),
  "an empty length": post(["Content-Length: "], BODY),
  "a body shorter than its length": post(["Content-Length: 500"], BODY),
  "a body longer than its length": post(["Content-Length: 2"], BODY),
  "a request smuggled in a body": post([`Content-Length: ${VALID_REQUEST.length}`], VALID_REQUEST),
  "a misspelled chunked encoding": post(["Transfer-Encoding: xchunked"], BODY),
  "chunked after a tab": post(["Transfer-Encoding:\tchunked"], "0\r\n\r\n"),
  "a blank before the colon of chunked": post(["Transfer-Encoding : chunked"], "0\r\n\r\n"),
  "chunked twice": post(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
  "chunked followed by identity": post(["Transfer-Encoding: chunked, identity"], "0\r\n\r\n"),
  "gzip and chunked": post(["Transfer-Encoding: gzip, chunked"], "0\r\n\r\n"),
  "chunked on a folded line": post(["Transfer-Encoding:\r\n chunked"], "0\r\n\r\n"),
  // Chunks
  "a chunk without a size": chunked(`\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk whose size is not a number": chunked(`zz\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk with a negative size": chunked(`-1\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk size beyond 64 bits": chunked(`fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk longer than its size": chunked(`2\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk shorter than its size": chunked(`ff\r\n${BODY}\r\n0\r\n\r\n`),
  "a chunk with an extension": chunked(`2;a="${"x".repeat(20_000)}"\r\n{}\r\n0\r\n\r\n`),
  "chunks without an end": chunked(`2\r\n{}\r\n`),
  "chunks with LF line endings": chunked(`2\n{}\n0\n\n`),
  "a trailer": chunked(`2\r\n{}\r\n0\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n`),
  "many small chunks": chunked(`${"1\r\n \r\n".repeat(3_000)}0\r\n\r\n`),
  // Request line
  "no version": get("GET /api/v1/currencies"),
  "HTTP/0.9": "GET /api/v1/currencies\r\n",
  "HTTP/1.0": get("GET /api/v1/currencies HTTP/1.0", []),
  "HTTP/2.0": get("GET /api/v1/currencies HTTP/2.0"),
  "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "HTTP/1.10": get("GET /api/v1/currencies HTTP/1.10"),
  "a lower-case method": get("get /api/v1/currencies HTTP/1.1"),
  "an invalid method": get("G@T /api/v1/currencies HTTP/1.1"),
  "a method of 9 000 letters": get(`${"G".repeat(9_000)} / HTTP/1.1`),
  "no target": get("GET  HTTP/1.1"),
  "two targets": get("GET /a /b HTTP/1.1"),
  "a target with NUL": get("GET /\0 HTTP/1.1"),
  "a target with non-ASCII letters": get("GET /\u00e9\u00ff?\u00e9 HTTP/1.1"),
  "a target with a tab": get("GET /\tx HTTP/1.1"),
  "no leading slash": get("GET api/v1/currencies HTTP/1.1"),
  "an absolute URL": get("GET http://evil.example/api/v1/currencies HTTP/1.1"),
  "a target of 100 000 letters": get(`GET /${"a".repeat(100_000)} HTTP/1.1`),
  "a CONNECT tunnel": get("CONNECT 127.0.0.1:22 HTTP/1.1"),
  "lines that end with LF": VALID_REQUEST.replaceAll("\r\n", "\n"),
  "lines that end with CR": VALID_REQUEST.replaceAll("\r\n", "\r"),
  "empty lines first": `\r\n\r\n\r\n${VALID_REQUEST}`,
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
  "headers without an end": "GET / HTTP/1.1\r\nHost: localhost\r\n",
  "an expectation, and no body": post(["Expect: 100-continue", "Content-Length: 10"], ""),
  "an expectation, and a body": post(["Expect: 100-continue", `Content-Length: ${BODY.length}`], BODY),
  "a WebSocket upgrade without a key": get("GET /ws/rates/ HTTP/1.1", [
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket"
  ]),
  "a WebSocket upgrade with another version": get("GET /rpc HTTP/1.1", [
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 99",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
  ]),
  "an upgrade request with a body": post(
    ["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 2"],
    "{}"
  ),
  // Several requests, and other protocols
  "30 pipelined requests": VALID_REQUEST.repeat(30),
  "a request followed by garbage": `${VALID_REQUEST}nonsense\r\n\r\n`,
  "a request followed by half of another": VALID_REQUEST + VALID_REQUEST.slice(0, 30),
  "no bytes": "",
  "one byte": "G",
  TLS: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  SSH: "SSH-2.0-OpenSSH_9.6\r\n",
  Redis: "*1\r\n$4\r\nPING\r\n",
  zeros: "\0".repeat(2_000),
  bytes: Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString("latin1")
}

const names = Object.keys(inputs)

/** Picks one of these inputs, and corrupts a byte of every other one. */
export const make = (random: RandomChoice, number: number, key = "none"): RenderedRequest => {
  const name = random.pick(names)
  const bytes = Buffer.from((inputs[name] ?? "").replaceAll("{key}", key), "latin1")
  const isCorrupted = bytes.length > 0 && random.chance(0.5)
  if (isCorrupted) bytes[random.below(bytes.length)] = random.below(256)
  return {
    number,
    name: `malformed: ${name}`,
    // A corrupted byte can turn the method into HEAD, whose response has no body.
    method: bytes.subarray(0, 5).toString("latin1") === "HEAD " ? "HEAD" : "GET",
    target: "",
    bytes,
    needsOwnConnection: true,
    isWellFormed: false
  }
}
