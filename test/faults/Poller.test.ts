import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Sandbox from "../../src/providers/sandbox/Sandbox.ts"
import * as Effex from "../support/Effex.ts"
import { parseJsonObject } from "../support/TestServer.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestRedis from "../support/TestRedis.ts"

const POLLER_PATH = "/api/v1/admin/poller"

type Node = Effect.Success<ReturnType<typeof Effex.serve>>

/** Nodes that share a database and, by their environment, poll once a day. */
const cluster = Effect.gen(function* () {
  const url = yield* TestDatabase.create
  const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
  const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
  const env = {
    ...(TestRedis.isAvailable ? TestRedis.envOf(5) : {}),
    DATABASE_URL: url,
    FLUTTERWAVE_BASE_URL: sandbox.baseUrl,
    FLUTTERWAVE_SECRET_KEY: "key",
    AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY,
    POLL_INTERVAL: "1 day",
    POLL_SPACING: "5 millis"
  }
  const create = Effex.run(["keys", "create", "--name", "operator", "--scope", "admin", "--json"], env)
  const [, key = ""] = yield* Effect.flatMap(create, ({ written }) => written(/"key":"(efx_\w+)"/))
  const request = (node: Node, path: string, method: string, body?: unknown) =>
    Effect.promise(async () => {
      const response = await fetch(node.url + path, {
        method,
        headers: { authorization: `Bearer ${key}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, json: parseJsonObject(text) }
    })
  const finished = sql<{ count: bigint }>`
    SELECT count(*) AS count FROM poll_run WHERE finished_at IS NOT NULL AND trigger = 'schedule'`.pipe(
    Effect.map(([row]) => Number(row?.count))
  )
  return { request, env, finished, start: Effex.serve(env) }
})

/** Waits until `count` more scheduled polls have finished. */
const awaitMorePolls = (finished: Effect.Effect<number, unknown>, count: number) =>
  Effect.gen(function* () {
    const before = yield* finished
    yield* Effect.repeat(finished, {
      until: (total) => total >= before + count,
      schedule: Schedule.spaced("50 millis")
    }).pipe(Effect.timeout("30 seconds"))
  })

/** Waits until a node leads in a term. */
const awaitLeader = (node: Node, term: number) =>
  Effect.timeout(node.written(new RegExp(`This process polls as leader, in term ${term}\\b`)), "30 seconds")

describe("The poller configuration", () => {
  it.live(
    "applies to all nodes, and survives a kill of the leader and a restart",
    () =>
      Effect.gen(function* () {
        const { request, env, finished, start } = yield* cluster
        const first = yield* start
        yield* awaitLeader(first, 1)
        const second = yield* start
        yield* first.written(/44 refreshed/)

        // Sent to the node that does not lead.
        const on = { interval: "1 second", enabled: true }
        assert.deepInclude((yield* request(second, POLLER_PATH, "PUT", on)).json, { ...on, version: 1 })
        yield* first.written(/Poller setting applied: every 1s/).pipe(Effect.timeout("10 seconds"))
        yield* awaitMorePolls(finished, 3)
        const current = (yield* request(first, POLLER_PATH, "GET")).json
        assert.deepInclude(current, { ...on, source: "database", version: 1 })
        assert.match(String(current["changed_by"]), /^key_/)
        assert.deepNestedInclude(current, { "leader.term": 1, "last_run.trigger": "schedule" })

        // The new leader and a restarted node keep it.
        first.process.kill("SIGKILL")
        yield* awaitLeader(second, 2)
        yield* awaitMorePolls(finished, 2)
        const third = yield* start
        yield* third.written(/Poller setting applied: every 1s/)
        second.process.kill("SIGTERM")
        assert.strictEqual(yield* second.ended, 0)
        yield* awaitLeader(third, 3)
        yield* awaitMorePolls(finished, 2)

        const off = yield* Effex.run(["poller", "set", "--polling", "off", "--json"], env)
        assert.strictEqual(yield* off.ended, 0, off.output())
        yield* third.written(/Polling is off/).pipe(Effect.timeout("10 seconds"))
        const before = yield* finished
        yield* Effect.sleep("2 seconds")
        assert.strictEqual(yield* finished, before)
        assert.deepInclude((yield* request(third, POLLER_PATH, "GET")).json, {
          enabled: false,
          changed_by: "command-line"
        })
        assert.deepInclude((yield* request(third, POLLER_PATH, "PUT", { ...on, interval: "1 hour" })).json, {
          version: 3
        })
        yield* Effect.repeat(finished, { until: (count) => count > before }).pipe(
          Effect.timeout("20 seconds")
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    120_000
  )

  it.live(
    "allows a manual poll on a node that does not lead",
    () =>
      Effect.gen(function* () {
        const { request, start } = yield* cluster
        const first = yield* start
        yield* awaitLeader(first, 1)
        yield* first.written(/44 refreshed/)
        const second = yield* start
        const started = yield* request(second, `${POLLER_PATH}/runs`, "POST")
        assert.strictEqual(started.status, 202, started.text)
        const location = started.headers.get("location") ?? ""
        // The other node returns the running poll, or starts one after it.
        assert.strictEqual((yield* request(first, `${POLLER_PATH}/runs`, "POST")).status, 202)
        const ended = yield* request(first, location, "GET").pipe(
          Effect.repeat({
            until: ({ json }) => json["status"] !== "running",
            schedule: Schedule.spaced("50 millis")
          }),
          Effect.timeout("20 seconds")
        )
        assert.deepInclude(ended.json, { status: "finished", trigger: "demand", succeeded: 44, failed: 0 })
        assert.match(String(started.json["requested_by"]), /^key_/)
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    60_000
  )

  it.live(
    "reports the poll of a killed node as interrupted",
    () =>
      Effect.gen(function* () {
        const { env, request, start } = yield* cluster
        const survivor = yield* start
        yield* awaitLeader(survivor, 1)
        yield* survivor.written(/44 refreshed/)
        const killed = yield* Effex.serve({ ...env, POLL_SPACING: "1 second" })
        const started = yield* request(killed, `${POLLER_PATH}/runs`, "POST")
        const location = started.headers.get("location") ?? ""
        assert.deepInclude((yield* request(survivor, location, "GET")).json, { status: "running" })
        killed.process.kill("SIGKILL")
        const ended = yield* request(survivor, location, "GET").pipe(
          Effect.repeat({
            until: ({ json }) => json["status"] !== "running",
            schedule: Schedule.spaced("50 millis")
          }),
          Effect.timeout("20 seconds")
        )
        assert.deepInclude(ended.json, { status: "interrupted", finished_at: null, succeeded: null })
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    60_000
  )
})
