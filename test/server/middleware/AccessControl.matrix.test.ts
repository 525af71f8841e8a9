import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Api } from "../../../src/api/Api.ts"
import { ConversionCalls, OpenCalls } from "../../../src/api/access/RpcAccess.ts"
import { RatesRpcs } from "../../../src/api/rates/RatesRpcs.ts"
import type { Scope } from "../../../src/domain/access/ApiKey.ts"
import { paths } from "../../../src/server/Routes.ts"
import * as Callers from "../../support/Callers.ts"
import { TestServer } from "../../support/TestServer.ts"

const REAL = { FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }
const ID = "01980000-0000-7000-8000-000000000000"

/** What a part of the API takes; a part that is not named here is for administration. */
const rules: Readonly<Record<string, Scope | "open" | "unasked">> = {
  rates: "open",
  history: "open",
  polls: "open",
  flutterwave: "open",
  operations: "unasked",
  conversion: "convert",
  audit: "audit:read"
}

const routes = Object.entries(Api.groups).flatMap(([group, { endpoints }]) =>
  Object.values(endpoints).map(({ method, path }) => ({
    method: String(method),
    path: String(path).replace(/:\w+/g, ID),
    rule: rules[group] ?? "admin"
  }))
)

interface Answered {
  readonly status: number
  readonly challenge: string | null
}

/** Asks, and does not wait for the end of what may be a stream. */
const ask = (path: string, { authorization }: Callers.CallerKind, init: RequestInit = {}) =>
  Effect.flatMap(TestServer, ({ url }) =>
    Effect.promise(async (): Promise<Answered> => {
      const control = new AbortController()
      const headers = new Headers(init.headers)
      if (authorization !== undefined) headers.set("authorization", authorization)
      const response = await fetch(url + path, { ...init, signal: control.signal, headers })
      control.abort()
      return { status: response.status, challenge: response.headers.get("www-authenticate") }
    })
  )

const CHALLENGES = {
  missing: 'Bearer realm="effex"',
  invalid: /^Bearer realm="effex", error="invalid_token", error_description="[ !#-[\]-~]+"$/,
  narrow: (scope: string) => `Bearer realm="effex", error="insufficient_scope", scope="${scope}"`
}

const assertAnswered = (
  answered: Answered,
  caller: Callers.CallerKind,
  rule: Scope | "open" | "unasked",
  isOpen: boolean,
  told: string
) => {
  const { challenge, status } = answered
  const shown = caller.authorization !== undefined
  if (rule !== "unasked" && shown && caller.scopes === undefined) {
    assert.strictEqual(status, 401, told)
    assert.match(challenge ?? "", CHALLENGES.invalid, told)
  } else if (rule === "unasked" || rule === "open" || (!shown && isOpen)) {
    assert.notInclude([401, 403], status, told)
    assert.isNull(challenge, told)
  } else if (!shown) {
    assert.deepStrictEqual(answered, { status: 401, challenge: CHALLENGES.missing }, told)
  } else if (caller.scopes?.includes(rule) === true) {
    assert.notInclude([401, 403], status, told)
    assert.isNull(challenge, told)
  } else {
    assert.deepStrictEqual(answered, { status: 403, challenge: CHALLENGES.narrow(rule) }, told)
  }
}

interface Tried {
  readonly title: string
  readonly env: Readonly<Record<string, string>>
  /** What nobody needs a key for. */
  readonly opens: ReadonlyArray<Scope | "open" | "unasked">
}

const servers: ReadonlyArray<Tried> = [
  { title: "with real providers", env: REAL, opens: [] },
  { title: "with the sandbox", env: {}, opens: ["convert", "audit:read", "admin"] },
  {
    title: "with real providers and ALLOW_ANONYMOUS_CONVERT",
    env: { ...REAL, ALLOW_ANONYMOUS_CONVERT: "true" },
    opens: ["convert", "audit:read"]
  }
]

for (const { env, opens, title } of servers) {
  layer(TestServer.layer(env), { excludeTestServices: true })(`A server ${title}`, (it) => {
    it.effect("answers each route of the API to those who may ask, and to nobody else", () =>
      Effect.gen(function* () {
        assert.isAbove(routes.length, 15)
        for (const caller of yield* Callers.all) {
          for (const { method, path, rule } of routes) {
            const answered = yield* ask(path, caller, { method })
            const told = `${method} ${path} by ${caller.name}: ${answered.status}`
            assertAnswered(answered, caller, rule, opens.includes(rule), told)
          }
        }
      })
    )

    it.effect("answers its pages and its metrics to everybody", () =>
      Effect.gen(function* () {
        const pages = [paths.metrics, paths.openapi, paths.docs, paths.swagger, paths.redoc]
        for (const caller of yield* Callers.all)
          for (const path of pages) assert.strictEqual((yield* ask(path, caller)).status, 200, path)
      })
    )

    it.effect(
      "answers each call of RPC to those who may make it, with the key in the call or beside it",
      () =>
        Effect.gen(function* () {
          const asked = { amount: "1", fromCurrency: "USD", toCurrency: "NGN" }
          const payloads: Readonly<Record<string, object>> = {
            Convert: asked,
            CreateQuote: asked,
            GetRate: { from: "USD", to: "NGN" }
          }
          // What streams for ever is told at once that its key is not in force, and says nothing else on /rpc/http.
          const calls = Array.from(RatesRpcs.requests.keys()).filter((tag) => !tag.startsWith("Watch"))
          for (const caller of yield* Callers.all) {
            for (const tag of calls) {
              for (const inCall of [true, false]) {
                const { authorization } = caller
                const error = yield* call(tag, payloads[tag] ?? {}, authorization, inCall)
                const told = `${tag} by ${caller.name}: ${error}`
                const isOpen = tag === "GetRate" || tag === "ListRates"
                const may = isOpen || (caller.scopes?.includes("convert") ?? opens.includes("convert"))
                const shown = authorization !== undefined
                if (shown && caller.scopes === undefined) assert.strictEqual(error, "unauthorized", told)
                else if (may) assert.isUndefined(error, told)
                else assert.strictEqual(error, shown ? "forbidden" : "unauthorized", told)
              }
            }
          }
        })
    )
  })
}

/** Makes a call over HTTP, and returns the code of the problem that it ends with. */
const call = (tag: string, payload: object, authorization: string | undefined, inCall: boolean) =>
  Effect.flatMap(TestServer, ({ url }) =>
    Effect.promise(async () => {
      const inside = authorization !== undefined && inCall ? [["authorization", authorization]] : []
      const response = await fetch(url + paths.rpcHttp, {
        method: "POST",
        headers: authorization !== undefined && !inCall ? { authorization } : {},
        body: `${JSON.stringify({ _tag: "Request", id: "1", tag, payload, headers: inside })}\n`
      })
      return /"code":"([\w-]+)"/.exec(await response.text())?.[1]
    })
  )

layer(
  TestServer.layer({
    RATE_LIMIT_READS: "1/day",
    RATE_LIMIT_WRITES: "1/day",
    TRUSTED_PROXIES: "127.0.0.0/8"
  }),
  { excludeTestServices: true }
)("A server that was asked for too much", (it) => {
  it.effect("refuses each route of the API, but for those that tell how it does", () =>
    Effect.gen(function* () {
      for (const [index, { method, path, rule }] of routes.entries()) {
        const asked = { method, headers: { "x-forwarded-for": `192.0.2.${index}` } }
        const statuses = [yield* ask(path, Callers.NOBODY, asked), yield* ask(path, Callers.NOBODY, asked)]
        const refused = statuses.map(({ status }) => status === 429)
        assert.deepStrictEqual(refused, [false, rule !== "unasked"], `${method} ${path}`)
      }
    })
  )
})

layer(TestServer.layer(REAL), { excludeTestServices: true })("A server with real providers", (it) => {
  it.effect("has no call that nobody decides about", () =>
    Effect.sync(() => {
      for (const { middlewares } of RatesRpcs.requests.values()) {
        const each = new Set<unknown>(middlewares)
        assert.isTrue(each.has(OpenCalls) !== each.has(ConversionCalls))
      }
    })
  )

  it.effect("decides before it reads what was sent", () =>
    Effect.gen(function* () {
      const narrow = yield* Callers.holderOf("rates:read")
      const post = { method: "POST", body: "nonsense" }
      assert.strictEqual((yield* ask("/api/v1/convert", Callers.NOBODY, post)).status, 401)
      assert.strictEqual((yield* ask("/api/v1/convert", narrow, post)).status, 403)
      assert.strictEqual((yield* ask("/api/v1/audit/conversions/nonsense", Callers.NOBODY)).status, 401)
    })
  )

  it.effect("opens no stream for a key that is not in force", () =>
    Effect.gen(function* () {
      for (const caller of yield* Callers.refused)
        assert.strictEqual((yield* ask("/api/v1/rates/stream", caller)).status, 401, caller.name)
    })
  )

  it.effect("leaves alone what is there for a proxy on the way", () =>
    Effect.gen(function* () {
      const basic = { name: "proxy", authorization: "Basic dXNlcjpwYXNzd29yZA==" }
      assert.strictEqual((yield* ask("/api/v1/currencies", basic)).status, 200)
      assert.strictEqual((yield* ask("/api/v1/audit/heads", basic)).challenge, CHALLENGES.missing)
    })
  )
})
