import { assert, describe, it, layer } from "@effect/vitest"
import { DateTime, Effect, Option, Redacted } from "effect"
import { ApiKeys } from "../../../src/access/ApiKeys.ts"
import type { Scope } from "../../../src/domain/access/ApiKey.ts"
import { RateId } from "../../../src/domain/rates/Rate.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { rate, TestProvider } from "../../support/TestProvider.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"

type Headers = Readonly<Record<string, string>>

const REQUEST = { amount: "500.00", from_currency: "USD", to_currency: "NGN" }

const post = (path: string, body: object, headers: Headers) =>
  get(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers }
  })

const convert = (headers: Headers, over: object = {}) =>
  post("/api/v1/convert", { ...REQUEST, ...over }, headers)

/** Creates an API key, and returns its header and its id. */
const createKey = Effect.fnUntraced(function* (name: string, ...scopes: ReadonlyArray<Scope>) {
  const { key, record } = yield* (yield* ApiKeys).create({ name, scopes, lifetime: Option.none() })
  return { id: record.id, authorization: `Bearer ${Redacted.value(key)}` }
})

const withRate = Effect.flatMap(TestProvider, (provider) => provider.respondWith(rate("1500")))

layer(TestServer.layer({ FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }), { excludeTestServices: true })(
  "Conversions and quotes with API keys",
  (it) => {
    it.effect("returns the first conversion to a retry with the renewed key of the same name", () =>
      Effect.gen(function* () {
        yield* withRate
        const first = yield* createKey("shop", "convert")
        const key = { "idempotency-key": "order-1" }
        const converted = yield* convert({ ...key, authorization: first.authorization })
        assert.strictEqual(converted.status, 200)
        const renewed = yield* createKey("shop", "convert")
        yield* (yield* ApiKeys).revoke(first.id)
        const retried = yield* convert({ ...key, authorization: renewed.authorization })
        assert.strictEqual(retried.headers.get("idempotency-replayed"), "true")
        assert.strictEqual(retried.text, converted.text)
        // A conversion that the renewed key makes is returned to its successors, and mismatches are found.
        const second = yield* convert({ "idempotency-key": "order-2", authorization: renewed.authorization })
        const again = yield* createKey("shop", "convert")
        const replayed = yield* convert({ "idempotency-key": "order-2", authorization: again.authorization })
        assert.strictEqual(replayed.text, second.text)
        const other = yield* convert({ ...key, authorization: again.authorization }, { amount: "501.00" })
        assertProblem(other, 422, "idempotency-mismatch")
        // Another name is another owner.
        const stranger = yield* createKey("shop 2", "convert")
        const separate = yield* convert({ ...key, authorization: stranger.authorization })
        assert.isNull(separate.headers.get("idempotency-replayed"))
      })
    )

    it.effect("returns the conversion that a renewed key stored under its own id in version 0.1.0", () =>
      Effect.gen(function* () {
        yield* withRate
        const { sql } = yield* Database
        const first = yield* createKey("legacy", "convert")
        const second = yield* createKey("legacy", "convert")
        const key = { "idempotency-key": "order-1", authorization: second.authorization }
        const converted = yield* convert(key)
        yield* sql`UPDATE idempotency SET principal = ${second.id} WHERE principal = ${first.id} AND key = 'order-1'`
        for (const { authorization } of [first, second]) {
          const retried = yield* convert({ ...key, authorization })
          assert.strictEqual(retried.text, converted.text)
        }
      })
    )

    it.effect("returns 404 for the quote of another owner, and converts it for a renewed key", () =>
      Effect.gen(function* () {
        yield* withRate
        const [owner, stranger] = [yield* createKey("owner", "convert"), yield* createKey("other", "convert")]
        const created = yield* post("/api/v1/quotes", REQUEST, { authorization: owner.authorization })
        const quoteId = String(created.json["quote_id"])
        const path = `/api/v1/quotes/${quoteId}`
        const { authorization } = stranger
        const foreign = yield* get(path, { headers: { authorization } })
        const unknown = yield* get(`/api/v1/quotes/01980000-0000-7000-8000-000000000000`, {
          headers: { authorization }
        })
        assertProblem(foreign, 404, "not-found")
        const { detail } = assertProblem(unknown, 404, "not-found")
        assert.strictEqual(foreign.json["detail"], String(detail).replace(/[\da-f-]{36}/, quoteId))
        assertProblem(yield* convert({ authorization }, { quote_id: quoteId }), 404, "not-found")
        const renewed = yield* createKey("owner", "convert")
        const read = yield* get(path, { headers: { authorization: renewed.authorization } })
        assert.strictEqual(read.json["state"], "open")
        const used = yield* convert({ authorization: renewed.authorization }, { quote_id: quoteId })
        assert.strictEqual(used.json["quote_id"], quoteId)
      })
    )
  }
)

layer(TestServer.layer({ TRUSTED_PROXIES: "127.0.0.1,::1" }), { excludeTestServices: true })(
  "Conversions and quotes without API keys",
  (it) => {
    const from = (address: string) => ({ "x-forwarded-for": address })

    it.effect("separates the idempotency keys and quotes of anonymous callers by address", () =>
      Effect.gen(function* () {
        yield* withRate
        const { sql } = yield* Database
        const [one, other] = [from("203.0.113.1"), from("203.0.113.2")]
        const key = { "idempotency-key": "order-1" }
        const first = yield* convert({ ...key, ...one })
        const separate = yield* convert({ ...key, ...other }, { amount: "501.00" })
        assert.strictEqual(separate.status, 200)
        assert.notStrictEqual(separate.json["audit_id"], first.json["audit_id"])
        const retried = yield* convert({ ...key, ...one })
        assert.strictEqual(retried.text, first.text)
        const rows = yield* sql<{
          principal: string
        }>`SELECT principal FROM idempotency WHERE key = 'order-1'`
        for (const { principal } of rows) assert.match(principal, /^anonymous:[0-9a-f]{32}$/)

        const created = yield* post("/api/v1/quotes", REQUEST, one)
        const quoteId = String(created.json["quote_id"])
        assertProblem(yield* get(`/api/v1/quotes/${quoteId}`, { headers: other }), 404, "not-found")
        assertProblem(yield* convert(other, { quote_id: quoteId }), 404, "not-found")
        assert.strictEqual((yield* get(`/api/v1/quotes/${quoteId}`, { headers: one })).json["state"], "open")
        assert.strictEqual((yield* convert(one, { quote_id: quoteId })).status, 200)
      })
    )

    it.effect("returns the anonymous conversions and quotes of version 0.1.0", () =>
      Effect.gen(function* () {
        yield* withRate
        const { sql } = yield* Database
        const [one, other] = [from("203.0.113.3"), from("203.0.113.4")]
        const key = { "idempotency-key": "order-7" }
        const first = yield* convert({ ...key, ...one })
        yield* sql`UPDATE idempotency SET principal = 'anonymous' WHERE key = 'order-7'`
        assert.strictEqual((yield* convert({ ...key, ...other })).text, first.text)
        const created = yield* post("/api/v1/quotes", REQUEST, one)
        const quoteId = String(created.json["quote_id"])
        yield* sql`ALTER TABLE quote DISABLE TRIGGER locked`
        yield* sql`UPDATE quote SET owner = NULL WHERE id = ${quoteId}`
        yield* sql`ALTER TABLE quote ENABLE TRIGGER locked`
        assert.strictEqual((yield* get(`/api/v1/quotes/${quoteId}`, { headers: other })).status, 200)
      })
    )

    it.effect.each([
      ["is not in it", "01980000-0000-7000-8000-00000000f00d"],
      ["has another number there", undefined]
    ])("converts and quotes at the rate of the database when a cached rate %s", ([, foreignId]) =>
      Effect.gen(function* () {
        yield* withRate
        const cache = yield* RateCache
        const headers = from("203.0.113.5")
        const { rate_id: known } = (yield* convert(headers)).json
        const now = DateTime.formatIso(yield* DateTime.now)
        const { observedAt, pair, rate } = yield* tick("USD", "NGN", "9999.5", now)
        const id = RateId.make(foreignId ?? String(known))
        for (const send of [
          convert({ ...headers, "idempotency-key": `order ${id}` }),
          convert(headers),
          post("/api/v1/quotes", REQUEST, headers)
        ]) {
          yield* cache.evict(pair, RateId.make(String(known)))
          cache.putLocal({ id, pair, rate, provider: "sandbox", observedAt })
          assert.strictEqual(Option.getOrThrow(cache.peek(pairOf("USD", "NGN"))).rate, rate)
          const { json, status } = yield* send
          assert.oneOf(status, [200, 201], JSON.stringify(json))
          assert.strictEqual(json["rate_id"], known)
          assert.strictEqual(json["mid_rate"], "1500")
        }
      })
    )
  }
)

describe("Idempotency keys and settings", () => {
  it.live("returns the first conversion after its pair was removed from the settings", () =>
    Effect.gen(function* () {
      const env = { DATABASE_URL: yield* TestDatabase.create, POLL_INTERVAL: "off" }
      const send = (url: string, key: string, amount: string, isChunked = false) =>
        Effect.promise(async () => {
          const body = JSON.stringify({ ...REQUEST, amount })
          const response = await fetch(`${url}/api/v1/convert`, {
            method: "POST",
            headers: { "content-type": "application/json", "idempotency-key": key },
            // The fast path does not answer a body of unknown length.
            ...(isChunked ? { body: new Blob([body]).stream(), duplex: "half" } : { body })
          })
          const text = await response.text()
          const code: unknown = JSON.parse(text).code
          return { code, text, isReplayed: response.headers.get("idempotency-replayed") === "true" }
        })
      const before = yield* EffexCommand.serve(env)
      const first = yield* send(before.url, "order-1", "500.00")
      assert.isFalse(first.isReplayed)
      yield* before.stop
      const after = yield* EffexCommand.serve({ ...env, RATE_DESTINATIONS: "KES" })
      for (const isChunked of [false, true]) {
        const retried = yield* send(after.url, "order-1", "500.00", isChunked)
        assert.deepStrictEqual(retried, { ...first, isReplayed: true })
        assert.strictEqual((yield* send(after.url, "order-1", "1", isChunked)).code, "idempotency-mismatch")
        assert.strictEqual((yield* send(after.url, "order-2", "500.00", isChunked)).code, "unsupported-pair")
        assert.strictEqual((yield* send(after.url, "order-1", "-1", isChunked)).code, "unsupported-pair")
      }
    }).pipe(Effect.scoped)
  )
})
