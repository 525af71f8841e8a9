import { assert, layer } from "@effect/vitest"
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

/** The rows of a list. */
const listed = Effect.fnUntraced(function* (path: string) {
  const answer = yield* get(path)
  assert.strictEqual(answer.status, 200, answer.text)
  const data = answer.json["data"]
  return { answer, rows: Array.isArray(data) ? data : assert.fail(answer.text) }
})

const untilEnded = (path: string) =>
  get(path).pipe(
    Effect.repeat({
      until: ({ json }) => json["status"] !== "running",
      schedule: Schedule.spaced("20 millis")
    })
  )

layer(TestServer.layer(), { excludeTestServices: true })("/api/v1/admin/poller", (it) => {
  it.effect("tells what POLL_INTERVAL says, where nobody has changed it", () =>
    Effect.gen(function* () {
      const answer = yield* get(POLLER)
      const { next_run_at, ...rest } = answer.json
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
      assert.strictEqual(answer.headers.get("etag"), '"0"')
      assert.deepStrictEqual((yield* listed(`${POLLER}/changes`)).rows, [])
    })
  )

  it.effect("is changed at once, goes back, and keeps who did it for ever", () =>
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

      const { rows } = yield* listed(`${POLLER}/changes`)
      const told = rows.map(({ changed_by, from, to, version }) => ({ version, changed_by, from, to }))
      const minute = { interval: "1 minute", enabled: true }
      assert.deepStrictEqual(told, [
        { version: 3, changed_by: "anonymous", from: { ...minute, enabled: false }, to: null },
        { version: 2, changed_by: "anonymous", from: minute, to: { ...minute, enabled: false } },
        { version: 1, changed_by: "anonymous", from: null, to: minute }
      ])
      const first = yield* listed(`${POLLER}/changes?page_size=2`)
      assert.strictEqual(first.answer.json["has_more"], true)
      const rest = yield* listed(`${POLLER}/changes?page_size=2&cursor=${first.answer.json["next"]}`)
      assert.deepStrictEqual([...first.rows, ...rest.rows], rows)
    })
  )

  it.effect("is changed by one of many who looked at the same version", () =>
    Effect.gen(function* () {
      const etag = (yield* get(POLLER)).headers.get("etag") ?? ""
      const answers = yield* Effect.forEach(
        [21, 22, 23, 24, 25, 26],
        (minutes) => put({ interval: `${minutes} minutes`, enabled: true }, { "if-match": etag }),
        { concurrency: "unbounded" }
      )
      const [won, ...lost] = answers.toSorted((a, b) => a.status - b.status)
      assert.strictEqual(won?.status, 200, won?.text)
      for (const answer of lost) assertProblem(answer, 412, "precondition-failed")
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

  it.effect("refuses what is no setting, and changes nothing", () =>
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
      const problem = assertProblem(yield* put({ interval: "2 days", enabled: true }), 400, "invalid-request")
      assert.match(
        String(problem["detail"]),
        /^\/body\/interval: must be a duration .*, from 1 second to 1 day$/
      )
      assert.strictEqual((yield* get(POLLER)).json["version"], before)
    })
  )

  it.effect("cannot be changed in the database without a trace, nor the trace be changed", () =>
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
      const { rows } = yield* listed(`${POLLER}/changes?page_size=1`)
      assert.deepInclude(rows[0], { changed_by: "psql", to: { interval: "8 minutes", enabled: true } })
    })
  )

  it.effect("answers 503 while the database is gone, and polls go on as they did", () =>
    Effect.gen(function* () {
      const { setDatabase } = yield* TestServer
      const cadence = yield* PollCadence
      const before = cadence.interval()
      yield* setDatabase("down")
      for (const answer of [
        yield* get(POLLER),
        yield* put({ interval: "1 hour", enabled: true }),
        yield* run
      ])
        assertProblem(answer, 503, "store-unavailable")
      assertProblem(yield* get("/api/v1/polls"), 503, "store-unavailable")
      assert.deepStrictEqual(cadence.interval(), before)
      yield* setDatabase("well")
      assert.strictEqual((yield* get(POLLER)).status, 200)
    })
  )
})

layer(TestServer.layer(), { excludeTestServices: true })("/api/v1/polls", (it) => {
  it.effect("polls on demand, and tells what came of it", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* provider.answer((pair) => (pair.to === "NGN" ? failing(pair) : rate("1500")(pair)))
      const begun = yield* run
      assert.strictEqual(begun.status, 202, begun.text)
      assert.deepInclude(begun.json, { trigger: "demand", requested_by: "anonymous", term: null, pairs: 44 })
      const location = begun.headers.get("location") ?? ""
      assert.strictEqual(location, `/api/v1/polls/${begun.json["run_id"]}`)
      const { json } = yield* untilEnded(location)
      assert.deepInclude(json, { status: "finished", succeeded: 40, failed: 4 })
      const { failures, ...summary } = json
      assert.deepInclude(failures, {
        from: "USD",
        to: "NGN",
        reason: "Unreachable",
        detail: "test returned no rate for USD:NGN: no response (gone)"
      })
      assert.deepStrictEqual((yield* listed("/api/v1/polls")).rows, [summary])
      // Everybody may look, and no key of an operator is of their business.
      assert.notProperty(json, "requested_by")
    })
  )

  it.effect("joins the poll that is under way, however many ask", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* provider.answer((pair) => Effect.delay(rate("1500")(pair), "50 millis"))
      const before = yield* provider.calls
      const answers = yield* Effect.all(
        Array.from({ length: 8 }, () => run),
        { concurrency: "unbounded" }
      )
      const ids = new Set(answers.map(({ json }) => json["run_id"]))
      assert.strictEqual(ids.size, 1, JSON.stringify([...ids]))
      assert.isTrue(answers.every(({ json, status }) => status === 202 && json["status"] === "running"))
      yield* untilEnded(answers[0]?.headers.get("location") ?? "")
      assert.strictEqual((yield* provider.calls) - before, 44)
    })
  )

  it.effect("tells a poll that can no longer be under way as interrupted", () =>
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
      yield* provider.answer(hanging)
      const begun = yield* run
      assert.strictEqual((yield* get(begun.headers.get("location") ?? "")).json["status"], "running")
      assert.strictEqual((yield* get(`/api/v1/polls/${id}`)).json["status"], "interrupted")
      const { rows } = yield* listed("/api/v1/polls")
      assert.deepStrictEqual(
        rows.map(({ status }) => status),
        ["running", "interrupted", "finished", "finished"]
      )
      const pages: Array<unknown> = []
      let query = "page_size=3"
      for (let more = true; more;) {
        const page = yield* listed(`/api/v1/polls?${query}`)
        pages.push(...page.rows)
        more = page.answer.json["has_more"] === true
        query = `page_size=3&cursor=${page.answer.json["next"]}`
      }
      assert.deepStrictEqual(pages, rows)
    })
  )

  it.effect("knows no others", () =>
    Effect.gen(function* () {
      assertProblem(yield* get(UNKNOWN), 404, "not-found")
      assertProblem(yield* get("/api/v1/polls/latest"), 400, "invalid-request")
      assertProblem(yield* get("/api/v1/polls?cursor=x"), 400, "invalid-request")
    })
  )
})
