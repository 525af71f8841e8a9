import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Latch, Layer, Option } from "effect"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as LeaderTerm from "../../src/platform/Leader.ts"
import { Leader } from "../../src/platform/Leader.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const TestLayer = Leader.layer.pipe(Layer.provideMerge(TestDatabase.layer()))

describe("Leader", () => {
  it.live("begins terms that only grow, each name's by itself", () =>
    Effect.gen(function* () {
      const leader = yield* Leader
      const terms = yield* Effect.all(
        Array.from({ length: 20 }, () => leader.startTerm("poller")),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        terms.map(({ term }) => Number(term)).toSorted((a, b) => a - b),
        Array.from({ length: 20 }, (_, i) => i + 1)
      )
      assert.deepStrictEqual(yield* leader.startTerm("sealer"), { name: "sealer", term: 1n })
    }).pipe(Effect.provide(TestLayer))
  )

  it.live("keeps a term from being lowered, kept or forgotten, by whoever writes SQL", () =>
    Effect.gen(function* () {
      const leader = yield* Leader
      const { sql, execute } = yield* Database
      yield* leader.startTerm("poller")
      yield* leader.startTerm("poller")
      for (const refused of [
        sql`UPDATE leader SET term = 1`,
        sql`UPDATE leader SET taken_at = now()`,
        sql`UPDATE leader SET name = 'other', term = 3`,
        sql`DELETE FROM leader`,
        sql`TRUNCATE leader`,
        Effect.andThen(sql`SET LOCAL session_replication_role = replica`, sql`DELETE FROM leader`)
      ]) {
        const exit = yield* Effect.exit(execute(sql.withTransaction(refused)))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
      assert.strictEqual((yield* leader.startTerm("poller")).term, 3n)
    }).pipe(Effect.provide(TestLayer))
  )

  it.live("holds a new term off until what is written in the old one is committed", () =>
    Effect.gen(function* () {
      const leader = yield* Leader
      const { sql, execute } = yield* Database
      const old = Option.some(yield* leader.startTerm("poller"))
      const read = yield* Latch.make()
      const commit = yield* Latch.make()
      const writing = yield* Effect.andThen(
        sql`${LeaderTerm.fence(sql, old)}`,
        Effect.andThen(read.open, commit.await)
      ).pipe(sql.withTransaction, Effect.forkChild)
      yield* read.await
      const taking = yield* Effect.forkChild(leader.startTerm("poller"))
      yield* Effect.sleep("300 millis")
      assert.isUndefined(taking.pollUnsafe())
      yield* commit.open
      yield* Fiber.join(writing)
      assert.strictEqual((yield* Fiber.join(taking)).term, 2n)
      const rows = yield* execute(sql`${LeaderTerm.fence(sql, old)}`)
      assert.strictEqual((yield* Effect.flip(LeaderTerm.failIfSuperseded(rows, old)))._tag, "Superseded")
    }).pipe(Effect.provide(TestLayer))
  )
})
