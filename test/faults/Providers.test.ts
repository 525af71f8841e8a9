import type { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as Integrity from "../support/Integrity.ts"
import * as Polls from "../support/PollRuns.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as Workload from "../support/Workload.ts"

const PAIRS = 8
const HANG_SECONDS = 3

interface Fault {
  readonly fault: string
  /** The provider as a whole is ill, and is left alone. */
  readonly opens?: boolean
  /** What it says can be read, and is not believed. */
  readonly putAside?: boolean
}

const FLUTTERWAVE: ReadonlyArray<Fault> = [
  { fault: "429", opens: true },
  { fault: "500", opens: true },
  { fault: "truncated", opens: true },
  { fault: "zero" },
  { fault: "negative" },
  { fault: "nan" },
  { fault: "jump", putAside: true }
]
const FIXER: ReadonlyArray<Fault> = [{ fault: "old" }, { fault: "truncated" }]

/** A sandbox in a process of its own, told over HTTP how to misbehave. */
const startSandbox = Effect.gen(function* () {
  const running = yield* Effex.run(["sandbox", "--port", "0"])
  const [, url = ""] = yield* running.written(/answer at (http:\/\/[\d.:]+)/)
  const faults = (init: RequestInit) =>
    Effect.map(
      Effect.promise(() => fetch(`${url}/faults`, init)),
      ({ ok }) => assert.isTrue(ok)
    )
  return {
    url,
    order: (provider: string, fault: string) =>
      faults({ method: "PUT", body: JSON.stringify({ provider, fault }) }),
    clear: faults({ method: "DELETE" })
  }
})

const start = Effect.fnUntraced(function* (provider: string) {
  const sandbox = yield* startSandbox
  const site = yield* NodeEnvironment.make({
    PROVIDERS: provider,
    FLUTTERWAVE_BASE_URL: sandbox.url,
    FLUTTERWAVE_SECRET_KEY: "key",
    FIXER_BASE_URL: `${sandbox.url}/fixer`,
    FX_API_KEY: "key",
    RATE_SOURCES: "USD,EUR",
    RATE_DESTINATIONS: "NGN,KES,GHS,ZAR",
    POLL_INTERVAL: "3 seconds",
    POLL_SPACING: "0 millis",
    GUARD_CONFIRMATIONS: "off",
    ALLOW_ANONYMOUS_CONVERT: "true"
  })
  const server = yield* Effex.serve(site.env)
  yield* server.written(/8 refreshed, 0 failed/)
  return { ...site, sandbox, server }
})

/** A poll that begins while the circuit is open finds it so, or one that opens it. */
const untilCircuitOpen = (sql: PgClient.PgClient) =>
  Polls.nextRun(sql).pipe(
    Effect.flatMap(
      ({ id }) => sql`SELECT 1 FROM poll_failure WHERE poll_run_id = ${id} AND reason = 'CircuitOpen'`
    ),
    Effect.repeat({ until: (found) => found.length > 0 }),
    Effect.timeout("2 minutes")
  )

const test = (provider: string, faults: ReadonlyArray<Fault>, hangs: boolean) =>
  it.live(
    `${provider}: keeps the last known good rates, and takes none that is wrong`,
    () =>
      Effect.gen(function* () {
        const { sandbox, server, sql } = yield* start(provider)
        const workload = Workload.make(provider)
        const load = yield* workload.drive(() => server.url, { writers: 2, readers: 4, pause: "10 millis" })
        const told: Array<string> = []
        for (const { fault, opens = false, putAside = false } of faults) {
          yield* sandbox.order(provider, fault)
          const { failed, id } = yield* Polls.nextRun(sql)
          assert.strictEqual(failed, PAIRS, fault)
          const [found] = yield* sql<{ reasons: ReadonlyArray<string>; taken: bigint; aside: bigint }>`
            SELECT array_agg(DISTINCT reason ORDER BY reason) AS reasons,
              (SELECT count(*) FROM poll_rate WHERE poll_run_id = ${id}) AS taken,
              (SELECT count(*) FROM quarantined_rate WHERE status = 'pending') AS aside
            FROM poll_failure WHERE poll_run_id = ${id}`
          const reasons = found?.reasons ?? []
          assert.strictEqual(Number(found?.taken), 0, fault)
          if (opens && !reasons.includes("CircuitOpen")) yield* untilCircuitOpen(sql)
          if (putAside) {
            assert.deepStrictEqual(reasons, ["Quarantined"], fault)
            assert.isAtLeast(Number(found?.aside), PAIRS, fault)
          }
          told.push(`${fault} ${reasons.join("+")}`)
          yield* sandbox.clear
          const healed = yield* Effect.repeat(Polls.nextRun(sql), { until: ({ failed }) => failed === 0 })
          assert.strictEqual(healed.failed, 0, fault)
        }
        if (hangs) {
          yield* sandbox.order(provider, "hang")
          yield* Effect.sleep(HANG_SECONDS * 1000)
        }
        yield* load.stop
        const [lookups, conversions] = [workload.figures("lookup"), workload.figures("conversion")]
        assert.strictEqual(lookups.failed, 0)
        assert.strictEqual(conversions.failed, 0)
        yield* Integrity.check({ workload, url: server.url, sql })
        yield* Workload.report(
          `${provider} misbehaves (${told.join(", ")}): ${Workload.inWords("lookups", lookups)}; ${Workload.inWords("conversions", conversions)}`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    300_000
  )

describe("A provider that misbehaves", () => {
  test("flutterwave", FLUTTERWAVE, true)
  test("fixer", FIXER, false)
})
