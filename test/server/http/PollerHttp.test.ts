import { assert, describe, layer } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { PollCadence } from "../../../src/platform/PollCadence.ts"
import { failing, hanging, rate, TestProvider } from "../../support/TestProvider.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"

const POLLER = "/api/v1/admin/poller"
const UNKNOWN = "/api/v1/polls/01980000-0000-7000-8000-000000000000"

const put = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  get(POLLER, { method: "PUT", body: typeof body === "string" ? body : JSON.stringify(body), headers })

const reset = get(POLLER, { method: "DELETE" })

const run = get(`${POLLER}/runs`, { method: "POST" })

/** Requests a list, and returns its rows. */
const list = Effect.fnUntraced(function* (path: string) {
  const response = yield* get(path)
  assert.strictEqual(response.status, 200, response.text)
  const data = response.json["data"]
  return { response, rows: Array.isArray(data) ? data : assert.fail(response.text) }
})

const awaitEnd = (path: string) =>
  get(path).pipe(
    Effect.repeat({
      until: ({ json }) => json["status"] !== "running",
      schedule: Schedule.spaced("20 millis")
    })
  )

layer(TestServer.layer(), { excludeTestServices: true })((it) => {
  describe("/api/v1/admin/poller", () => {
    it.effect("returns POLL_INTERVAL by default", () =>
      Effect.gen(function* () {
        const response = yield* get(POLLER)
        const { next_run_at, ...rest } = response.json
        assert.deepStrictEqual(rest, {
          interval: "10 minutes",
          enabled: true,
          source: "setting",
          setting: { interval: "10 minutes", enabled: true },
          version: 0,
          changed_at: null,
          changed_by: null,
          leader: null,
          last_run: null
        })
        assert.match(String(next_run_at), /^\d{4}-.*Z$/)
        assert.strictEqual(response.headers.get("etag"), '"0"')
        assert.deepStrictEqual((yield* list(`${POLLER}/changes`)).rows, [])
      })
    )

    it.effect("changes immediately, resets, and records every change", () =>
      Effect.gen(function* () {
        const cadence = yield* PollCadence
        const changed = yield* put({ interval: "60 seconds", enabled: true })
        assert.strictEqual(changed.status, 200, changed.text)
        assert.deepInclude(changed.json, {
          interval: "1 minute",
          enabled: true,
          source: "database",
          version: 1,
          changed_by: "anonymous"
        })
        assert.strictEqual(changed.headers.get("etag"), '"1"')
        assert.deepInclude((yield* get(POLLER)).json, {
          interval: "1 minute",
          version: 1,
          changed_at: changed.json["changed_at"]
        })
        assert.include(String(cadence.interval()), "60000")

        assert.deepInclude((yield* put({ interval: "1 minute", enabled: true })).json, { version: 1 })
        const off = yield* put({ interval: "1 minute", enabled: false })
        assert.deepInclude(off.json, { enabled: false, version: 2, next_run_at: null })
        assert.strictEqual(cadence.interval()._tag, "None")
        assert.deepInclude((yield* reset).json, { interval: "10 minutes", source: "setting", version: 3 })
        assert.deepInclude((yield* reset).json, { version: 3 })

        const { rows } = yield* list(`${POLLER}/changes`)
        const changes = rows.map(({ changed_by, from, to, version }) => ({ version, changed_by, from, to }))
        const minute = { interval: "1 minute", enabled: true }
        assert.deepStrictEqual(changes, [
          { version: 3, changed_by: "anonymous", from: { ...minute, enabled: false }, to: null },
          { version: 2, changed_by: "anonymous", from: minute, to: { ...minute, enabled: false } },
          { version: 1, changed_by: "anonymous", from: null, to: minute }
        ])
        const first = yield* list(`${POLLER}/changes?page_size=2`)
        assert.strictEqual(first.response.json["has_more"], true)
        const rest = yield* list(`${POLLER}/changes?page_size=2&cursor=${first.response.json["next"]}`)
        assert.deepStrictEqual([...first.rows, ...rest.rows], rows)
      })
    )

    it.effect("accepts one of several concurrent changes of the same version", () =>
      Effect.gen(function* () {
        const etag = (yield* get(POLLER)).headers.get("etag") ?? ""
        const responses = yield* Effect.forEach(
          [21, 22, 23, 24, 25, 26],
          (minutes) => put({ interval: `${minutes} minutes`, enabled: true }, { "if-match": etag }),
          { concurrency: "unbounded" }
        )
        const [accepted, ...rejected] = responses.toSorted((a, b) => a.status - b.status)
        assert.strictEqual(accepted?.status, 200, accepted?.text)
        for (const response of rejected) assertProblem(response, 412, "precondition-failed")
        assertProblem(
          yield* put({ interval: "9 minutes", enabled: true }, { "if-match": "x" }),
          412,
          "precondition-failed"
        )
        assert.strictEqual(
          (yield* put({ interval: "9 minutes", enabled: true }, { "if-match": "*" })).status,
          200
        )
      })
    )

    it.effect("rejects invalid settings without a change", () =>
      Effect.gen(function* () {
        const before = (yield* get(POLLER)).json["version"]
        const bodies = [
          "",
          "{",
          "5",
          "null",
          "[]",
          {},
          { interval: "5 minutes" },
          { enabled: true },
          { interval: 300, enabled: true },
          { interval: "5 minutes", enabled: "yes" },
          { interval: "5 minutes", enabled: true, spacing: "1 second" },
          ...["0 seconds", "999 millis", "2 days", "off", "5m", "-1 minutes", "1e3 seconds", ""].map(
            (interval) => ({
              interval,
              enabled: true
            })
          )
        ]
        for (const body of bodies) assertProblem(yield* put(body), 400, "invalid-request")
        assertProblem(yield* get(`${POLLER}/changes?cursor=x`), 400, "invalid-request")
        const problem = assertProblem(
          yield* put({ interval: "2 days", enabled: true }),
          400,
          "invalid-request"
        )
        assert.match(
          String(problem["detail"]),
          /^\/body\/interval: must be a duration .*, from 1 second to 1 day$/
        )
        assert.strictEqual((yield* get(POLLER)).json["version"], before)
      })
    )

    it.effect("records changes made in the database, and keeps the record immutable", () =>
      Effect.gen(function* () {
        const { sql } = yield* Database
        yield* put({ interval: "7 minutes", enabled: true })
        const tampering = [
          sql`UPDATE setting SET value = '{"interval":"1 day","enabled":false}' WHERE name = 'poller'`,
          sql`UPDATE setting SET value = '{"interval":"soon","enabled":true}', version = version + 1`,
          sql`UPDATE setting SET name = 'other', version = version + 1`,
          sql`DELETE FROM setting`,
          sql`TRUNCATE setting CASCADE`,
          sql`UPDATE setting_change SET principal = 'nobody'`,
          sql`DELETE FROM setting_change`,
          sql`TRUNCATE setting_change`
        ]
        for (const statement of tampering) yield* Effect.flip(sql.withTransaction(statement))
        assert.deepInclude((yield* get(POLLER)).json, { interval: "7 minutes", source: "database" })
        yield* sql`
        UPDATE setting SET value = '{"interval":"8 minutes","enabled":true}', version = version + 1, updated_by = 'psql'`
        const { rows } = yield* list(`${POLLER}/changes?page_size=1`)
        assert.deepInclude(rows[0], { changed_by: "psql", to: { interval: "8 minutes", enabled: true } })
      })
    )

    it.effect("returns 503 while the database is down, and keeps the interval", () =>
      Effect.gen(function* () {
        const { setDatabase } = yield* TestServer
        const cadence = yield* PollCadence
        const before = cadence.interval()
        yield* setDatabase("down")
        for (const response of [
          yield* get(POLLER),
          yield* put({ interval: "1 hour", enabled: true }),
          yield* run
        ])
          assertProblem(response, 503, "store-unavailable")
        assertProblem(yield* get("/api/v1/polls"), 503, "store-unavailable")
        assert.deepStrictEqual(cadence.interval(), before)
        yield* setDatabase("up")
        assert.strictEqual((yield* get(POLLER)).status, 200)
      })
    )
  })

  describe("/api/v1/polls", () => {
    it.effect("polls on demand and returns the outcome", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.respondWith((pair) => (pair.to === "NGN" ? failing(pair) : rate("1500")(pair)))
        const started = yield* run
        assert.strictEqual(started.status, 202, started.text)
        assert.deepInclude(started.json, {
          trigger: "demand",
          requested_by: "anonymous",
          term: null,
          pairs: 44
        })
        const location = started.headers.get("location") ?? ""
        assert.strictEqual(location, `/api/v1/polls/${started.json["run_id"]}`)
        const { json } = yield* awaitEnd(location)
        assert.deepInclude(json, { status: "finished", succeeded: 40, failed: 4 })
        const { failures, ...summary } = json
        assert.deepInclude(failures, {
          from: "USD",
          to: "NGN",
          reason: "Unreachable",
          detail: "test returned no rate for USD:NGN: no response (connection refused)"
        })
        assert.deepStrictEqual((yield* list("/api/v1/polls")).rows, [summary])
        // Public responses do not reveal the key of the operator.
        assert.notProperty(json, "requested_by")
      })
    )

    it.effect("returns the running poll to concurrent requests", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.respondWith((pair) => Effect.delay(rate("1500")(pair), "50 millis"))
        const before = yield* provider.calls
        const responses = yield* Effect.all(
          Array.from({ length: 8 }, () => run),
          { concurrency: "unbounded" }
        )
        const ids = new Set(responses.map(({ json }) => json["run_id"]))
        assert.strictEqual(ids.size, 1, JSON.stringify([...ids]))
        assert.isTrue(responses.every(({ json, status }) => status === 202 && json["status"] === "running"))
        yield* awaitEnd(responses[0]?.headers.get("location") ?? "")
        assert.strictEqual((yield* provider.calls) - before, 44)
      })
    )

    it.effect("reports a poll whose process has exited as interrupted", () =>
      Effect.gen(function* () {
        const { sql } = yield* Database
        const provider = yield* TestProvider
        const id = "01980000-0000-7000-8000-000000000001"
        yield* sql`
        INSERT INTO poll_run (id, started_at, pairs) VALUES (${id}, ${new Date()}, 44)`
        assert.deepInclude((yield* get(`/api/v1/polls/${id}`)).json, {
          status: "interrupted",
          finished_at: null
        })
        yield* provider.respondWith(hanging)
        const started = yield* run
        assert.strictEqual((yield* get(started.headers.get("location") ?? "")).json["status"], "running")
        assert.strictEqual((yield* get(`/api/v1/polls/${id}`)).json["status"], "interrupted")
        const { rows } = yield* list("/api/v1/polls")
        assert.deepStrictEqual(
          rows.map(({ status }) => status),
          ["running", "interrupted", "finished", "finished"]
        )
        const pages: Array<unknown> = []
        let query = "page_size=3"
        for (let more = true; more;) {
          const page = yield* list(`/api/v1/polls?${query}`)
          pages.push(...page.rows)
          more = page.response.json["has_more"] === true
          query = `page_size=3&cursor=${page.response.json["next"]}`
        }
        assert.deepStrictEqual(pages, rows)
      })
    )

    it.effect("returns 404 for unknown ids and 400 for malformed ones", () =>
      Effect.gen(function* () {
        assertProblem(yield* get(UNKNOWN), 404, "not-found")
        assertProblem(yield* get("/api/v1/polls/latest"), 400, "invalid-request")
        assertProblem(yield* get("/api/v1/polls?cursor=x"), 400, "invalid-request")
      })
    )
  })
})
