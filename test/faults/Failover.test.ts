import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as Polls from "../support/PollRuns.ts"

const PAIRS = 44

/** A server with Flutterwave as its first provider and Fixer as the fallback. */
const start = Effect.gen(function* () {
  const { env, sandbox } = yield* Effex.makeSandbox({
    PROVIDERS: "flutterwave,fixer",
    FX_API_KEY: "key",
    POLL_INTERVAL: "3 seconds",
    POLL_SPACING: "0 millis",
    POLL_CONCURRENCY: "8"
  })
  const sql = yield* PgClient.makeClient({ url: Redacted.make(env.DATABASE_URL) })
  const server = yield* Effex.serve({ ...env, FIXER_BASE_URL: `${sandbox.baseUrl}/fixer` })

  /** Counts the rates of the next complete poll by provider. */
  const ratesOfNextPoll = Effect.gen(function* () {
    const run = yield* Polls.nextRun(sql)
    return yield* sql<{ provider: string; derived: boolean; count: number }>`
      SELECT provider, derived_from IS NOT NULL AS derived, count(*)::int AS count
      FROM exchange_rate JOIN poll_rate ON rate_id = exchange_rate.id
      WHERE poll_run_id = ${run.id} GROUP BY 1, 2 ORDER BY 1, 2`
  }).pipe(
    Effect.timeoutOrElse({
      duration: "90 seconds",
      orElse: () => Effect.die(new Error(server.output()))
    })
  )

  const health = Effect.map(Effex.get(server.url, "/health/ready"), ({ body }) => JSON.parse(body).checks)
  const countInLog = (text: string) => server.output().split(text).length - 1
  return { sandbox, ratesOfNextPoll, health, countInLog }
})

describe("A server with two providers", () => {
  it.live(
    "switches to the second within one poll when the first fails, and back when it recovers",
    () =>
      Effect.gen(function* () {
        const { countInLog, health, ratesOfNextPoll, sandbox } = yield* start
        const fromFlutterwave = [{ provider: "sandbox", derived: false, count: PAIRS }]
        assert.deepStrictEqual(yield* ratesOfNextPoll, fromFlutterwave)
        const faults = ["500", "hang"] as const
        for (const [index, fault] of faults.entries()) {
          yield* sandbox.injectFault({ provider: "flutterwave", fault })
          // Fixer quotes rates of the euro; all others are derived from two of them.
          assert.deepStrictEqual(yield* ratesOfNextPoll, [
            { provider: "fixer", derived: false, count: PAIRS / 4 },
            { provider: "fixer", derived: true, count: (PAIRS / 4) * 3 }
          ])
          const { provider, providers, rates } = yield* health
          assert.deepInclude(provider, { name: "flutterwave", status: "degraded" })
          assert.match(provider.detail, /; using fixer instead$/)
          assert.deepInclude(providers[1], { name: "fixer", status: "ok" })
          assert.strictEqual(rates.status, "ok")
          assert.strictEqual(countInLog("; using fixer instead"), index + 1)

          yield* sandbox.clearFaults
          assert.deepStrictEqual(yield* ratesOfNextPoll, fromFlutterwave)
          assert.deepInclude((yield* health).provider, { name: "flutterwave", status: "ok" })
          assert.strictEqual(countInLog("flutterwave has recovered"), index + 1)
        }
      }).pipe(Effect.provide(Reactivity.layer)),
    180_000
  )
})
