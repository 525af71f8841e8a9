import { assert, layer } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Result, Tracer } from "effect"
import { AuditLog } from "../../../../src/audit/AuditLog.ts"
import * as ApiKey from "../../../../src/domain/access/ApiKey.ts"
import { AccessControl } from "../../../../src/server/middleware/access/AccessControl.ts"
import * as Callers from "../../../support/Callers.ts"
import * as RawHttp from "../../../support/RawHttp.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"

const REAL_PROVIDER = { FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }
const live = { excludeTestServices: true }

const headersOf = (
  { authorization }: Callers.TestCaller,
  headers: Readonly<Record<string, string>> = {}
) => ({
  ...headers,
  ...(authorization === undefined ? {} : { authorization })
})

const convert = (
  caller: Callers.TestCaller,
  headers: Readonly<Record<string, string>> = {},
  amount = "500.00"
) =>
  get("/api/v1/convert", {
    method: "POST",
    body: JSON.stringify({ amount, from_currency: "USD", to_currency: "NGN" }),
    headers: headersOf(caller, headers)
  })

const lookup = (caller: Callers.TestCaller) =>
  get("/api/v1/rates?from=USD&to=NGN", { headers: headersOf(caller) })

const layerOf = (env: Readonly<Record<string, string>> = {}) =>
  AccessControl.layer.pipe(Layer.provideMerge(TestServer.layer(env)))

/** Collects the created spans. */
const spans: Array<Tracer.NativeSpan> = []
const traced = Layer.succeed(
  Tracer.Tracer,
  Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
)

layer(layerOf(REAL_PROVIDER).pipe(Layer.provide(traced)), live)(
  "Access control with a real provider",
  (it) => {
    it.effect("records the key id in the audit, and keeps the idempotency keys of each key apart", () =>
      Effect.gen(function* () {
        const audit = yield* AuditLog
        const [one, two] = [
          yield* Callers.withScopes("convert"),
          yield* Callers.withScopes("convert", "audit:read")
        ]
        const key = { "idempotency-key": "order 7" }
        const first = yield* convert(one, key)
        assert.strictEqual(first.status, 200, first.text)
        const again = yield* convert(one, key)
        assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
        assert.strictEqual(again.text, first.text)
        const other = yield* convert(two, key, "501.00")
        assert.strictEqual(other.status, 200, other.text)
        assert.notStrictEqual(other.json["audit_id"], first.json["audit_id"])
        const records = yield* audit.page({}, undefined, 10)
        assert.deepStrictEqual(
          records.map(({ principal }) => principal),
          [two.id, one.id]
        )
        const audited = yield* get(`/api/v1/audit/conversions/${first.json["audit_id"]}`, {
          headers: headersOf(two)
        })
        assert.strictEqual(audited.json["principal"], one.id)
      })
    )

    it.effect("explains why a key is rejected, as a problem", () =>
      Effect.gen(function* () {
        const details = new Map<string, unknown>()
        for (const caller of yield* Callers.invalid)
          details.set(caller.name, assertProblem(yield* lookup(caller), 401, "unauthorized")["detail"])
        assert.include(details.get("unknown"), "unknown")
        assert.include(details.get("mistyped"), "checksum")
        assert.include(details.get("malformed"), "efx_live_…")
        assert.include(details.get("without a scheme"), "Authorization: Bearer")
        assert.include(details.get("of the other mode"), "test key")
        assert.match(String(details.get("expired")), /expired at \d{4}-/)
        assert.match(String(details.get("revoked")), /revoked at \d{4}-/)
        const narrow = yield* convert(yield* Callers.withScopes("audit:read", "admin", "rates:read"))
        assert.include(assertProblem(narrow, 403, "forbidden")["detail"], "`convert`")
        assert.include(
          assertProblem(yield* convert(Callers.ANONYMOUS), 401, "unauthorized")["detail"],
          "effex keys create"
        )
      })
    )

    it.effect("rejects keys in Flutterwave's shape on Flutterwave's paths", () =>
      Effect.gen(function* () {
        const path = "/api/rates/?source_currency=USD&destination_currency=NGN"
        for (const caller of yield* Callers.invalid) {
          const answer = yield* get(path, { headers: headersOf(caller) })
          assert.strictEqual(answer.status, 401)
          assert.deepInclude(answer.json, { status: "error", data: null })
        }
        const valid = yield* Callers.withScopes("convert")
        assert.strictEqual((yield* get(path, { headers: headersOf(valid) })).status, 200)
      })
    )

    it.effect("keeps keys out of responses, logs, metrics and traces", () =>
      Effect.gen(function* () {
        const { log } = yield* TestServer
        const callers = yield* Callers.all
        const output: Array<string> = []
        for (const caller of callers) {
          for (const answer of [yield* lookup(caller), yield* convert(caller)])
            output.push(answer.text, JSON.stringify(Object.fromEntries(answer.headers)))
        }
        output.push(...log, (yield* get("/metrics")).text)
        const requests = spans.filter(({ kind }) => kind === "server")
        assert.isAtLeast(requests.length, 2 * callers.length)
        assert.isTrue(requests.some((span) => span.attributes.get("http.response.status_code") === 401))
        for (const span of spans) {
          output.push(span.name, ...Array.from(span.attributes.values(), String))
          for (const [name, , attributes] of span.events) output.push(name, JSON.stringify(attributes))
        }
        const all = output.join("\n")
        for (const { authorization = "" } of callers) {
          const secret = /efx_\w{5}(\w{20})/.exec(authorization)?.[1]
          if (secret !== undefined) assert.notInclude(all, secret)
        }
      })
    )

    it.effect("keeps passwords and tokens of accounts out of logs, metrics and traces", () =>
      Effect.gen(function* () {
        const { log } = yield* TestServer
        const secrets = ["the password of a secret", "a wrong password, a secret", "the next password of all"]
        const [password, wrong, next] = secrets
        const post = Effect.fnUntraced(function* (path: string, body: object, access?: string) {
          const response = yield* get(`/api/v1/accounts/${path}`, {
            method: "POST",
            body: JSON.stringify(body),
            headers: {
              "content-type": "application/json",
              ...(access === undefined ? {} : { authorization: `Bearer ${access}` })
            }
          })
          for (const name of ["access", "refresh", "mfa_token"]) {
            const token = response.json[name]
            if (typeof token === "string") secrets.push(token, token.slice(-40))
          }
          return response
        })
        const username = "keeps-secrets"
        const { json } = yield* post("auth/register", { username, password })
        const access = String(json["access"])
        const code = "492817"
        secrets.push(code)
        const statuses = [
          yield* post("auth/login", { username, password: wrong }),
          yield* post("auth/login", { username: password, password: wrong, code }),
          yield* post("auth/login", { username, password }),
          yield* post("auth/login", { mfa_token: access, code }),
          yield* post("auth/refresh", { refresh: json["refresh"] }),
          yield* post("auth/refresh", { refresh: access }),
          yield* post("me/password", { current_password: wrong, new_password: next }, access),
          yield* post("me/password", { current_password: password, new_password: next }, access),
          yield* post("auth/logout", { refresh: json["refresh"] })
        ].map(({ status }) => status)
        assert.deepStrictEqual(statuses, [401, 401, 200, 401, 200, 401, 401, 204, 204])
        const output = [...log, (yield* get("/metrics")).text]
        for (const span of spans) {
          output.push(span.name, ...Array.from(span.attributes.values(), String))
          for (const [name, , attributes] of span.events) output.push(name, JSON.stringify(attributes))
          // Only failures are exported.
          if (span.status._tag === "Ended" && Exit.isFailure(span.status.exit))
            output.push(Cause.pretty(span.status.exit.cause), JSON.stringify(span.status.exit.cause))
        }
        const all = output.join("\n")
        assert.isAbove(spans.length, statuses.length)
        assert.isAtLeast(secrets.length, 10)
        for (const secret of secrets)
          assert.notInclude(all, secret, all.slice(Math.max(0, all.indexOf(secret) - 200)).slice(0, 400))
      })
    )

    it.effect("accepts known keys while the database is unavailable, and lookups with an unknown key", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const [known, fresh] = [
          yield* Callers.withScopes("rates:read"),
          yield* Callers.withScopes("audit:read")
        ]
        const { authorize } = yield* AccessControl
        assert.strictEqual((yield* lookup(known)).status, 200)
        yield* server.setDatabase("down")
        for (const caller of [known, fresh]) assert.strictEqual((yield* lookup(caller)).status, 200)
        assert.deepInclude(yield* authorize("rates:read", "reads", credentialsOf(known.authorization)), {
          id: known.id
        })
        const unverified = yield* get("/api/v1/audit/heads", { headers: headersOf(fresh) })
        assertProblem(unverified, 503, "store-unavailable")
        yield* server.setDatabase("up")
        assert.strictEqual((yield* get("/api/v1/audit/heads", { headers: headersOf(fresh) })).status, 200)
      })
    )

    it.effect("requires the scope admin for administration", () =>
      Effect.gen(function* () {
        const { authorize } = yield* AccessControl
        const admin = yield* Callers.withScopes("admin")
        const others = yield* Callers.withScopes("rates:read", "convert", "audit:read")
        assert.deepInclude(yield* authorize("admin", "reads", credentialsOf(admin.authorization)), {
          id: admin.id,
          scopes: ["admin"]
        })
        assert.strictEqual(
          (yield* Effect.flip(authorize("admin", "reads", credentialsOf(others.authorization)))).problem.code,
          "forbidden"
        )
        assert.strictEqual(
          (yield* Effect.flip(authorize("admin", "reads", credentialsOf(undefined)))).problem.code,
          "unauthorized"
        )
        assert.strictEqual(
          (yield* Effect.flip(authorize("convert", "reads", credentialsOf(admin.authorization)))).problem
            .code,
          "forbidden"
        )
      })
    )

    it.effect("requires an administrator's session or a key for what is never open", () => administration)

    it.effect("rejects an invalid key in the handshake of a WebSocket", () =>
      Effect.gen(function* () {
        const { port } = yield* TestServer
        const [invalid] = yield* Callers.invalid
        const valid = yield* Callers.withScopes("rates:read")
        const statusOf = (caller: Callers.TestCaller) =>
          Effect.map(RawHttp.exchange(port, handshake(caller)), ({ responses }) => responses[0]?.status)
        assert.strictEqual(yield* statusOf(invalid ?? Callers.ANONYMOUS), 401)
        assert.strictEqual(yield* statusOf(Callers.ANONYMOUS), 101)
        assert.strictEqual(yield* statusOf(valid), 101)
      })
    )

    it.effect("authorizes before it reads the body", () =>
      Effect.gen(function* () {
        const narrow = yield* Callers.withScopes("rates:read")
        const post = (caller: Callers.TestCaller) =>
          get("/api/v1/convert", { method: "POST", body: "nonsense", headers: headersOf(caller) })
        assert.strictEqual((yield* post(Callers.ANONYMOUS)).status, 401)
        assert.strictEqual((yield* post(narrow)).status, 403)
        assert.strictEqual((yield* get("/api/v1/audit/conversions/nonsense")).status, 401)
      })
    )

    it.effect("opens no stream for an invalid key", () =>
      Effect.gen(function* () {
        for (const caller of yield* Callers.invalid) {
          const { status } = yield* get("/api/v1/rates/stream", { headers: headersOf(caller) })
          assert.strictEqual(status, 401, caller.name)
        }
      })
    )

    it.effect("ignores other authorization schemes, which a proxy may use", () =>
      Effect.gen(function* () {
        const headers = { authorization: "Basic dXNlcjpwYXNzd29yZA==" }
        assert.strictEqual((yield* get("/api/v1/currencies", { headers })).status, 200)
        const audit = yield* get("/api/v1/audit/heads", { headers })
        assert.strictEqual(audit.headers.get("www-authenticate"), 'Bearer realm="effex"')
      })
    )
  }
)

/** The same with a real provider and with the sandbox. */
const administration = Effect.gen(function* () {
  const { authorizeAdministrator } = yield* AccessControl
  const send = (authorization: string | undefined) =>
    Effect.map(
      Effect.result(authorizeAdministrator("writes", credentialsOf(authorization))),
      Result.match({ onSuccess: ({ kind }) => kind, onFailure: ({ problem }) => problem.code })
    )
  const { user, administrator } = {
    user: yield* Callers.user("user"),
    administrator: yield* Callers.user("administrator")
  }
  assert.strictEqual(yield* send(undefined), "unauthorized")
  assert.strictEqual(yield* send("Basic dXNlcjpwYXNzd29yZA=="), "unauthorized")
  assert.strictEqual(yield* send(user.authorization), "forbidden")
  assert.strictEqual(yield* send(administrator.authorization), "administrator")
  for (const scope of ApiKey.Scope.literals) {
    const { authorization } = yield* Callers.withScopes(scope)
    assert.strictEqual(yield* send(authorization), scope === "admin" ? "key" : "forbidden", scope)
  }
  for (const { authorization, name } of yield* Callers.invalid)
    assert.strictEqual(yield* send(authorization), "unauthorized", name)
})

const credentialsOf = (authorization: string | undefined) => ({
  authorization,
  address: "192.0.2.1",
  reportRateLimit: () => {}
})

const handshake = ({ authorization }: Callers.TestCaller) =>
  [
    "GET /ws/rates/ HTTP/1.1",
    "Host: effex",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    "",
    ""
  ].join("\r\n")

layer(layerOf(), live)("Access control with the sandbox", (it) => {
  it.effect("requires an administrator's session or a key for what is never open", () => administration)

  it.effect("requires no key, but applies the scopes of a key that is sent", () =>
    Effect.gen(function* () {
      const { authorize } = yield* AccessControl
      assert.deepInclude(yield* authorize("admin", "reads", credentialsOf(undefined)), { id: "anonymous" })
      assert.strictEqual((yield* convert(Callers.ANONYMOUS)).status, 200)
      const [valid, narrow] = [yield* Callers.withScopes("convert"), yield* Callers.withScopes("audit:read")]
      assert.strictEqual((yield* convert(valid)).status, 200)
      assertProblem(yield* convert(narrow), 403, "forbidden")
      const records = yield* Effect.flatMap(AuditLog, (audit) => audit.page({}, undefined, 10))
      assert.deepStrictEqual(
        records.map(({ principal }) => principal),
        [valid.id, "anonymous"]
      )
    })
  )
})
