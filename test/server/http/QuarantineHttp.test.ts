import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { rate, TestProvider } from "../../support/TestProvider.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"
import { pairOf } from "../../support/RateTicks.ts"

const LIST = "/api/v1/admin/quarantine"
const UNKNOWN = `${LIST}/01980000-0000-7000-8000-000000000000`

/** Ingests a good rate, then quarantines another level `times` times. Returns the list, newest first. */
const quarantine = Effect.fnUntraced(function* (to: string, level: string, times = 1) {
  const provider = yield* TestProvider
  const ingest = yield* RateIngest
  const pair = pairOf("USD", to)
  yield* provider.respondWith(rate("1500"))
  yield* ingest.fetchForPoll(pair, Option.none())
  yield* provider.respondWith(rate(level))
  for (let i = 0; i < times; i++) {
    yield* Effect.sleep("2 millis")
    yield* Effect.flip(ingest.fetchForPoll(pair, Option.none()))
  }
  return yield* list(`to=${to}`)
})

const list = Effect.fnUntraced(function* (query: string) {
  const response = yield* get(`${LIST}?${query}`)
  assert.strictEqual(response.status, 200, response.text)
  const data = response.json["data"]
  return { response, rows: Array.isArray(data) ? data : assert.fail(response.text) }
})

const decide = (id: string, decision: "accept" | "reject", body?: string) =>
  get(`${LIST}/${id}/${decision}`, { method: "POST", ...(body === undefined ? {} : { body }) })

layer(TestServer.layer({}, { isGuarded: true }), { excludeTestServices: true })(
  "/api/v1/admin/quarantine",
  (it) => {
    it.effect("is empty initially", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* get(LIST)).json, { data: [], has_more: false, next: null })
      })
    )

    it.effect("returns a quarantined rate, with the raw response in its record, and counts it", () =>
      Effect.gen(function* () {
        const { rows } = yield* quarantine("NGN", "2250.50")
        const [row] = rows
        const { observed_at, quarantine_id: id, recorded_at, last_good_rate_id, ...rest } = row
        assert.deepStrictEqual(rest, {
          status: "pending",
          from: "USD",
          to: "NGN",
          rate: "2250.5",
          provider: "test",
          reasons: [
            {
              reason: "jump",
              against: "1500",
              allowed: "0.2",
              detail: "2250.5 is 50 % above 1500 (last good rate); at most 20 % is allowed"
            }
          ],
          agreeing: 1,
          quoted_at: null,
          decided_at: null,
          decided_by: null,
          principal: null,
          decision_reason: null,
          rate_id: null
        })
        const record = yield* get(`${LIST}/${id}`)
        assert.deepInclude(record.json, { ...row, destination_amount: "1000000", provider_rate: "2250.50" })
        assert.deepStrictEqual(record.json["raw"], { status: "success", rate: "2250.50" })
        assert.strictEqual((yield* get(`/api/v1/rates/${last_good_rate_id}`)).json["rate"], "1500")
        assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=NGN")).json["rate"], "1500")
        assert.isTrue(observed_at <= recorded_at)
        const { text } = yield* get("/metrics")
        assert.match(text, /^effex_quarantine_pending 1$/m)
        assert.match(text, /^effex_rates_quarantined_total\{provider="test",reason="jump"\} \d+$/m)
      })
    )

    it.effect("accepts a rate and serves its level", () =>
      Effect.gen(function* () {
        const { rows } = yield* quarantine("KES", "2250", 2)
        const accepted = yield* decide(rows[0].quarantine_id, "accept", '{"reason":"devalued"}')
        assert.strictEqual(accepted.status, 200, accepted.text)
        assert.deepInclude(accepted.json, {
          status: "accepted",
          decided_by: "operator",
          principal: "anonymous",
          decision_reason: "devalued"
        })
        const now = yield* get("/api/v1/rates?from=USD&to=KES")
        assert.deepInclude(now.json, { rate: "2250", rate_id: accepted.json["rate_id"] })
        const { rows: after } = yield* list("to=KES&status=accepted")
        assert.strictEqual(after.length, 2)
        const again = assertProblem(yield* decide(rows[0].quarantine_id, "reject"), 409, "already-decided")
        assert.strictEqual(again["detail"], `${rows[0].quarantine_id} was already accepted by operator`)
      })
    )

    it.effect("rejects a rate with an empty body", () =>
      Effect.gen(function* () {
        const { rows } = yield* quarantine("GHS", "2250")
        const rejected = yield* decide(rows[0].quarantine_id, "reject", "")
        assert.deepInclude(rejected.json, { status: "rejected", decision_reason: null, rate_id: null })
        assertProblem(yield* decide(rows[0].quarantine_id, "accept"), 409, "already-decided")
        assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=GHS")).json["rate"], "1500")
      })
    )

    it.effect("accepts one of several concurrent decisions", () =>
      Effect.gen(function* () {
        const { rows } = yield* quarantine("ZAR", "2250")
        const responses = yield* Effect.all(
          Array.from({ length: 6 }, () => decide(rows[0].quarantine_id, "accept")),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          responses.map(({ status }) => status).toSorted((a, b) => a - b),
          [200, 409, 409, 409, 409, 409]
        )
      })
    )

    it.effect("paginates newest first, with filters for status and pair", () =>
      Effect.gen(function* () {
        yield* quarantine("MAD", "40000", 5)
        const ids: Array<string> = []
        let query = "to=mad&status=pending&page_size=2"
        for (let pages = 0; pages < 3; pages++) {
          const { response, rows } = yield* list(query)
          ids.push(...rows.map(({ quarantine_id }) => quarantine_id))
          assert.strictEqual(response.json["has_more"], pages < 2)
          query = `to=mad&status=pending&page_size=2&cursor=${response.json["next"]}`
        }
        assert.strictEqual(new Set(ids).size, 5)
        assert.deepStrictEqual(ids, ids.toSorted().toReversed())
        assert.deepStrictEqual((yield* list("to=MAD&status=rejected")).rows, [])
        assert.deepStrictEqual((yield* list("from=EUR&to=MAD")).rows, [])
      })
    )

    it.effect("rejects unknown ids and invalid parameters and bodies", () =>
      Effect.gen(function* () {
        assertProblem(yield* get(UNKNOWN), 404, "not-found")
        assertProblem(yield* get(`${UNKNOWN}/accept`, { method: "POST" }), 404, "not-found")
        assertProblem(yield* get(`${LIST}/naira`), 400, "invalid-request")
        assertProblem(yield* get(`${LIST}?status=open`), 400, "invalid-request")
        assertProblem(yield* get(`${LIST}?cursor=x`), 400, "invalid-request")
        assertProblem(yield* get(`${LIST}?from=XXQ`), 422, "unsupported-currency")
        for (const body of ["{", "[]", "null", "5", '{"why":"x"}', '{"reason":""}', '{"reason":7}'])
          assertProblem(yield* get(`${UNKNOWN}/reject`, { method: "POST", body }), 400, "invalid-request")
        const long = JSON.stringify({ reason: "x".repeat(201) })
        assertProblem(yield* get(`${UNKNOWN}/reject`, { method: "POST", body: long }), 400, "invalid-request")
      })
    )
  }
)

layer(TestServer.layer({ FLUTTERWAVE_SECRET_KEY: "FLWSECK-1" }), { excludeTestServices: true })(
  "/api/v1/admin with real rates",
  (it) => {
    it.effect("requires authentication", () =>
      Effect.gen(function* () {
        assertProblem(yield* get(LIST), 401, "unauthorized")
        assertProblem(yield* get(UNKNOWN), 401, "unauthorized")
        assertProblem(yield* get(`${UNKNOWN}/accept`, { method: "POST" }), 401, "unauthorized")
      })
    )
  }
)
