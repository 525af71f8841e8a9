import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Metric, Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import * as ReplicaMetrics from "../../../../src/platform/metrics/ReplicaMetrics.ts"
import { Database } from "../../../../src/platform/postgres/Database.ts"
import * as ReplicatedPostgres from "../../../support/ReplicatedPostgres.ts"
import * as TestSettings from "../../../support/TestSettings.ts"

const SESSIONS = 20
const OPERATIONS = 500

type Database_ = Database["Service"]
type Answered = "replica" | "lagging" | "unreachable" | "failed"

/** A node of effex: its pools, and its measurement of the replica. */
const nodeAt = (env: Readonly<Record<string, string>>) =>
  Effect.map(Layer.build(Layer.provide(Layer.fresh(Database.layer), TestSettings.layer(env))), (context) =>
    Context.get(context, Database)
  )

const adminAt = (url: string) => PgClient.makeClient({ url: Redacted.make(url) })

const until = <A, E, R>(effect: Effect.Effect<A, E, R>, isDone: (value: A) => boolean) =>
  effect.pipe(Effect.repeat({ until: isDone, schedule: Schedule.spaced("20 millis") }))

const healthOf = ({ replicaHealth }: Database_) => Effect.flatMap(replicaHealth, Effect.fromOption)
const isServing = (node: Database_) => until(healthOf(node), ({ status }) => status === "ok")

const counts = Effect.map(
  Effect.all({
    replica: Metric.value(ReplicaMetrics.reads.of({ answered: "replica" })),
    lagging: Metric.value(ReplicaMetrics.reads.of({ answered: "lagging" })),
    unreachable: Metric.value(ReplicaMetrics.reads.of({ answered: "unreachable" })),
    failed: Metric.value(ReplicaMetrics.reads.of({ answered: "failed" }))
  }),
  (all): Readonly<Record<Answered, number>> => ({
    replica: all.replica.count,
    lagging: all.lagging.count,
    unreachable: all.unreachable.count,
    failed: all.failed.count
  })
)

/** Returns the result of an effect, and how many reads of it were answered where. */
const counted = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = yield* counts
    const result = yield* effect
    const after = yield* counts
    const answered: Partial<Record<Answered, number>> = {}
    for (const where of ["replica", "lagging", "unreachable", "failed"] as const)
      if (after[where] > before[where]) answered[where] = after[where] - before[where]
    return { result, answered }
  })

/** Reads which server answers. */
const askWho = ({ read, sql }: Database_) =>
  Effect.map(read(sql<{ standby: boolean }>`SELECT pg_is_in_recovery() AS standby`), ([row]) =>
    row?.standby === true ? "replica" : "primary"
  )

describe("ReadReplica", () => {
  it.live(
    "shows every session its own writes, on two nodes, while the replica lags, stops and comes back",
    () =>
      Effect.gen(function* () {
        const { primary, replica } = yield* ReplicatedPostgres.start([])
        const env = { DATABASE_URL: primary.url, DATABASE_READ_URL: replica.url }
        const [a, b] = [yield* nodeAt(env), yield* nodeAt(env)]
        yield* a.execute(a.sql`CREATE TABLE written (session int PRIMARY KEY, value int NOT NULL)`)
        const standby = yield* adminAt(replica.url)
        yield* Effect.all([isServing(a), isServing(b)])

        let operations = 0
        let stale = 0
        const disturbance = { isOver: false }
        /** Writes on one node and reads on the other, in turns. */
        const session = Effect.fnUntraced(function* (id: number) {
          for (let value = 1; !disturbance.isOver || value <= OPERATIONS; value++) {
            const [writer, reader] = value % 2 === 0 ? [a, b] : [b, a]
            yield* writer.execute(writer.sql`
              INSERT INTO written VALUES (${id}, ${value}) ON CONFLICT (session) DO UPDATE SET value = excluded.value`)
            const [row] = yield* reader.read(
              reader.sql<{ value: number }>`SELECT value FROM written WHERE session = ${id}`
            )
            operations++
            if (row?.value !== value) stale++
          }
        })
        /** Disturbs the replica while the sessions run. */
        const disturb = Effect.gen(function* () {
          yield* standby`SELECT pg_wal_replay_pause()`
          yield* until(healthOf(a), ({ status }) => status === "degraded")
          yield* standby`SELECT pg_wal_replay_resume()`
          yield* isServing(a)
          assert.isAbove(yield* replica.freeze, 0)
          yield* until(healthOf(a), ({ status }) => status === "degraded")
          yield* replica.thaw
          yield* isServing(a)
          assert.isAbove(yield* replica.kill, 0)
          yield* until(healthOf(a), ({ status }) => status === "degraded")
          yield* isServing(a)
          disturbance.isOver = true
        })
        const sessions = Effect.all(
          Array.from({ length: SESSIONS }, (_, id) => session(id)),
          { concurrency: "unbounded", discard: true }
        )
        const { answered } = yield* counted(
          Effect.all([sessions, disturb], { concurrency: "unbounded", discard: true })
        )
        assert.strictEqual(stale, 0)
        assert.isAtLeast(operations, SESSIONS * OPERATIONS)
        assert.strictEqual(
          Object.values(answered).reduce((sum, count) => sum + count, 0),
          operations
        )
        assert.isAbove(answered.replica ?? 0, 0)
        assert.isAbove(answered.lagging ?? 0, 0)
        assert.isAbove(answered.unreachable ?? 0, 0)
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )

  it.live(
    "answers from the primary while the replica lags, is frozen or is killed, and from the replica afterwards",
    () =>
      Effect.gen(function* () {
        const { primary, replica } = yield* ReplicatedPostgres.start([])
        const node = yield* nodeAt({ DATABASE_URL: primary.url, DATABASE_READ_URL: replica.url })
        yield* isServing(node)
        assert.strictEqual(yield* askWho(node), "replica")

        const standby = yield* adminAt(replica.url)
        yield* standby`SELECT pg_wal_replay_pause()`
        yield* node.execute(node.sql`CREATE TABLE unseen (n int)`)
        // The first read waits for the replica; later ones know that it lags.
        assert.strictEqual(yield* askWho(node), "primary")
        const lagging = yield* until(healthOf(node), ({ status }) => status === "degraded")
        assert.strictEqual(lagging.detail, "Reads go to the primary: the replica lags")
        assert.isAtLeast(lagging.lagSeconds, 0.5)
        assert.deepStrictEqual(yield* counted(askWho(node)), {
          result: "primary",
          answered: { lagging: 1 }
        })
        yield* standby`SELECT pg_wal_replay_resume()`
        const current = yield* isServing(node)
        assert.isBelow(current.lagSeconds, 0.5)
        assert.strictEqual(yield* askWho(node), "replica")

        yield* replica.freeze
        const { answered, result } = yield* counted(askWho(node))
        assert.strictEqual(result, "primary")
        assert.strictEqual((answered.lagging ?? 0) + (answered.unreachable ?? 0), 1)
        const frozen = yield* until(healthOf(node), ({ detail }) => detail?.includes("respond") === true)
        assert.strictEqual(frozen.status, "degraded")
        yield* replica.thaw
        yield* until(askWho(node), (who) => who === "replica")

        yield* replica.kill
        assert.strictEqual(yield* askWho(node), "primary")
        yield* until(askWho(node), (who) => who === "replica")
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )

  it.live("repeats a read on the primary when the replay of the log cancels it on the replica", () =>
    Effect.gen(function* () {
      const { primary, replica } = yield* ReplicatedPostgres.start(["-c max_standby_streaming_delay=0"])
      const node = yield* nodeAt({ DATABASE_URL: primary.url, DATABASE_READ_URL: replica.url })
      const { execute, read, sql } = node
      yield* execute(sql`CREATE TABLE changed AS SELECT 1 AS n`)
      yield* isServing(node)
      const standby = yield* adminAt(replica.url)
      const slow = yield* Effect.forkChild(
        counted(
          read(sql<{ n: number }>`
            SELECT n, CASE WHEN pg_is_in_recovery() THEN pg_sleep(20) END FROM changed`)
        )
      )
      const isReading = standby<{ count: bigint }>`
        SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`
      yield* until(isReading, ([row]) => row?.count === 1n)
      yield* execute(sql`ALTER TABLE changed ADD COLUMN m int`)
      const { answered, result } = yield* Fiber.join(slow)
      assert.deepStrictEqual(answered, { failed: 1 })
      assert.strictEqual(result[0]?.n, 1)
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )

  it.live("does not read from a database that is not a replica of the primary", () =>
    Effect.gen(function* () {
      const { primary, replica } = yield* ReplicatedPostgres.start([])
      const standby = yield* adminAt(replica.url)
      yield* standby`SELECT pg_promote()`
      const promoted = yield* nodeAt({ DATABASE_URL: primary.url, DATABASE_READ_URL: replica.url })
      const health = yield* until(healthOf(promoted), ({ detail }) => detail?.includes("receive") === true)
      assert.strictEqual(health.detail, "Reads go to the primary: it does not receive the log of a primary")
      assert.strictEqual(yield* askWho(promoted), "primary")

      const others = yield* ReplicatedPostgres.start([])
      yield* nodeAt({ DATABASE_URL: others.primary.url })
      const foreign = yield* nodeAt({ DATABASE_URL: primary.url, DATABASE_READ_URL: others.replica.url })
      const mistaken = yield* until(healthOf(foreign), ({ detail }) => detail?.includes("URL") === true)
      assert.strictEqual(
        mistaken.detail,
        "Reads go to the primary: DATABASE_READ_URL is not a replica of DATABASE_URL"
      )
      assert.strictEqual(yield* askWho(foreign), "primary")

      const misspelled = yield* nodeAt({
        DATABASE_URL: primary.url,
        DATABASE_READ_URL: Object.assign(new URL(others.replica.url), { pathname: "/nothing" }).href
      })
      const absent = yield* until(healthOf(misspelled), ({ detail }) => detail?.includes("exist") === true)
      assert.strictEqual(
        absent.detail,
        "Reads go to the primary: it cannot be reached: the database does not exist"
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )

  it.live("reads within an open transaction on its own connection", () =>
    Effect.gen(function* () {
      const { primary, replica } = yield* ReplicatedPostgres.start([])
      const node = yield* nodeAt({ DATABASE_URL: primary.url, DATABASE_READ_URL: replica.url })
      yield* isServing(node)
      yield* node.execute(node.sql`CREATE TABLE uncommitted (n int)`)
      const count = node.transaction(
        Effect.andThen(
          node.sql`INSERT INTO uncommitted VALUES (1)`,
          node.read(node.sql<{ count: bigint }>`SELECT count(*) FROM uncommitted`)
        )
      )
      assert.strictEqual((yield* count)[0]?.count, 1n)
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
