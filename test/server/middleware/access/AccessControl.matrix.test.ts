import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Api } from "../../../../src/api/Api.ts"
import {
  RpcOptionalAuthentication,
  RpcRequireConvertScope,
  RpcRequireUser
} from "../../../../src/api/access/RpcAuthorization.ts"
import { Rpcs } from "../../../../src/api/Rpcs.ts"
import type { Scope } from "../../../../src/domain/access/ApiKey.ts"
import { paths } from "../../../../src/server/Routes.ts"
import * as Callers from "../../../support/Callers.ts"
import { TestServer } from "../../../support/TestServer.ts"

const REAL_PROVIDER = { FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }
const ID = "01980000-0000-7000-8000-000000000000"

/**
 * `open`: everybody, but with valid credentials. `uncredentialed`: counted, and credentials are ignored. `unprotected`: neither.
 * `session`: users who are signed in. `user`: the same, and API keys with the scope `wallets` that name a
 * user. `administrator`: the scope `admin`, which no setting opens.
 */
type Rule = Scope | "open" | "uncredentialed" | "unprotected" | "session" | "user" | "administrator"

/** Rule of each API group. */
const rules: Readonly<Record<string, Rule>> = {
  rates: "open",
  history: "open",
  polls: "open",
  flutterwave: "open",
  board: "open",
  exchanges: "open",
  assets: "open",
  auth: "uncredentialed",
  account: "session",
  mfa: "session",
  wallet: "user",
  transactions: "user",
  transfers: "user",
  userEvents: "user",
  walletConversions: "user",
  funding: "user",
  orders: "user",
  operations: "unprotected",
  conversion: "convert",
  audit: "audit:read",
  proof: "audit:read",
  admin: "admin",
  poller: "admin",
  adminAssets: "administrator",
  userAdmin: "administrator",
  userRecords: "administrator",
  keys: "administrator",
  overview: "administrator",
  fundingAdmin: "administrator",
  batches: "administrator",
  risk: "administrator",
  ledger: "administrator"
}

const ruleOf = (group: string): Rule => rules[group] ?? assert.fail(`The API group ${group} has no rule`)

const routes = Object.entries(Api.groups).flatMap(([group, { endpoints }]) =>
  Object.values(endpoints).map(({ method, path }) => ({
    method: String(method),
    path: String(path).replace(/:\w+/g, ID),
    rule: ruleOf(group)
  }))
)

interface Outcome {
  readonly status: number
  readonly challenge: string | null
}

/** Sends a request, and closes an event stream. */
const send = (path: string, { authorization }: Callers.TestCaller, init: RequestInit = {}) =>
  Effect.flatMap(TestServer, ({ url }) =>
    Effect.promise(async (): Promise<Outcome> => {
      const control = new AbortController()
      const headers = new Headers(init.headers)
      if (authorization !== undefined) headers.set("authorization", authorization)
      const response = await fetch(url + path, { ...init, signal: control.signal, headers })
      // Reading the body keeps the connection open for the next request.
      if (response.headers.get("content-type") === "text/event-stream") control.abort()
      else await response.arrayBuffer()
      return { status: response.status, challenge: response.headers.get("www-authenticate") }
    })
  )

const CHALLENGES = {
  missing: 'Bearer realm="effex"',
  invalid: /^Bearer realm="effex", error="invalid_token", error_description="[ !#-[\]-~]+"$/,
  narrow: (scope: string) => `Bearer realm="effex", error="insufficient_scope", scope="${scope}"`
}

const assertOutcome = (
  outcome: Outcome,
  caller: Callers.TestCaller,
  rule: Rule,
  isOpen: boolean,
  message: string
) => {
  const { challenge, status } = outcome
  const scope = rule === "administrator" ? "admin" : rule
  const hasKey = caller.authorization !== undefined
  const ignoresCredentials = rule === "unprotected" || rule === "uncredentialed"
  if (!ignoresCredentials && hasKey && caller.scopes === undefined) {
    assert.strictEqual(status, 401, message)
    assert.match(challenge ?? "", CHALLENGES.invalid, message)
  } else if (rule === "session" || rule === "user") {
    const expected = caller.user !== undefined ? [200, 204, 400, 404] : hasKey ? [403] : [401]
    assert.include(expected, status, message)
  } else if (
    ignoresCredentials ||
    rule === "open" ||
    (!hasKey && isOpen) ||
    // A user may do what everybody may do, but not operate the service.
    (caller.user !== undefined && isOpen && scope !== "admin")
  ) {
    assert.notInclude([401, 403], status, message)
    assert.isNull(challenge, message)
  } else if (!hasKey) {
    assert.deepStrictEqual(outcome, { status: 401, challenge: CHALLENGES.missing }, message)
  } else if (caller.scopes?.some((held) => held === scope) === true) {
    assert.notInclude([401, 403], status, message)
    assert.isNull(challenge, message)
  } else {
    assert.deepStrictEqual(outcome, { status: 403, challenge: CHALLENGES.narrow(scope) }, message)
  }
}

interface TestedServer {
  readonly title: string
  readonly env: Readonly<Record<string, string>>
  /** Scopes that require no key. */
  readonly openScopes: ReadonlyArray<Rule>
}

const servers: ReadonlyArray<TestedServer> = [
  { title: "with a real provider", env: REAL_PROVIDER, openScopes: [] },
  { title: "with the sandbox", env: {}, openScopes: ["convert", "audit:read", "admin"] },
  {
    title: "with a real provider and ALLOW_ANONYMOUS_CONVERT",
    env: { ...REAL_PROVIDER, ALLOW_ANONYMOUS_CONVERT: "true" },
    openScopes: ["convert", "audit:read"]
  }
]

for (const { env, openScopes, title } of servers) {
  layer(TestServer.layer({ TRUSTED_PROXIES: "127.0.0.0/8", ...env }), { excludeTestServices: true })(
    `A server ${title}`,
    (it) => {
      it.effect("allows each route of the API only to permitted callers", () =>
        Effect.gen(function* () {
          assert.isAbove(routes.length, 15)
          const callers = yield* Callers.all
          yield* Effect.forEach(
            callers.flatMap((caller, i) =>
              routes
                // It would end the session of the caller.
                .filter(({ path }) => caller.user === undefined || !path.endsWith("logout-all"))
                // Invalid credentials are limited by address.
                .map((route) => ({ caller, address: `10.0.0.${i + 1}`, ...route }))
            ),
            ({ address, caller, method, path, rule }) =>
              Effect.map(
                send(path, caller, { method, headers: { "x-forwarded-for": address } }),
                (outcome) => {
                  const message = `${method} ${path} by ${caller.name}: ${outcome.status}`
                  assertOutcome(outcome, caller, rule, openScopes.includes(rule), message)
                }
              ),
            { concurrency: 8, discard: true }
          )
        })
      )

      it.effect("allows pages and metrics to everybody", () =>
        Effect.gen(function* () {
          const pages = [paths.metrics, paths.openapi, paths.docs, paths.swagger, paths.redoc]
          for (const caller of yield* Callers.all) {
            // The pages have several megabytes: only one caller reads them.
            const method = caller === Callers.ANONYMOUS ? "GET" : "HEAD"
            for (const path of pages)
              assert.strictEqual((yield* send(path, caller, { method })).status, 200, path)
          }
        })
      )

      it.effect(
        "allows each RPC only to permitted callers, with the key in the message or in the HTTP request",
        () =>
          Effect.gen(function* () {
            const conversion = { amount: "1", fromCurrency: "USD", toCurrency: "NGN" }
            const payloads: Readonly<Record<string, object>> = {
              Convert: conversion,
              CreateQuote: conversion,
              GetRate: { from: "USD", to: "NGN" }
            }
            // The streams of rates are left out: they are as open as `GetRate`.
            const calls = Array.from(Rpcs.requests.keys()).filter(
              (tag) => !tag.startsWith("Watch") || tag === "WatchWallet"
            )
            for (const caller of yield* Callers.all) {
              for (const tag of calls) {
                for (const inCall of [true, false]) {
                  const { authorization } = caller
                  const error = yield* call(tag, payloads[tag] ?? {}, authorization, inCall)
                  const message = `${tag} by ${caller.name}: ${error}`
                  const isOpen = tag === "GetRate" || tag === "ListRates"
                  const mayConvert =
                    caller.user === undefined && caller.scopes !== undefined
                      ? caller.scopes.includes("convert")
                      : openScopes.includes("convert")
                  const isPermitted =
                    isOpen || (tag === "WatchWallet" ? caller.user !== undefined : mayConvert)
                  const hasKey = authorization !== undefined
                  if (hasKey && caller.scopes === undefined)
                    assert.match(error ?? "", /^(unauthorized|session-ended)$/, message)
                  else if (isPermitted) assert.isUndefined(error, message)
                  else assert.strictEqual(error, hasKey ? "forbidden" : "unauthorized", message)
                }
              }
            }
          })
      )
    }
  )
}

/** Makes an RPC over HTTP, and returns the code of the resulting problem. Reads only the beginning of a stream. */
const call = (tag: string, payload: object, authorization: string | undefined, inCall: boolean) =>
  Effect.flatMap(TestServer, ({ url }) =>
    Effect.promise(async () => {
      const messageHeaders = authorization !== undefined && inCall ? [["authorization", authorization]] : []
      const response = await fetch(url + paths.rpcHttp, {
        method: "POST",
        // Another address: requests with invalid credentials are limited per address.
        headers: {
          "x-forwarded-for": "192.0.2.1",
          ...(authorization !== undefined && !inCall ? { authorization } : {})
        },
        body: `${JSON.stringify({ _tag: "Request", id: "1", tag, payload, headers: messageHeaders })}\n`
      })
      const body = response.body?.getReader()
      const { value } = (await body?.read()) ?? {}
      await body?.cancel()
      return /"code":"([\w-]+)"/.exec(new TextDecoder().decode(value))?.[1]
    })
  )

layer(
  TestServer.layer({
    RATE_LIMIT_READS: "1/day",
    RATE_LIMIT_WRITES: "1/day",
    TRUSTED_PROXIES: "127.0.0.0/8"
  }),
  { excludeTestServices: true }
)("A server with used up rate limits", (it) => {
  it.effect("rejects each route of the API except the health checks", () =>
    Effect.gen(function* () {
      for (const [index, { method, path, rule }] of routes.entries()) {
        const init = { method, headers: { "x-forwarded-for": `192.0.2.${index}` } }
        const statuses = [
          yield* send(path, Callers.ANONYMOUS, init),
          yield* send(path, Callers.ANONYMOUS, init)
        ]
        const isRejected = statuses.map(({ status }) => status === 429)
        assert.deepStrictEqual(isRejected, [false, rule !== "unprotected"], `${method} ${path}`)
      }
    })
  )
})

describe("Rpcs", () => {
  it("have exactly one authorization middleware per RPC", () => {
    const authorizations = new Set<unknown>([
      RpcOptionalAuthentication,
      RpcRequireConvertScope,
      RpcRequireUser
    ])
    for (const { middlewares } of Rpcs.requests.values())
      assert.strictEqual(
        Array.from<unknown>(middlewares.values()).filter((each) => authorizations.has(each)).length,
        1
      )
  })
})
