import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as PostgresServer from "../support/PostgresServer.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as WalletWorkload from "../support/WalletWorkload.ts"
import * as Workload from "../support/Workload.ts"

/** Number of kills in a row of each test; `EFFEX_KILLS` overrides it. */
const KILLS = Number(process.env["EFFEX_KILLS"] ?? 2)
const LOAD = { acknowledged: 80, writers: 12 }
const LOST_COMMITS = 3
const BURST = 24
const TIMEOUT = 180_000 + KILLS * 60_000

const ENV = {
  FUNDING: "sandbox",
  JWT_SIGNING_KEY: TestConversions.SIGNING_KEY,
  PRICE_POLL_INTERVAL: "off",
  RISK_HOUR_COUNT: "999999",
  RISK_DAY_COUNT: "999999",
  RISK_ASSET_HOUR_COUNT: "999999",
  RISK_ASSET_DAY_COUNT: "999999"
}

const verify = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  for (const subject of ["ledger", "audit"]) {
    const { ended, output } = yield* Effex.run([subject, "verify"], env)
    assert.strictEqual(yield* ended, 0, output())
  }
})

describe("Transfers, deposits and conversions", () => {
  it.live(
    "survive kill -9 of the server: every key moves its money once",
    () =>
      Effect.gen(function* () {
        const { env, sql } = yield* NodeEnvironment.make(ENV)
        const start = Effect.tap(Effex.serve(env), (server) => server.written(/44 refreshed/))
        let server = yield* start
        const workload = yield* WalletWorkload.make(server.url)
        for (let kill = 1; kill <= KILLS; kill++) {
          const { ended, process } = server
          yield* workload.during(
            server.url,
            `kill ${kill}`,
            LOAD,
            Effect.andThen(
              Effect.sync(() => process.kill("SIGKILL")),
              ended
            )
          )
          server = yield* Effex.serve(env)
        }
        const unknown = workload.countUnknown()
        yield* workload.settle(server.url)
        yield* workload.check(sql)
        yield* verify(env)
        yield* Workload.report(
          `kill -9 of the server ${KILLS} times under transfers, deposits and conversions: ${workload.attempts.size} keys, ${unknown} without a response; each moved its money once`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    TIMEOUT
  )

  it.live(
    "survive kill -9 of PostgreSQL and its children: every key moves its money once",
    () =>
      Effect.gen(function* () {
        const postgres = yield* PostgresServer.start([])
        const env = { ...NodeEnvironment.envOf(postgres.url), ...ENV }
        const server = yield* Effex.serve(env)
        yield* server.written(/44 refreshed/)
        const workload = yield* WalletWorkload.make(server.url)
        for (let kill = 1; kill <= KILLS; kill++) {
          yield* workload.during(
            server.url,
            `kill ${kill}`,
            LOAD,
            Effect.map(postgres.kill, (processes) => assert.isAtLeast(processes, 5))
          )
        }
        const unknown = workload.countUnknown()
        yield* workload.settle(server.url)
        const sql = yield* NodeEnvironment.connect(postgres.url)
        yield* workload.check(sql)
        assert.isNull(server.process.exitCode)
        yield* verify(env)
        yield* Workload.report(
          `kill -9 of PostgreSQL ${KILLS} times under transfers, deposits and conversions: ${workload.attempts.size} keys, ${unknown} without a response; each moved its money once`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    TIMEOUT
  )

  it.live(
    "whose commit is not confirmed return the first result to the retry",
    () =>
      Effect.gen(function* () {
        const { env, proxiedEnv, proxy, sql } = yield* NodeEnvironment.behindProxy(ENV)
        const server = yield* Effex.serve(proxiedEnv)
        yield* server.written(/44 refreshed/)
        const workload = yield* WalletWorkload.make(server.url)
        const transfers = sql<{ count: number }>`SELECT count(*)::int AS count FROM ledger_outcome`
        let lost = 0
        for (let round = 1; round <= LOST_COMMITS; round++) {
          const before = workload.attempts.size
          const [stored] = yield* transfers
          proxy.mute("COMMIT")
          yield* workload.burst(server.url, `round ${round}`, BURST)
          const [after] = yield* transfers
          const acknowledged = workload.attempts.size - before - workload.countUnknown()
          lost += (after?.count ?? 0) - (stored?.count ?? 0) - acknowledged
          proxy.heal()
          yield* workload.settle(server.url)
        }
        assert.isAtLeast(lost, 1)
        yield* workload.check(sql)
        yield* verify(env)
        yield* Workload.report(
          `The confirmations of ${lost} transfers, deposits and conversions lost: each retry returned the first result`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    TIMEOUT
  )
})
