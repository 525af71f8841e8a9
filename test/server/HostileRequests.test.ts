import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "node:net"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { exchange, type RawResponse } from "../support/RawHttp.ts"
import { get, parseJsonObject, TestServer } from "../support/TestServer.ts"
import { eventually } from "../support/Waiters.ts"

interface Endpoint {
  readonly path: string
  /** Parameters with a valid value. */
  readonly query: Readonly<Record<string, string>>
  /** Shape of its errors. */
  readonly failures: "problem" | "flutterwave"
}

const endpoint = (
  path: string,
  query: Endpoint["query"] = {},
  failures: Endpoint["failures"] = "problem"
): Endpoint => ({ path, query, failures })

const RECORD = "/api/v1/rates/01980000-0000-7000-8000-000000000000"
const AUDIT = "/api/v1/audit/conversions"
const CONVERSION = `${AUDIT}/01980000-0000-7000-8000-000000000000`
const QUARANTINE = "/api/v1/admin/quarantine"
/** Names settings of the server, among them the URL of the database. */
const document = endpoint("/openapi.json")
const endpoints = [
  endpoint("/docs"),
  endpoint("/api/v1/swagger/"),
  endpoint("/api/v1/redoc/"),
  endpoint("/api/v1/rates", { from: "USD", to: "NGN", max_age: "60 seconds" }),
  endpoint("/api/v1/rates/all", { base: "USD" }),
  endpoint("/api/v1/assets", { kind: "crypto" }),
  endpoint("/api/v1/board", { base: "USD", points: "24" }),
  endpoint("/api/v1/currencies"),
  endpoint(RECORD),
  endpoint(
    "/api/rates/",
    { source_currency: "USD", destination_currency: "NGN", amount: "1000" },
    "flutterwave"
  ),
  endpoint("/api/rates/all/", { base_currency: "USD" }, "flutterwave"),
  endpoint("/api/v1/quotes/01980000-0000-7000-8000-000000000000"),
  endpoint(AUDIT, {
    from: "USD",
    to: "NGN",
    reference: "r",
    since: "2026-11-21T03:27:17.086Z",
    until: "2026-11-22",
    cursor: Buffer.from("01980000-0000-7000-8000-000000000000").toString("base64url"),
    page_size: "10"
  }),
  endpoint(CONVERSION),
  endpoint(`${CONVERSION}/receipt`),
  endpoint("/api/v1/audit/heads", { after: "5" }),
  endpoint("/api/v1/audit/verify"),
  endpoint(QUARANTINE, {
    status: "pending",
    from: "USD",
    to: "NGN",
    cursor: Buffer.from("01980000-0000-7000-8000-000000000000").toString("base64url"),
    page_size: "10"
  }),
  endpoint(`${QUARANTINE}/01980000-0000-7000-8000-000000000000`),
  endpoint("/health/live"),
  endpoint("/health/ready"),
  endpoint("/metrics"),
  document,
  endpoint("/api/v1/nothing"),
  endpoint("/nothing")
]

const target = ({ path, query }: Endpoint, overrides: Readonly<Record<string, string>> = {}) => {
  const encoded = Object.entries(query).map(
    ([name, value]) => `${name}=${overrides[name] ?? encodeURIComponent(value)}`
  )
  return `${path}?${encoded.join("&")}`
}

const request = (to: string, headers: ReadonlyArray<string> = [], method = "GET", body = "") =>
  [`${method} ${to} HTTP/1.1`, "Host: localhost", ...headers, "", body].join("\r\n")

/** A malicious request. */
interface Attack {
  readonly name: string
  readonly bytes: string | Buffer
  /** Allowed statuses; by default any that is not a server error. */
  readonly statuses?: ReadonlyArray<number>
  /** True if the request does not match the endpoint: then the error is always a problem. */
  readonly isUnrouted?: boolean
}

/** URL-encoded values that no parameter accepts. */
const values: Readonly<Record<string, string>> = {
  "a broken escape": "%E0%A4%A",
  "an invalid escape": "%ZZ",
  NUL: "%00",
  "7 000 letters": "A".repeat(7_000),
  "an injection": "'%20OR%201%3D1%3B%20DROP%20TABLE%20exchange_rate%3B--",
  "another injection": "USD'%3B%20SELECT%20pg_sleep(10)%3B--",
  "a script": "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
  "a long s": "u%C5%BFd",
  "Cyrillic letters": "%D0%A3%D0%85%D0%94",
  "wide letters": "%EF%BC%B5%EF%BC%B3%EF%BC%A4",
  "an emoji": "%F0%9F%92%B8",
  "a lone surrogate": "%ED%A0%BD",
  "a path": "..%2F..%2F..%2Fetc%2Fpasswd",
  __proto__: "__proto__",
  constructor: "constructor",
  "an object": "[object%20Object]",
  "a list": "USD%2CEUR",
  blanks: "%20%20%20",
  "a header": "USD%0D%0ASet-Cookie%3A%20a%3Db",
  "a template": "%24%7B7*7%7D%7B%7B7*7%7D%7D",
  "an exponent": "1e999999999",
  "1e999 seconds": "1e999%20seconds",
  "a long time": "999999999999999999%20days",
  "a negative time": "-1%20seconds",
  "not a number": "NaN",
  infinity: "Infinity",
  zero: "0",
  hex: "0x10"
}

const isOptional = ({ path }: Endpoint, name: string) =>
  /^\/api\/v1\/(audit|admin)\//.test(path) ||
  name === "max_age" ||
  name === "amount" ||
  name === "kind" ||
  name === "points" ||
  name.startsWith("base")

const ofValues = (at: Endpoint): ReadonlyArray<Attack> => [
  ...Object.keys(at.query).flatMap((name) =>
    Object.entries(values).map(([title, value]) => ({
      name: `${title} as ${name}`,
      bytes: request(target(at, { [name]: value })),
      // A reference is free text, and a tree size can be 0.
      statuses: name === "reference" || name === "after" ? [200, 400] : [400, 422]
    }))
  ),
  ...Object.entries(values).map(([title, value]) => ({
    name: `${title} in the path`,
    bytes: request(`${at.path.replace(/[^/]+\/?$/, "")}${value}`),
    statuses: [400, 404],
    isUnrouted: true
  })),
  ...Object.keys(at.query).map((name) => ({
    name: `${name} 300 times`,
    bytes: request(`${target(at)}${`&${name}=USD`.repeat(300)}`),
    statuses: [400]
  })),
  ...Object.keys(at.query).map((name) => ({
    name: `${name} as a list`,
    bytes: request(target(at).replace(`${name}=`, `${name}[]=`)),
    // Flutterwave's format ignores unknown parameters; all other endpoints refuse them.
    statuses: at.failures === "flutterwave" && isOptional(at, name) ? [200] : [400]
  }))
]

/** Endpoints with a POST, to which `{}` is an invalid body. */
const TAKE_POST = new Set(["/api/v1/audit/verify"])

const ofMethods = (at: Endpoint): ReadonlyArray<Attack> => [
  ...["POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "PROPFIND", "PURGE"].map((method) => ({
    name: method,
    bytes: request(target(at), ["Content-Length: 2"], method, "{}"),
    statuses: at.path.endsWith("nothing")
      ? [404]
      : method === "POST" && TAKE_POST.has(at.path)
        ? [400]
        : [405]
  })),
  ...["FROBNICATE", "get", "GET\tGET", "G€T", "CONNECT"].map((method) => ({
    name: `method ${method}`,
    bytes: request(target(at), [], method),
    statuses: [400],
    isUnrouted: true
  }))
]

const ofHeaders = (at: Endpoint): ReadonlyArray<Attack> => {
  const withHeader = (name: string, ...headers: ReadonlyArray<string>): Attack => ({
    name,
    bytes: request(target(at), headers)
  })
  return [
    withHeader("If-None-Match of 10 KB", `If-None-Match: ${'"a", '.repeat(2_000)}`),
    withHeader("If-None-Match of garbage", 'If-None-Match: W/W/"""*,,,\\'),
    withHeader("Accept with a broken weight", "Accept: */*;q=x, ;;;, text/html;q=NaN"),
    withHeader("Accept of an unsupported type", "Accept: application/vnd.ms-excel"),
    withHeader("Accept-Encoding of garbage", "Accept-Encoding: gzip;q=-1, br;q=99, *"),
    withHeader("an impossible Range", "Range: bytes=-1-99999999999999999999"),
    withHeader("a broken Origin", "Origin: https://[evil"),
    withHeader("a broken traceparent", "traceparent: 00-zzzz-zzzz-zz", "b3: x", "tracestate: ="),
    withHeader("__proto__ as header", "__proto__: x", "constructor: x", "toString: x"),
    withHeader("a broken Cookie", "Cookie: %E0%A4%A=%ZZ; __proto__=1; =; a"),
    withHeader(
      "a forged Forwarded",
      "X-Forwarded-For: ' OR 1=1",
      "X-Forwarded-Host: evil.example",
      "X-Forwarded-Proto: ://"
    ),
    withHeader("an unknown Expect", "Expect: the-unexpected"),
    withHeader("Expect: 100-continue without a body", "Expect: 100-continue"),
    withHeader(
      "a WebSocket",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    ),
    withHeader("a broken WebSocket", "Connection: Upgrade", "Upgrade: websocket"),
    withHeader(
      "h2c",
      "Connection: Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAAQAAP__"
    ),
    { name: "a broken Host", bytes: `GET ${target(at)} HTTP/1.1\r\nHost: [[[::]\r\n\r\n` },
    { name: "HTTP/1.0 without Host", bytes: `GET ${target(at)} HTTP/1.0\r\n\r\n` },
    { name: "HTTP/1.1 without Host", bytes: `GET ${target(at)} HTTP/1.1\r\n\r\n`, statuses: [400] },
    ...Object.entries({
      "a header of 20 000 bytes": request(target(at), [`X: ${"x".repeat(20_000)}`]),
      "2 500 headers": request(
        target(at),
        Array.from({ length: 2_500 }, () => "a: bcd")
      ),
      "a query of 20 000 bytes": request(`${target(at)}&x=${"x".repeat(20_000)}`),
      "a path of 20 000 bytes": request(`${at.path}${"/x".repeat(10_000)}`)
    }).map(([name, bytes]) => ({ name, bytes, statuses: [431], isUnrouted: true })),
    ...Object.entries({
      "a folded header": request(target(at), ["X: a", " b"]),
      "a header without a name": request(target(at), [": a"]),
      "NUL in a header": request(target(at), ["X: a\0b"]),
      "line feeds without carriage returns": `GET ${target(at)} HTTP/1.1\nHost: x\n\n`,
      "NUL in the path": request(`${at.path}\0`),
      "bytes that are not ASCII": request(`${at.path}ſ`),
      "no slash": request(at.path.slice(1)),
      "HTTP/9.9": request(target(at)).replace("HTTP/1.1", "HTTP/9.9")
    }).map(([name, bytes]) => ({ name, bytes, statuses: [400], isUnrouted: true }))
  ]
}

const ofBodies = (at: Endpoint): ReadonlyArray<Attack> => {
  const chunk = `${(0x20000).toString(16)}\r\n${"x".repeat(0x20000)}\r\n`
  const chunked = ["Transfer-Encoding: chunked"]
  return [
    { name: "a body on GET", bytes: request(target(at), ["Content-Length: 7"], "GET", '{"a":1}') },
    { name: "10 MB declared", bytes: request(target(at), ["Content-Length: 10485760"]), statuses: [413] },
    {
      name: "10 MB declared with Expect",
      bytes: request(target(at), ["Content-Length: 10485760", "Expect: 100-continue"]),
      statuses: [413]
    },
    {
      name: "10 MB declared to POST",
      bytes: request(target(at), ["Content-Length: 10485760"], "POST"),
      statuses: [413]
    },
    { name: "128 KiB in chunks", bytes: request(target(at), chunked, "GET", `${chunk}0\r\n\r\n`) },
    {
      name: "1 MiB in chunks to POST",
      bytes: request(target(at), chunked, "POST", `${chunk.repeat(8)}0\r\n\r\n`),
      statuses: TAKE_POST.has(at.path) ? [413] : [404, 405]
    },
    { name: "a broken chunk", bytes: request(target(at), chunked, "GET", "ZZ\r\n"), isUnrouted: true },
    ...["-1", "1e3", "99999999999999999999999", "0x10", "5, 6", " "].map((length) => ({
      name: `Content-Length: ${length}`,
      bytes: request(target(at), [`Content-Length: ${length}`]),
      statuses: [400],
      isUnrouted: true
    })),
    ...Object.entries({
      "two lengths": request(target(at), ["Content-Length: 1", "Content-Length: 2"], "GET", "a"),
      "a length and chunks": request(target(at), ["Content-Length: 1", ...chunked], "GET", "0\r\n\r\n"),
      "chunks twice": request(target(at), ["Transfer-Encoding: chunked, identity"], "GET", "0\r\n\r\n"),
      "a TLS handshake": Buffer.from("16030102000100fc0303", "hex"),
      "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      SSH: "SSH-2.0-OpenSSH_9.6\r\n",
      "a line of garbage": "\u{1f4a5} hello\r\n\r\n",
      "a megabyte of garbage": Buffer.alloc(1_000_000, 0xff)
    }).map(([name, bytes]) => ({ name, bytes, statuses: [400], isUnrouted: true }))
  ]
}

const ofTargets = (at: Endpoint): ReadonlyArray<Attack> => {
  const ignored = /nothing$|01980000/.test(at.path) ? [404] : [200]
  const unknown = at.failures === "problem" && Object.keys(at.query).length > 0 ? [400] : ignored
  return [
    {
      name: "1 000 parameters",
      bytes: request(`${target(at)}${Array.from({ length: 1_000 }, (_, i) => `&p${i}`).join("")}`),
      statuses: unknown
    },
    { name: "9 000 bytes of a query", bytes: request(`${target(at)}&${"x".repeat(9_000)}`), statuses: [414] },
    {
      name: "9 000 bytes of a path",
      bytes: request(`${at.path}${"/x".repeat(4_500)}`),
      isUnrouted: true,
      statuses: [414]
    },
    {
      name: "__proto__ as parameter",
      bytes: request(`${target(at)}&__proto__=1&constructor=2&__proto__[from]=EUR&toString=x`),
      statuses: unknown
    },
    { name: "semicolons", bytes: request(target(at).replaceAll("&", ";").replace("?", ";")) },
    { name: "a fragment", bytes: request(`${target(at)}#%00`) },
    { name: "ampersands", bytes: request(`${target(at)}${"&".repeat(5_000)}`), statuses: ignored },
    { name: "equals signs", bytes: request(`${target(at)}&${"=".repeat(5_000)}`), statuses: unknown },
    { name: "brackets", bytes: request(`${target(at)}&a${"[b]".repeat(2_500)}=1`), statuses: unknown },
    {
      name: "slashes",
      bytes: request(`${"/".repeat(3_000)}${target(at)}`),
      statuses: [404],
      isUnrouted: true
    },
    {
      name: "dots",
      bytes: request(`/api/v1/${"../".repeat(500)}etc/passwd`),
      statuses: [404],
      isUnrouted: true
    },
    {
      name: "escaped dots",
      bytes: request(`/static/${"%2e%2e%2f".repeat(50)}etc%2fpasswd%00.html`),
      statuses: [404],
      isUnrouted: true
    },
    { name: "another host", bytes: request(`http://evil.example${target(at)}`) },
    { name: "a broken host", bytes: request("http://[::1/x"), isUnrouted: true },
    { name: "*", bytes: request("*"), statuses: [404], isUnrouted: true }
  ]
}

const currencies = '"from_currency":"USD","to_currency":"NGN"'
const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`

/** Bodies that no endpoint accepts. */
const bodies: Readonly<Record<string, string | Buffer>> = {
  "1e999999999": `{"amount":1e999999999,${currencies}}`,
  "5 000 digits": `{"amount":${"9".repeat(5_000)},${currencies}}`,
  "5 000 digits as text": `{"amount":"${"9".repeat(5_000)}",${currencies}}`,
  NaN: `{"amount":NaN,${currencies}}`,
  "a list as amount": `{"amount":[500],${currencies}}`,
  "an object as amount": `{"amount":{"text":"500"},${currencies}}`,
  "deep lists": `{"amount":${deep(30_000)},${currencies}}`,
  "deep lists, a few": `{"amount":${deep(499)},${currencies}}`,
  "deep objects": `{"amount":"1",${currencies},"x":${'{"a":'.repeat(900)}1${"}".repeat(900)}}`,
  __proto__: `{"__proto__":{"amount":"500"},${currencies}}`,
  "__proto__ as an extra member": `{"amount":"500",${currencies},"__proto__":{"reference":"x"},"constructor":{"prototype":1}}`,
  "NUL in the reference": `{"amount":"500",${currencies},"reference":"a\\u0000b"}`,
  "NUL in a currency": '{"amount":"500","from_currency":"USD\\u0000","to_currency":"NGN"}',
  "NUL in a name": `{"amount":"500",${currencies},"a\\u0000":1}`,
  "a lone surrogate": `{"amount":"500",${currencies},"reference":"\\ud800"}`,
  "a reference of 60 KB": `{"amount":"500",${currencies},"reference":"${"r".repeat(60_000)}"}`,
  "a name of 60 KB": `{"amount":"500",${currencies},"${"n".repeat(60_000)}":1}`,
  "6 000 names": `{"amount":"500",${Array.from({ length: 6_000 }, (_, i) => `"${i}":1`).join()}}`,
  "the amount twice": `{"amount":"500","amount":"-1",${currencies}}`,
  "UTF-16": Buffer.from(`{"amount":"500",${currencies}}`, "utf16le"),
  "broken UTF-8": Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0xc0, 0x80, 0x22, 0x7d]),
  "a number": "500",
  "an empty body": ""
}

const post = (path: string, body: string | Buffer, headers: ReadonlyArray<string>) =>
  Buffer.concat([
    Buffer.from(request(path, [`Content-Length: ${Buffer.byteLength(body)}`, ...headers], "POST")),
    Buffer.from(body)
  ])

const ofPosts = (path: string): ReadonlyArray<Attack> => [
  ...Object.entries(bodies).map(([name, body]) => ({
    name,
    bytes: post(path, body, ["Content-Type: application/json"]),
    statuses: [400, 422]
  })),
  ...["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", ";;;"].map(
    (type) => ({
      name: `a form as ${type}`,
      bytes: post(path, "amount=500&from_currency=USD&to_currency=NGN", [`Content-Type: ${type}`]),
      statuses: [400]
    })
  ),
  ...["", " ", "x".repeat(256), "\u00e9", "a\tb"].map((key) => ({
    name: `the key ${key.slice(0, 5)}`,
    bytes: post(path, '{"amount":"0"}', [`Idempotency-Key: ${key}`]),
    statuses: [400]
  }))
]

const attacksOn = (at: Endpoint): ReadonlyArray<Attack> => [
  ...ofValues(at),
  ...ofMethods(at),
  ...ofHeaders(at),
  ...ofBodies(at),
  ...ofTargets(at)
]

/** Details that no response may contain: stacks, statements, hosts and files of the server. */
const LEAKS =
  /^\s+at |node_modules|\/work\/|file:\/\/|\.[jt]s:\d|postgres|sqlstate|relation "|127\.0\.0\.1|localhost|root:x|ECONN|Error:/im

const isHandled = (status: number) => status === 200 || status === 304 || (status >= 400 && status < 500)

const assertHarmless = (at: Endpoint, attack: Attack, responses: ReadonlyArray<RawResponse>) => {
  const context = `${attack.name} at ${at.path}`
  const [answer = assert.fail(`no response to ${context}`)] = responses
  const { body, headers, status } = answer
  for (const each of responses) assert.isTrue(isHandled(each.status), `${each.status} to ${context}`)
  assert.include(attack.statuses ?? [status], status, `${context}: ${body.slice(0, 500)}`)
  if (status !== 200 || at !== document)
    assert.notMatch(body.replace(/"instance":"[^"]*"/, ""), LEAKS, context)
  if (status < 400) return
  const members = parseJsonObject(body)
  if (at.failures === "flutterwave" && attack.isUnrouted !== true) {
    assert.strictEqual(headers.get("content-type"), "application/json", context)
    assert.deepStrictEqual(Object.keys(members), ["status", "message", "data"], context)
    assert.deepInclude(members, { status: "error", data: null }, context)
  } else {
    assert.strictEqual(headers.get("content-type"), "application/problem+json", context)
    const { errors: _, ...rest } = members
    assert.strictEqual(
      Object.keys(rest).join(),
      "type,title,status,detail,instance,code,retryable,trace_id",
      context
    )
    assert.deepInclude(
      members,
      { type: `urn:effex:problem:${members["code"]}`, status, retryable: false },
      context
    )
    assert.match(String(members["trace_id"]), /^[0-9a-f]{32}$/, context)
    assert.isAtMost(String(members["instance"]).length, 256, context)
    // At most 20 errors.
    assert.isAtMost(body.length, 4_000, context)
  }
}

/** Fails if the server neither responds nor closes the connection. */
const send = ({ bytes }: Attack) => Effect.flatMap(TestServer, ({ port }) => exchange(port, bytes))

/** Reads only the head of the document, which an invalid end of the request cuts off, but all of an error. */
const sendToDocument = Effect.fnUntraced(function* (attack: Attack) {
  const { port } = yield* TestServer
  const head = yield* exchange(port, attack.bytes, { bodiless: true })
  const isDocument = (head.responses[0]?.status ?? 500) < 400
  return isDocument ? head : yield* send(attack)
})

layer(TestServer.layer(), { excludeTestServices: true })("Hostile requests", (it) => {
  for (const at of endpoints) {
    it.effect(`are rejected or ignored at ${at.path}`, () =>
      Effect.gen(function* () {
        // The first request renders the page, or fetches the rate.
        yield* get(target(at))
        const attacks = attacksOn(at)
        assert.isAtLeast(attacks.length, 10)
        for (const attack of attacks) {
          const { responses } = yield* at === document ? sendToDocument(attack) : send(attack)
          assertHarmless(at, attack, responses)
        }
      })
    )
  }

  for (const path of ["/api/v1/convert", "/api/v1/quotes"]) {
    it.effect(`convert nothing at ${path}`, () =>
      Effect.gen(function* () {
        for (const attack of ofPosts(path)) {
          const { responses } = yield* send(attack)
          assertHarmless(endpoint(path), attack, responses)
        }
        assert.deepStrictEqual((yield* get(AUDIT)).json["data"], [])
      })
    )
  }

  it.effect("leave no error in the log", () =>
    Effect.gen(function* () {
      const { log } = yield* TestServer
      assert.strictEqual(
        (yield* get(target(endpoint("/api/v1/rates", { from: "USD", to: "NGN" })))).status,
        200
      )
      assert.deepStrictEqual(
        log.filter((line) => !line.includes("Applied migrations")),
        []
      )
    })
  )

  it.effect("are answered in order if one packet contains many", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const statuses = Array.from({ length: 100 }, (_, i) => (i % 3 === 0 ? 200 : i % 3 === 1 ? 404 : 422))
      const bytes = statuses.map((status) =>
        status === 404
          ? request("/nothing")
          : request(`/api/v1/rates?from=USD&to=${status === 200 ? "NGN" : "ZZZ"}`)
      )
      const all = yield* exchange(port, bytes.join(""), { responses: 100 })
      assert.deepStrictEqual(
        all.responses.map(({ status }) => status),
        statuses
      )
      const invalid = yield* exchange(port, `${bytes[0]}GARBAGE\r\n\r\n`, { untilClosed: true })
      assert.strictEqual(invalid.rest, "")
      assert.include([200, 400], invalid.responses[0]?.status)
    })
  )

  it.effect("leave no connection open, even if the client does not close it", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const before = openSockets()
      let ended = 0
      const sockets = Array.from({ length: 20 }, (_, i) => {
        const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
        socket
          .on("error", () => {})
          .on("end", () => ended++)
          .resume()
        socket.write(i % 2 === 0 ? "garbage\r\n\r\n" : request("example.com:443", [], "CONNECT"))
        return socket
      })
      // Idle connections of other tests may close in between.
      yield* eventually("end of the connections", () => ended === sockets.length || undefined)
      yield* eventually("closed connections", () => openSockets() - before < 30 || undefined)
      for (const socket of sockets) socket.destroy()
    })
  )

  it.effect(
    "do not leak memory",
    () =>
      Effect.gen(function* () {
        const attacks = endpoints.flatMap((at) => attacksOn(at).map((attack) => ({ at, attack })))
        const sendMany = (count: number) =>
          Effect.forEach(
            Array.from({ length: count }, (_, i) => attacks[i % attacks.length] ?? assert.fail()),
            ({ at, attack }) =>
              Effect.map(send(attack), ({ responses }) => assertHarmless(at, attack, responses)),
            { concurrency: 16, discard: true }
          )
        // The tests above have sent all attacks; this only fills the pools for concurrent requests.
        yield* sendMany(250)
        const before = heapUsed()
        yield* sendMany(2_500)
        const grown = (heapUsed() - before) / 2 ** 20
        assert.isBelow(grown, 16, `the heap grew by ${grown} MiB`)
      }),
    300_000
  )
})

/** Number of sockets in this process, which contains the server and the clients. */
const openSockets = () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length

setFlagsFromString("--expose-gc")
const collectGarbage: unknown = runInNewContext("gc")

const heapUsed = () => {
  if (typeof collectGarbage !== "function") return assert.fail("no garbage collector")
  collectGarbage()
  return process.memoryUsage().heapUsed
}
