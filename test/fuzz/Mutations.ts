import * as Attacks from "./Attacks.ts"
import * as BodyMutations from "./BodyMutations.ts"
import type { RandomChoice } from "./RandomChoice.ts"
import type { RequestDraft } from "./RequestDraft.ts"
import * as Values from "./Values.ts"

type Mutations = (dice: RandomChoice, draft: RequestDraft) => void

/** As it stands in an address; a lone surrogate as the three bytes that UTF-8 does not allow. */
export const escape = (text: string): string =>
  Array.from(text, (letter) =>
    /^[\ud800-\udfff]$/.test(letter) ? "%ED%A0%80" : encodeURIComponent(letter)
  ).join("")

const put = <A>(list: ReadonlyArray<A>, at: number, item: A) => [
  ...list.slice(0, at),
  item,
  ...list.slice(at + 1)
]

/** Changes the value of one parameter in the address. */
const changeValue =
  (change: (dice: RandomChoice, value: string) => string): Mutations =>
  (dice, draft) => {
    if (draft.query.length === 0) return void draft.query.push(["extra", change(dice, "")])
    const at = dice.below(draft.query.length)
    const [name, value] = draft.query[at] ?? ["", ""]
    draft.query = put(draft.query, at, [name, change(dice, value)])
  }

const ofQuery: ReadonlyArray<Mutations> = [
  changeValue((dice) => escape(Values.hostile(dice))),
  changeValue((dice) => escape(Values.hostile(dice))),
  changeValue((dice) => escape(dice.pick(Attacks.numbers))),
  changeValue((dice, value) => value + dice.pick(Attacks.escapes)),
  changeValue((dice) => dice.pick(Attacks.escapes)),
  changeValue((dice, value) => escape(Values.damaged(dice, decodeOr(value)))),
  changeValue(() => ""),
  // One parameter twice, less, more, or without a value.
  (dice, draft) => void (draft.query.length > 0 && draft.query.push(dice.pick(draft.query))),
  (dice, draft) => void draft.query.splice(dice.below(draft.query.length + 1), 1),
  (dice, draft) =>
    void draft.query.push([
      escape(Values.hostile(dice)).slice(0, 300),
      escape(Values.hostile(dice)).slice(0, 300)
    ]),
  (dice, draft) =>
    void draft.query.push([dice.pick(["", "&&", "__proto__", "from[]", "from[a]", "a.b", "?"]), "1"]),
  (dice, draft) => {
    const [name, value] = draft.query[0] ?? ["from", "USD"]
    draft.query = [[dice.pick([name.toUpperCase(), `${name}%00`, `%${name}`, `${name}%20`]), value]]
  },
  (dice, draft) => {
    draft.query = Array.from({ length: dice.pick([50, 1_000]) }, (_, i) => [`q${i}`, String(i)])
  },
  (dice, draft) =>
    void draft.query.push(["long", "x".repeat(dice.pick([2_000, 8_000, 15_000, 17_000, 70_000]))])
]

const decodeOr = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const splitPath = (path: string) => path.split("/").slice(1)

const ofPath: ReadonlyArray<Mutations> = [
  (dice, draft) => {
    const words = splitPath(draft.path)
    const word = dice.chance(0.5) ? dice.pick(Attacks.escapes) : escape(Values.hostile(dice))
    draft.path = `/${put(words, dice.below(words.length), word).join("/")}`
  },
  (dice, draft) => {
    const words = splitPath(draft.path)
    const at = dice.below(words.length)
    draft.path = `/${put(words, at, `${words[at] ?? ""}${dice.pick(Attacks.escapes)}`).join("/")}`
  },
  (_, draft) => void (draft.path = draft.path.endsWith("/") ? draft.path.slice(0, -1) : `${draft.path}/`),
  (dice, draft) =>
    void (draft.path = draft.path.replace("/", () => dice.pick(["//", "/./", "/x/../", "\\", "/%2e/"]))),
  (dice, draft) =>
    void (draft.path = draft.path.replace(/[a-z]/, () => dice.pick(["A", "%61", "%C3%A4", "*"]))),
  (dice, draft) =>
    void (draft.path += dice.pick([";a=b", "/extra", ".json", "%20", "?", "/" + "a".repeat(3_000)])),
  (_, draft) => void (draft.path = draft.path.toUpperCase()),
  (_, draft) => void (draft.path = `http://localhost${draft.path}`),
  (dice, draft) =>
    void (draft.path = dice.pick(["*", "/", "//", "/api", "/api/v1", "/.env", "/.git/config", "/%00"]))
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
const odd = "\u0001\u007f"

/** Headers that are odd, and must not matter. */
const strange: ReadonlyArray<readonly [string, string]> = [
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

const types = [
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

const ofHeaders: ReadonlyArray<Mutations> = [
  (dice, draft) => void draft.headers.push(dice.pick(strange)),
  (dice, draft) => void draft.headers.push(dice.pick(strange)),
  (dice, draft) => void draft.headers.push(dice.pick(strange), dice.pick(strange)),
  (dice, draft) => void (draft.headers.length > 0 && draft.headers.push(dice.pick(draft.headers))),
  (dice, draft) => void draft.headers.push(["Accept", headerText(Values.hostile(dice))]),
  (dice, draft) => {
    draft.headers = draft.headers.filter(([name]) => name !== "Content-Type")
    draft.headers.push(["Content-Type", dice.pick(types)])
  },
  (dice, draft) => {
    const count = dice.pick([50, 90, 300, 2_100])
    draft.headers.push(...Array.from({ length: count }, (_, i) => [`X-${i}`, "v"] as const))
  }
]

/** What can stand in a header without ending it. */
export const headerText = (text: string) =>
  Buffer.from(text.replaceAll(/[\r\n\0]/g, odd.slice(1))).toString("latin1")

const ofMethod: ReadonlyArray<Mutations> = [
  (dice, draft) => void (draft.method = dice.pick(methods)),
  (dice, draft) => void (draft.method = dice.pick(methods))
]

const ofBody: ReadonlyArray<Mutations> = [
  (dice, draft) => void (draft.body = BodyMutations.damage(dice, draft.body ?? Buffer.from("{}"))),
  (dice, draft) => void (draft.body = BodyMutations.damage(dice, draft.body ?? Buffer.from("{}"))),
  (_, draft) => void (draft.body = undefined),
  (_, draft) => void (draft.framing = "chunked"),
  (dice, draft) => {
    draft.framing = {
      length: dice.pick(["0", "5", "-1", "1e3", "0x10", "99999", "99999999999999999999", "", "3, 3"])
    }
    draft.apart = true
  },
  (_, draft) => {
    draft.framing = "none"
    draft.apart = true
  }
]

/** Makes something about a request wrong, or at least unusual. */
export const damage = (dice: RandomChoice, draft: RequestDraft): void => {
  const takesBody = draft.body !== undefined
  const kinds = takesBody
    ? [ofBody, ofBody, ofBody, ofHeaders, ofPath]
    : [ofQuery, ofQuery, ofQuery, ofHeaders, ofPath]
  const kind = dice.chance(0.06)
    ? ofMethod
    : dice.chance(0.08)
      ? dice.pick([ofBody, ofQuery])
      : dice.pick(kinds)
  dice.pick(kind)(dice, draft)
}
