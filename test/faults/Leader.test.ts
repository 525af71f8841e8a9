import { PgClient } from "@effect/sql-pg"
import { assert, describe, inject, it } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Sandbox from "../../src/providers/sandbox/Sandbox.ts"
import * as Effex from "../support/Effex.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestRedis from "../support/TestRedis.ts"
import * as Workload from "../support/Workload.ts"

const PAIRS = 44
const TAKEOVER_TIMEOUT = "30 seconds"
const FROZEN_MILLIS = 30_000

type Node = Effect.Success<ReturnType<typeof Effex.serve>>

/** Nodes that share a database, a provider, and Redis if it is installed. */
const cluster = Effect.fnUntraced(function* (redisDatabase: number) {
  const url = yield* TestDatabase.create
  const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
  const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
  const started: Array<Effect.Success<ReturnType<typeof Effex.serve>>> = []
  const start = Effex.serve({
    ...(TestRedis.isAvailable ? TestRedis.envOf(redisDatabase) : {}),
    DATABASE_URL: url,
    FLUTTERWAVE_BASE_URL: sandbox.baseUrl,
    FLUTTERWAVE_SECRET_KEY: "key",
    AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY,
    POLL_INTERVAL: "3 seconds",
    POLL_SPACING: "30 millis"
  }).pipe(Effect.tap((node) => Effect.sync(() => started.push(node))))
  const runs = sql<{ term: bigint | null; finished: boolean }>`
    SELECT term, finished_at IS NOT NULL AS finished FROM poll_run ORDER BY started_at`
  return { sql, sandbox, start, started, runs }
})

type Cluster = Effect.Success<ReturnType<typeof cluster>>

/** Waits until a node leads in a term. Returns the time this took, in milliseconds. */
const awaitLeader = (node: Node, term: number) =>
  node.written(new RegExp(`This process polls as leader, in term ${term}\\b`)).pipe(
    Effect.timeout(TAKEOVER_TIMEOUT),
    Effect.timed,
    Effect.map(([elapsed]) => Duration.toMillis(elapsed))
  )

const awaitFinishedRuns = ({ runs, started }: Cluster, term: number, count: number) =>
  runs.pipe(
    Effect.map((all) => all.filter((run) => run.finished && Number(run.term) === term).length),
    Effect.delay("50 millis"),
    Effect.repeat({ until: (finished) => finished >= count }),
    Effect.timeoutOrElse({
      duration: "20 seconds",
      orElse: () => Effect.die(new Error(started.map(({ output }) => output()).join("\n\n")))
    })
  )

/** Asserts that every rate is from a leader's poll, in the order of terms, and that no two polls overlap. */
const assertPolledByLeaders = Effect.fnUntraced(function* ({ sql }: Cluster) {
  const rates = yield* sql<{ sequence: bigint; term: bigint | null }>`
    SELECT sequence, term FROM exchange_rate
    LEFT JOIN poll_rate ON rate_id = exchange_rate.id LEFT JOIN poll_run ON poll_run.id = poll_run_id
    ORDER BY sequence`
  const terms = rates.map(({ term }) => Number(term))
  assert.notInclude(terms, 0, "a rate from a poll without a leader")
  assert.deepStrictEqual(
    terms,
    terms.toSorted((a, b) => a - b),
    "a rate from a term that had ended"
  )
  const overlapping = yield* sql`
    SELECT a.id FROM poll_run a JOIN poll_run b ON b.id <> a.id
    WHERE b.started_at >= a.started_at AND b.started_at < a.finished_at`
  assert.deepStrictEqual(overlapping, [], "overlapping polls")
  return rates.length
})

describe("RatePoller in a cluster", () => {
  it.live(
    "runs on one node, and moves when its node is killed or shuts down",
    () =>
      Effect.gen(function* () {
        const nodes = yield* cluster(1)
        const first = yield* nodes.start
        assert.isBelow(yield* awaitLeader(first, 1), 2000)
        const second = yield* nodes.start
        yield* awaitFinishedRuns(nodes, 1, 3)
        assert.notInclude(second.output(), "This process polls")
        const requests = yield* nodes.sandbox.requests
        assert.isAtMost(requests, (yield* nodes.runs).length * PAIRS)

        first.process.kill("SIGKILL")
        yield* awaitLeader(second, 2)
        yield* awaitFinishedRuns(nodes, 2, 1)

        const third = yield* nodes.start
        yield* awaitFinishedRuns(nodes, 2, 2)
        second.process.kill("SIGTERM")
        const [elapsed, code] = yield* Effect.timed(second.ended)
        assert.strictEqual(code, 0)
        assert.isBelow(Duration.toMillis(elapsed), 5000)
        assert.isBelow(yield* awaitLeader(third, 3), 3000)
        yield* awaitFinishedRuns(nodes, 3, 1)
        yield* assertPolledByLeaders(nodes)
        for (const { output } of [first, second, third]) assert.notMatch(output(), /"level":"(WARN|ERROR)"/)
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    300_000
  )

  it.live(
    "rejects writes of a leader that was frozen during a poll, while another node polls",
    () =>
      Effect.gen(function* () {
        const nodes = yield* cluster(2)
        const first = yield* nodes.start
        yield* awaitLeader(first, 1)
        const second = yield* nodes.start
        yield* awaitFinishedRuns(nodes, 1, 1)
        yield* Effect.repeat(Effect.delay(nodes.sandbox.requests, "5 millis"), {
          until: (requests) => requests % PAIRS > 15 && requests % PAIRS < 25
        })
        first.process.kill("SIGSTOP")
        const frozenAt = performance.now()
        const takeoverMillis = yield* awaitLeader(second, 2)
        yield* awaitFinishedRuns(nodes, 2, 1)
        yield* Effect.sleep(Math.max(0, FROZEN_MILLIS - (performance.now() - frozenAt)))
        first.process.kill("SIGCONT")
        // Enough time for the former leader to poll again, if it still believed that it leads.
        yield* awaitFinishedRuns(nodes, 2, 4)
        assert.strictEqual(first.output().match(/This process polls/g)?.length, 1)
        assert.isNull(first.process.exitCode)
        const runs = yield* nodes.runs
        assert.deepStrictEqual(
          runs.map(({ term }) => Number(term)),
          runs.map(({ term }) => Number(term)).toSorted((a, b) => a - b)
        )
        const runsOfFirst = runs.filter(({ term }) => Number(term) === 1)
        assert.isFalse(runsOfFirst.at(-1)?.finished, "the interrupted poll")
        assert.isTrue(runsOfFirst.slice(0, -1).every(({ finished }) => finished))
        const rates = yield* assertPolledByLeaders(nodes)
        yield* Workload.report(
          `Leader frozen for ${FROZEN_MILLIS / 1000} s: the other node polls after ${Math.round(takeoverMillis)} ms, ${runs.length} polls, ${rates} rates, no duplicates, terms 1 and 2 in order`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
    300_000
  )

  it.live("shuts down in time while the database is blackholed", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.create
      const proxy = yield* TcpProxy.open({ path: inject("postgres") })
      const node = yield* Effex.serve({
        DATABASE_URL: `postgres://effex@127.0.0.1:${proxy.port}${new URL(url).pathname}?sslmode=disable`,
        AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY
      })
      yield* node.written(/44 refreshed/)
      proxy.blackhole()
      node.process.kill("SIGTERM")
      assert.strictEqual(yield* node.ended.pipe(Effect.timeout("10 seconds")), 0)
    }).pipe(Effect.scoped)
  )
})
