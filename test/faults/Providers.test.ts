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

interface ProviderFault {
  readonly fault: string
  /** If true, the fault opens the provider's circuit. */
  readonly opensCircuit?: boolean
  /** If true, the responses can be decoded, and their rates are quarantined. */
  readonly isQuarantined?: boolean
}

const FLUTTERWAVE_FAULTS: ReadonlyArray<ProviderFault> = [
  { fault: "429", opensCircuit: true },
  { fault: "500", opensCircuit: true },
  { fault: "truncated", opensCircuit: true },
  { fault: "zero" },
  { fault: "negative" },
  { fault: "nan" },
  { fault: "jump", isQuarantined: true }
]
const FIXER_FAULTS: ReadonlyArray<ProviderFault> = [{ fault: "old" }, { fault: "truncated" }]

/** A sandbox in its own process; faults are set over HTTP. */
const startSandbox = Effect.gen(function* () {
  const running = yield* Effex.run(["sandbox", "--port", "0"])
  const [, url = ""] = yield* running.written(/listen on (http:\/\/[\d.:]+)/)
  const requestFaults = (init: RequestInit) =>
    Effect.map(
      Effect.promise(() => fetch(`${url}/faults`, init)),
      ({ ok }) => assert.isTrue(ok)
    )
  return {
    url,
    setFault: (provider: string, fault: string) =>
      requestFaults({ method: "PUT", body: JSON.stringify({ provider, fault }) }),
    clear: requestFaults({ method: "DELETE" })
  }
})

const start = Effect.fnUntraced(function* (provider: string) {
  const sandbox = yield* startSandbox
  const environment = yield* NodeEnvironment.make({
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
  const server = yield* Effex.serve(environment.env)
  yield* server.written(/8 refreshed, 0 failed/)
  return { ...environment, sandbox, server }
})

/** Waits for a poll that reports an open circuit: the one that opens it, or one that starts while it is open. */
const awaitOpenCircuit = (sql: PgClient.PgClient) =>
  Polls.nextRun(sql).pipe(
    Effect.flatMap(
      ({ id }) => sql`SELECT 1 FROM poll_failure WHERE poll_run_id = ${id} AND reason = 'CircuitOpen'`
    ),
    Effect.repeat({ until: (found) => found.length > 0 }),
    Effect.timeout("2 minutes")
  )

const testFaults = (provider: string, faults: ReadonlyArray<ProviderFault>, isHangTested: boolean) =>
  it.live(
    `${provider}: keeps the last known good rates and stores no wrong one`,
    () =>
      Effect.gen(function* () {
        const { sandbox, server, sql } = yield* start(provider)
        const workload = Workload.make(provider)
        const load = yield* workload.drive(() => server.url, { writers: 2, readers: 4, pause: "10 millis" })
        const reasonsByFault: Array<string> = []
        for (const { fault, isQuarantined = false, opensCircuit = false } of faults) {
          yield* sandbox.setFault(provider, fault)
          const { failed, id } = yield* Polls.nextRun(sql)
          assert.strictEqual(failed, PAIRS, fault)
          const [found] = yield* sql<{ reasons: ReadonlyArray<string>; stored: bigint; quarantined: bigint }>`
            SELECT array_agg(DISTINCT reason ORDER BY reason) AS reasons,
              (SELECT count(*) FROM poll_rate WHERE poll_run_id = ${id}) AS stored,
              (SELECT count(*) FROM quarantined_rate WHERE status = 'pending') AS quarantined
            FROM poll_failure WHERE poll_run_id = ${id}`
          const reasons = found?.reasons ?? []
          assert.strictEqual(Number(found?.stored), 0, fault)
          if (opensCircuit && !reasons.includes("CircuitOpen")) yield* awaitOpenCircuit(sql)
          if (isQuarantined) {
            assert.deepStrictEqual(reasons, ["Quarantined"], fault)
            assert.isAtLeast(Number(found?.quarantined), PAIRS, fault)
          }
          reasonsByFault.push(`${fault} ${reasons.join("+")}`)
          yield* sandbox.clear
          const recovered = yield* Effect.repeat(Polls.nextRun(sql), { until: ({ failed }) => failed === 0 })
          assert.strictEqual(recovered.failed, 0, fault)
        }
        if (isHangTested) {
          yield* sandbox.setFault(provider, "hang")
          yield* Effect.sleep(HANG_SECONDS * 1000)
        }
        yield* load.stop
        const [lookups, conversions] = [workload.statistics("lookup"), workload.statistics("conversion")]
        assert.strictEqual(lookups.failed, 0)
        assert.strictEqual(conversions.failed, 0)
        yield* Integrity.check({ workload, url: server.url, sql })
        yield* Workload.report(
          `${provider} with faults (${reasonsByFault.join(", ")}): ${Workload.format("lookups", lookups)}; ${Workload.format("conversions", conversions)}`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    300_000
  )

describe("A server with a faulty provider", () => {
  testFaults("flutterwave", FLUTTERWAVE_FAULTS, true)
  testFaults("fixer", FIXER_FAULTS, false)
})
