import * as Attacks from "./Attacks.ts"
import * as BodyMutations from "./BodyMutations.ts"
import type { RandomChoice } from "../RandomChoice.ts"
import type { RequestDraft } from "./RequestDraft.ts"
import * as Values from "./Values.ts"

type Mutation = (random: RandomChoice, draft: RequestDraft) => void

/** Percent-encodes text. A lone surrogate becomes the three bytes that UTF-8 forbids. */
export const escape = (text: string): string =>
  Array.from(text, (letter) =>
    /^[\ud800-\udfff]$/.test(letter) ? "%ED%A0%80" : encodeURIComponent(letter)
  ).join("")

const replaceAt = <A>(list: ReadonlyArray<A>, at: number, item: A) => [
  ...list.slice(0, at),
  item,
  ...list.slice(at + 1)
]

/** Changes the value of one query parameter. */
const changeValue =
  (change: (random: RandomChoice, value: string) => string): Mutation =>
  (random, draft) => {
    if (draft.query.length === 0) return void draft.query.push(["extra", change(random, "")])
    const at = random.below(draft.query.length)
    const [name, value] = draft.query[at] ?? ["", ""]
    draft.query = replaceAt(draft.query, at, [name, change(random, value)])
  }

const queryMutations: ReadonlyArray<Mutation> = [
  changeValue((random) => escape(Values.hostile(random))),
  changeValue((random) => escape(Values.hostile(random))),
  changeValue((random) => escape(random.pick(Attacks.numbers))),
  changeValue((random, value) => value + random.pick(Attacks.escapes)),
  changeValue((random) => random.pick(Attacks.escapes)),
  changeValue((random, value) => escape(Values.mutated(random, decodeOrKeep(value)))),
  changeValue(() => ""),
  // Duplicate, remove or add a parameter.
  (random, draft) => void (draft.query.length > 0 && draft.query.push(random.pick(draft.query))),
  (random, draft) => void draft.query.splice(random.below(draft.query.length + 1), 1),
  (random, draft) =>
    void draft.query.push([
      escape(Values.hostile(random)).slice(0, 300),
      escape(Values.hostile(random)).slice(0, 300)
    ]),
  (random, draft) =>
    void draft.query.push([random.pick(["", "&&", "__proto__", "from[]", "from[a]", "a.b", "?"]), "1"]),
  (random, draft) => {
    const [name, value] = draft.query[0] ?? ["from", "USD"]
    draft.query = [[random.pick([name.toUpperCase(), `${name}%00`, `%${name}`, `${name}%20`]), value]]
  },
  (random, draft) => {
    draft.query = Array.from({ length: random.pick([50, 1_000]) }, (_, i) => [`q${i}`, String(i)])
  },
  (random, draft) =>
    void draft.query.push(["long", "x".repeat(random.pick([2_000, 8_000, 15_000, 17_000, 70_000]))])
]

const decodeOrKeep = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const splitPath = (path: string) => path.split("/").slice(1)

const pathMutations: ReadonlyArray<Mutation> = [
  (random, draft) => {
    const segments = splitPath(draft.path)
    const segment = random.chance(0.5) ? random.pick(Attacks.escapes) : escape(Values.hostile(random))
    draft.path = `/${replaceAt(segments, random.below(segments.length), segment).join("/")}`
  },
  (random, draft) => {
    const segments = splitPath(draft.path)
    const at = random.below(segments.length)
    draft.path = `/${replaceAt(segments, at, `${segments[at] ?? ""}${random.pick(Attacks.escapes)}`).join("/")}`
  },
  (_, draft) => void (draft.path = draft.path.endsWith("/") ? draft.path.slice(0, -1) : `${draft.path}/`),
  (random, draft) =>
    void (draft.path = draft.path.replace("/", () => random.pick(["//", "/./", "/x/../", "\\", "/%2e/"]))),
  (random, draft) =>
    void (draft.path = draft.path.replace(/[a-z]/, () => random.pick(["A", "%61", "%C3%A4", "*"]))),
  (random, draft) =>
    void (draft.path += random.pick([";a=b", "/extra", ".json", "%20", "?", "/" + "a".repeat(3_000)])),
  (_, draft) => void (draft.path = draft.path.toUpperCase()),
  (_, draft) => void (draft.path = `http://localhost${draft.path}`),
  (random, draft) =>
    void (draft.path = random.pick(["*", "/", "//", "/api", "/api/v1", "/.env", "/.git/config", "/%00"]))
]

const methods = [
  "HEAD",
  "OPTIONS",
  "PUT",
  "PATCH",
  "DELETE",
  "TRACE",
  "POST",
  "GET",
  "PROPFIND",
  "PURGE",
  "QUERY"
]
const CONTROL_CHARACTERS = "\u0001\u007f"

/** Unusual headers that must not cause an error. */
const unusualHeaders: ReadonlyArray<readonly [string, string]> = [
  ["X-HTTP-Method-Override", "DELETE"],
  ["X-HTTP-Method", "PUT"],
  ["X-Forwarded-For", "127.0.0.1, ::1, unknown"],
  ["X-Forwarded-Host", "evil.example"],
  ["X-Forwarded-Proto", "javascript"],
  ["Forwarded", "for=_;host=evil.example"],
  ["X-Original-URL", "/api/v1/admin/quarantine"],
  ["Host", "evil.example"],
  ["Host", "a b"],
  ["Host", ""],
  ["Origin", "null"],
  ["Origin", "https://evil.example"],
  ["Referer", "javascript:alert(1)"],
  ["Cookie", "a=b; __proto__=c; =; ;;"],
  ["Range", "bytes=0-1,5-,-9"],
  ["If-Match", '"*"'],
  ["If-Modified-Since", "Sat, 21 Nov 2026 25:61:61 GMT"],
  ["If-None-Match", "*"],
  ["If-None-Match", 'W/"a", "b", garbage'],
  ["If-None-Match", '"'.repeat(3_000)],
  ["Idempotency-Key", ""],
  ["Idempotency-Key", "k".repeat(255)],
  ["Idempotency-Key", "k".repeat(256)],
  ["Idempotency-Key", "\u00e9\u00ff"],
  ["Idempotency-Key", "a\tb"],
  ["Last-Event-ID", "0-0"],
  ["Last-Event-ID", "' OR 1=1"],
  ["traceparent", "00-00000000000000000000000000000000-0000000000000000-01"],
  ["traceparent", "ff-zz"],
  ["tracestate", "a".repeat(600)],
  ["b3", "1"],
  ["X-Request-Id", "${jndi:ldap://127.0.0.1:1/a}"],
  ["X-Request-Id", "x".repeat(5_000)],
  ["X-Request-Id", "a\u00e9"],
  ["Accept-Encoding", "gzip, br, *;q=0"],
  ["Accept-Language", "\u00ff".repeat(100)],
  ["Accept-Charset", "utf-7"],
  ["Content-Encoding", "gzip"],
  ["Content-Encoding", "identity, br"],
  ["Authorization", "Bearer"],
  ["Authorization", "Bearer efx_test_x"],
  ["Authorization", `Bearer efx_test_${"a".repeat(3_000)}`],
  ["Authorization", "Basic YTpi"],
  ["Authorization", "efx_live_x"],
  ["Expect", "100-continue"],
  ["Expect", "a-miracle"],
  ["Connection", "close"],
  ["Connection", "keep-alive, host"],
  ["Upgrade", "h2c"],
  ["Upgrade", "websocket"],
  ["TE", "trailers, chunked"],
  ["Max-Forwards", "0"],
  ["Access-Control-Request-Method", "DELETE"],
  ["X-Huge", "h".repeat(7_000)],
  ["X-Huge", "h".repeat(20_000)]
]

const contentTypes = [
  "text/plain",
  "application/json; charset=utf-16",
  "application/json; charset=utf-7",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "multipart/form-data",
  "application/xml",
  "application/problem+json",
  "APPLICATION/JSON",
  'application/json; a="',
  "json",
  "",
  "/",
  "text/html;".repeat(100)
]

const headerMutations: ReadonlyArray<Mutation> = [
  (random, draft) => void draft.headers.push(random.pick(unusualHeaders)),
  (random, draft) => void draft.headers.push(random.pick(unusualHeaders)),
  (random, draft) => void draft.headers.push(random.pick(unusualHeaders), random.pick(unusualHeaders)),
  (random, draft) => void (draft.headers.length > 0 && draft.headers.push(random.pick(draft.headers))),
  (random, draft) => void draft.headers.push(["Accept", headerText(Values.hostile(random))]),
  (random, draft) => {
    draft.headers = draft.headers.filter(([name]) => name !== "Content-Type")
    draft.headers.push(["Content-Type", random.pick(contentTypes)])
  },
  (random, draft) => {
    const count = random.pick([50, 90, 300, 2_100])
    draft.headers.push(...Array.from({ length: count }, (_, i) => [`X-${i}`, "v"] as const))
  }
]

/** Removes characters that would end a header. */
export const headerText = (text: string) =>
  Buffer.from(text.replaceAll(/[\r\n\0]/g, CONTROL_CHARACTERS.slice(1))).toString("latin1")

const methodMutations: ReadonlyArray<Mutation> = [
  (random, draft) => void (draft.method = random.pick(methods)),
  (random, draft) => void (draft.method = random.pick(methods))
]

const bodyMutations: ReadonlyArray<Mutation> = [
  (random, draft) => void (draft.body = BodyMutations.mutate(random, draft.body ?? Buffer.from("{}"))),
  (random, draft) => void (draft.body = BodyMutations.mutate(random, draft.body ?? Buffer.from("{}"))),
  (_, draft) => void (draft.body = undefined),
  (_, draft) => void (draft.framing = "chunked"),
  (random, draft) => {
    draft.framing = {
      length: random.pick(["0", "5", "-1", "1e3", "0x10", "99999", "99999999999999999999", "", "3, 3"])
    }
    draft.needsOwnConnection = true
  },
  (_, draft) => {
    draft.framing = "none"
    draft.needsOwnConnection = true
  }
]

/** Applies one mutation to a request, which makes it invalid or unusual. */
export const mutate = (random: RandomChoice, draft: RequestDraft): void => {
  const hasBody = draft.body !== undefined
  const groups = hasBody
    ? [bodyMutations, bodyMutations, bodyMutations, headerMutations, pathMutations]
    : [queryMutations, queryMutations, queryMutations, headerMutations, pathMutations]
  const group = random.chance(0.06)
    ? methodMutations
    : random.chance(0.08)
      ? random.pick([bodyMutations, queryMutations])
      : random.pick(groups)
  random.pick(group)(random, draft)
}
