import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Tracer } from "effect"
import { AuditLog } from "../../../src/audit/AuditLog.ts"
import { ANONYMOUS } from "../../../src/domain/access/ApiKey.ts"
import * as AccessControl from "../../../src/server/middleware/AccessControl.ts"
import * as Callers from "../../support/Callers.ts"
import * as RawHttp from "../../support/RawHttp.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"

const REAL = { FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }
const live = { excludeTestServices: true }

const as = ({ authorization }: Callers.CallerKind, headers: Readonly<Record<string, string>> = {}) => ({
  ...headers,
  ...(authorization === undefined ? {} : { authorization })
})

const convert = (
  caller: Callers.CallerKind,
  headers: Readonly<Record<string, string>> = {},
  amount = "500.00"
) =>
  get("/api/v1/convert", {
    method: "POST",
    body: JSON.stringify({ amount, from_currency: "USD", to_currency: "NGN" }),
    headers: as(caller, headers)
  })

const lookup = (caller: Callers.CallerKind) => get("/api/v1/rates?from=USD&to=NGN", { headers: as(caller) })

/** Keeps the spans that are made. */
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

layer(TestServer.layer(REAL).pipe(Layer.provide(traced)), live)("Keys", (it) => {
  it.effect("are who asked, in the audit, and each has idempotency keys of its own", () =>
    Effect.gen(function* () {
      const audit = yield* AuditLog
      const [one, two] = [
        yield* Callers.holderOf("convert"),
        yield* Callers.holderOf("convert", "audit:read")
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
      const told = yield* get(`/api/v1/audit/conversions/${first.json["audit_id"]}`, { headers: as(two) })
      assert.strictEqual(told.json["principal"], one.id)
    })
  )

  it.effect("are told what is wrong with them, as a problem", () =>
    Effect.gen(function* () {
      const details = new Map<string, unknown>()
      for (const caller of yield* Callers.refused)
        details.set(caller.name, assertProblem(yield* lookup(caller), 401, "unauthorized")["detail"])
      assert.include(details.get("unknown"), "in force")
      assert.include(details.get("mistyped"), "checksum")
      assert.include(details.get("malformed"), "efx_live_…")
      assert.include(details.get("without a scheme"), "Authorization: Bearer")
      assert.include(details.get("of the other mode"), "test key")
      assert.match(String(details.get("expired")), /expired at \d{4}-/)
      assert.match(String(details.get("revoked")), /revoked at \d{4}-/)
      const narrow = yield* convert(yield* Callers.holderOf("audit:read", "admin", "rates:read"))
      assert.include(assertProblem(narrow, 403, "forbidden")["detail"], "`convert`")
      assert.include(
        assertProblem(yield* convert(Callers.NOBODY), 401, "unauthorized")["detail"],
        "effex keys create"
      )
    })
  )

  it.effect("are refused in Flutterwave's own shape where it is Flutterwave's path", () =>
    Effect.gen(function* () {
      const path = "/api/rates/?source_currency=USD&destination_currency=NGN"
      for (const caller of yield* Callers.refused) {
        const answer = yield* get(path, { headers: as(caller) })
        assert.strictEqual(answer.status, 401)
        assert.deepInclude(answer.json, { status: "error", data: null })
      }
      const holder = yield* Callers.holderOf("convert")
      assert.strictEqual((yield* get(path, { headers: as(holder) })).status, 200)
    })
  )

  it.effect("are in no answer, log, metric or trace", () =>
    Effect.gen(function* () {
      const { log } = yield* TestServer
      const callers = yield* Callers.all
      const told: Array<string> = []
      for (const caller of callers) {
        for (const answer of [yield* lookup(caller), yield* convert(caller)])
          told.push(answer.text, JSON.stringify(Object.fromEntries(answer.headers)))
      }
      told.push(...log, (yield* get("/metrics")).text)
      const requests = spans.filter(({ kind }) => kind === "server")
      assert.isAtLeast(requests.length, 2 * callers.length)
      assert.isTrue(requests.some((span) => span.attributes.get("http.response.status_code") === 401))
      for (const span of spans) {
        told.push(span.name, ...Array.from(span.attributes.values(), String))
        for (const [name, , attributes] of span.events) told.push(name, JSON.stringify(attributes))
      }
      const all = told.join("\n")
      for (const { authorization = "" } of callers) {
        const secret = /efx_\w{5}(\w{20})/.exec(authorization)?.[1]
        if (secret !== undefined) assert.notInclude(all, secret)
      }
    })
  )

  it.effect("go on while the database is gone, and lookups with a key that cannot be checked as well", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const [known, fresh] = [yield* Callers.holderOf("rates:read"), yield* Callers.holderOf("audit:read")]
      const { hold } = yield* AccessControl.make
      assert.strictEqual((yield* lookup(known)).status, 200)
      yield* server.setDatabase("down")
      for (const caller of [known, fresh]) assert.strictEqual((yield* lookup(caller)).status, 200)
      assert.deepInclude(yield* hold("rates:read", "reads", asker(known.authorization)), { id: known.id })
      const unchecked = yield* get("/api/v1/audit/heads", { headers: as(fresh) })
      assertProblem(unchecked, 503, "store-unavailable")
      yield* server.setDatabase("well")
      assert.strictEqual((yield* get("/api/v1/audit/heads", { headers: as(fresh) })).status, 200)
    })
  )

  it.effect("are asked for by administration, whoever may convert", () =>
    Effect.gen(function* () {
      const { hold } = yield* AccessControl.make
      const admin = yield* Callers.holderOf("admin")
      const others = yield* Callers.holderOf("rates:read", "convert", "audit:read")
      assert.deepInclude(yield* hold("admin", "reads", asker(admin.authorization)), {
        id: admin.id,
        scopes: ["admin"]
      })
      assert.strictEqual(
        (yield* Effect.flip(hold("admin", "reads", asker(others.authorization)))).problem.code,
        "forbidden"
      )
      assert.strictEqual(
        (yield* Effect.flip(hold("admin", "reads", asker(undefined)))).problem.code,
        "unauthorized"
      )
      assert.strictEqual(
        (yield* Effect.flip(hold("convert", "reads", asker(admin.authorization)))).problem.code,
        "forbidden"
      )
    })
  )

  it.effect("are asked for in the handshake of a WebSocket, where one is shown", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const [refused] = yield* Callers.refused
      const holder = yield* Callers.holderOf("rates:read")
      const statusOf = (caller: Callers.CallerKind) =>
        Effect.map(RawHttp.exchange(port, handshake(caller)), ({ answers }) => answers[0]?.status)
      assert.strictEqual(yield* statusOf(refused ?? Callers.NOBODY), 401)
      assert.strictEqual(yield* statusOf(Callers.NOBODY), 101)
      assert.strictEqual(yield* statusOf(holder), 101)
    })
  )
})

/** Somebody who asks with a header, or with none. */
const asker = (authorization: string | undefined) => ({
  authorization,
  address: "192.0.2.1",
  tell: () => {}
})

const handshake = ({ authorization }: Callers.CallerKind) =>
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

layer(TestServer.layer(), live)("Keys of an instance with the sandbox", (it) => {
  it.effect("are not needed, and those who show one are held to it", () =>
    Effect.gen(function* () {
      const { hold } = yield* AccessControl.make
      assert.strictEqual(yield* hold("admin", "reads", asker(undefined)), ANONYMOUS)
      assert.strictEqual((yield* convert(Callers.NOBODY)).status, 200)
      const [holder, narrow] = [yield* Callers.holderOf("convert"), yield* Callers.holderOf("audit:read")]
      assert.strictEqual((yield* convert(holder)).status, 200)
      assertProblem(yield* convert(narrow), 403, "forbidden")
      const records = yield* Effect.flatMap(AuditLog, (audit) => audit.page({}, undefined, 10))
      assert.deepStrictEqual(
        records.map(({ principal }) => principal),
        [holder.id, "anonymous"]
      )
    })
  )
})
