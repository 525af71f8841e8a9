import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Sandbox from "../../src/providers/sandbox/Sandbox.ts"
import * as Effex from "../support/Effex.ts"
import { membersOf } from "../support/TestServer.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestRedis from "../support/TestRedis.ts"

const POLLER = "/api/v1/admin/poller"

type Node = Effect.Success<ReturnType<typeof Effex.serve>>

/** Nodes that share a database, and would poll once in a day. */
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
  const ask = (node: Node, path: string, method: string, body?: unknown) =>
    Effect.promise(async () => {
      const response = await fetch(node.url + path, {
        method,
        headers: { authorization: `Bearer ${key}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, json: membersOf(text) }
    })
  const finished = sql<{ count: bigint }>`
    SELECT count(*) AS count FROM poll_run WHERE finished_at IS NOT NULL AND trigger = 'schedule'`.pipe(
    Effect.map(([row]) => Number(row?.count))
  )
  return { ask, env, finished, start: Effex.serve(env) }
})

/** Waits for more polls of the schedule. */
const untilMore = (finished: Effect.Effect<number, unknown>, more: number) =>
  Effect.gen(function* () {
    const before = yield* finished
    yield* Effect.repeat(finished, {
      until: (count) => count >= before + more,
      schedule: Schedule.spaced("50 millis")
    }).pipe(Effect.timeout("30 seconds"))
  })

const leads = (node: Node, term: number) =>
  Effect.timeout(node.written(new RegExp(`This process polls, in term ${term}\\b`)), "30 seconds")

describe("The poller's setting", () => {
  it.live(
    "holds on all nodes, whichever is asked, and stays when the leader is killed and after a restart",
    () =>
      Effect.gen(function* () {
        const { ask, env, finished, start } = yield* cluster
        const first = yield* start
        yield* leads(first, 1)
        const second = yield* start
        yield* first.written(/44 refreshed/)

        // The one that does not lead is asked.
        const on = { interval: "1 second", enabled: true }
        assert.deepInclude((yield* ask(second, POLLER, "PUT", on)).json, { ...on, version: 1 })
        yield* first.written(/The database has polling every 1s/).pipe(Effect.timeout("10 seconds"))
        yield* untilMore(finished, 3)
        const told = (yield* ask(first, POLLER, "GET")).json
        assert.deepInclude(told, { ...on, source: "database", version: 1 })
        assert.match(String(told["changed_by"]), /^key_/)
        assert.deepNestedInclude(told, { "leader.term": 1, "last_run.trigger": "schedule" })

        // Whoever takes over keeps it, and so does who comes back.
        first.process.kill("SIGKILL")
        yield* leads(second, 2)
        yield* untilMore(finished, 2)
        const third = yield* start
        yield* third.written(/The database has polling every 1s/)
        second.process.kill("SIGTERM")
        assert.strictEqual(yield* second.ended, 0)
        yield* leads(third, 3)
        yield* untilMore(finished, 2)

        const off = yield* Effex.run(["poller", "set", "--polling", "off", "--json"], env)
        assert.strictEqual(yield* off.ended, 0, off.output())
        yield* third.written(/Polling is off/).pipe(Effect.timeout("10 seconds"))
        const before = yield* finished
        yield* Effect.sleep("2 seconds")
        assert.strictEqual(yield* finished, before)
        assert.deepInclude((yield* ask(third, POLLER, "GET")).json, {
          enabled: false,
          changed_by: "command-line"
        })
        assert.deepInclude((yield* ask(third, POLLER, "PUT", { ...on, interval: "1 hour" })).json, {
          version: 3
        })
        yield* Effect.repeat(finished, { until: (count) => count > before }).pipe(
          Effect.timeout("20 seconds")
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    120_000
  )

  it.live(
    "does not keep an operator from polling now, on a node that does not lead",
    () =>
      Effect.gen(function* () {
        const { ask, start } = yield* cluster
        const first = yield* start
        yield* leads(first, 1)
        yield* first.written(/44 refreshed/)
        const second = yield* start
        const begun = yield* ask(second, `${POLLER}/runs`, "POST")
        assert.strictEqual(begun.status, 202, begun.text)
        const location = begun.headers.get("location") ?? ""
        // The other node joins it, or begins one when it is over.
        assert.strictEqual((yield* ask(first, `${POLLER}/runs`, "POST")).status, 202)
        const ended = yield* ask(first, location, "GET").pipe(
          Effect.repeat({
            until: ({ json }) => json["status"] !== "running",
            schedule: Schedule.spaced("50 millis")
          }),
          Effect.timeout("20 seconds")
        )
        assert.deepInclude(ended.json, { status: "finished", trigger: "demand", succeeded: 44, failed: 0 })
        assert.match(String(begun.json["requested_by"]), /^key_/)
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    60_000
  )

  it.live(
    "has a poll of a node that was killed told as interrupted",
    () =>
      Effect.gen(function* () {
        const { ask, env, start } = yield* cluster
        const asking = yield* start
        yield* leads(asking, 1)
        yield* asking.written(/44 refreshed/)
        const killed = yield* Effex.serve({ ...env, POLL_SPACING: "1 second" })
        const begun = yield* ask(killed, `${POLLER}/runs`, "POST")
        const location = begun.headers.get("location") ?? ""
        assert.deepInclude((yield* ask(asking, location, "GET")).json, { status: "running" })
        killed.process.kill("SIGKILL")
        const ended = yield* ask(asking, location, "GET").pipe(
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
