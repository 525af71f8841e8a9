import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { rate, TestProvider } from "../../support/TestProvider.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"
import { pairOf } from "../../support/RateTicks.ts"

const LIST = "/api/v1/admin/quarantine"
const UNKNOWN = `${LIST}/01980000-0000-7000-8000-000000000000`

/** Has a level put aside after a good one, once for each time. Returns the newest, as the list tells it. */
const putAside = Effect.fnUntraced(function* (to: string, level: string, times = 1) {
  const provider = yield* TestProvider
  const intake = yield* RateIngest
  const pair = pairOf("USD", to)
  yield* provider.answer(rate("1500"))
  yield* intake.fetchForPoll(pair, Option.none())
  yield* provider.answer(rate(level))
  for (let i = 0; i < times; i++) {
    yield* Effect.sleep("2 millis")
    yield* Effect.flip(intake.fetchForPoll(pair, Option.none()))
  }
  return yield* listed(`to=${to}`)
})

const listed = Effect.fnUntraced(function* (query: string) {
  const answer = yield* get(`${LIST}?${query}`)
  assert.strictEqual(answer.status, 200, answer.text)
  const data = answer.json["data"]
  return { answer, rows: Array.isArray(data) ? data : assert.fail(answer.text) }
})

const decide = (id: string, decision: "accept" | "reject", body?: string) =>
  get(`${LIST}/${id}/${decision}`, { method: "POST", ...(body === undefined ? {} : { body }) })

layer(TestServer.layer({}, { isGuarded: true }), { excludeTestServices: true })(
  "/api/v1/admin/quarantine",
  (it) => {
    it.effect("is empty at first", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* get(LIST)).json, { data: [], has_more: false, next: null })
      })
    )

    it.effect("tells what was put aside, alone with the provider's answer, and counts it", () =>
      Effect.gen(function* () {
        const { rows } = yield* putAside("NGN", "2250.50")
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

    it.effect("accepts, and serves the level from then on", () =>
      Effect.gen(function* () {
        const { rows } = yield* putAside("KES", "2250", 2)
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
        const { rows: after } = yield* listed("to=KES&status=accepted")
        assert.strictEqual(after.length, 2)
        const again = assertProblem(yield* decide(rows[0].quarantine_id, "reject"), 409, "already-decided")
        assert.strictEqual(again["detail"], `${rows[0].quarantine_id} was already accepted by operator`)
      })
    )

    it.effect("rejects, with an empty body as well", () =>
      Effect.gen(function* () {
        const { rows } = yield* putAside("GHS", "2250")
        const rejected = yield* decide(rows[0].quarantine_id, "reject", "")
        assert.deepInclude(rejected.json, { status: "rejected", decision_reason: null, rate_id: null })
        assertProblem(yield* decide(rows[0].quarantine_id, "accept"), 409, "already-decided")
        assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=GHS")).json["rate"], "1500")
      })
    )

    it.effect("is one for many who decide at the same moment", () =>
      Effect.gen(function* () {
        const { rows } = yield* putAside("ZAR", "2250")
        const answers = yield* Effect.all(
          Array.from({ length: 6 }, () => decide(rows[0].quarantine_id, "accept")),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          answers.map(({ status }) => status).toSorted((a, b) => a - b),
          [200, 409, 409, 409, 409, 409]
        )
      })
    )

    it.effect("lists newest first, page by page, by status and by pair", () =>
      Effect.gen(function* () {
        yield* putAside("MAD", "40000", 5)
        const ids: Array<string> = []
        let query = "to=mad&status=pending&page_size=2"
        for (let pages = 0; pages < 3; pages++) {
          const { answer, rows } = yield* listed(query)
          ids.push(...rows.map(({ quarantine_id }) => quarantine_id))
          assert.strictEqual(answer.json["has_more"], pages < 2)
          query = `to=mad&status=pending&page_size=2&cursor=${answer.json["next"]}`
        }
        assert.strictEqual(new Set(ids).size, 5)
        assert.deepStrictEqual(ids, ids.toSorted().toReversed())
        assert.deepStrictEqual((yield* listed("to=MAD&status=rejected")).rows, [])
        assert.deepStrictEqual((yield* listed("from=EUR&to=MAD")).rows, [])
      })
    )

    it.effect("refuses what it does not know", () =>
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
    it.effect("is open to nobody", () =>
      Effect.gen(function* () {
        assertProblem(yield* get(LIST), 401, "unauthorized")
        assertProblem(yield* get(UNKNOWN), 401, "unauthorized")
        assertProblem(yield* get(`${UNKNOWN}/accept`, { method: "POST" }), 401, "unauthorized")
      })
    )
  }
)
