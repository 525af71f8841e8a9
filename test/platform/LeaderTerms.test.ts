import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Latch, Layer, Option } from "effect"
import { Database } from "../../src/platform/postgres/Database.ts"
import { failIfSuperseded, fence, LeaderTerms } from "../../src/platform/LeaderTerms.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const TestLayer = LeaderTerms.layer.pipe(Layer.provideMerge(TestDatabase.layer()))

describe("LeaderTerms", () => {
  it.live("starts terms with increasing numbers, independently for each name", () =>
    Effect.gen(function* () {
      const terms = yield* LeaderTerms
      const started = yield* Effect.all(
        Array.from({ length: 20 }, () => terms.startTerm("poller")),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        started.map(({ term }) => Number(term)).toSorted((a, b) => a - b),
        Array.from({ length: 20 }, (_, i) => i + 1)
      )
      assert.deepStrictEqual(yield* terms.startTerm("sealer"), { name: "sealer", term: 1n })
    }).pipe(Effect.provide(TestLayer))
  )

  it.live("rejects SQL that lowers, keeps or deletes a term", () =>
    Effect.gen(function* () {
      const terms = yield* LeaderTerms
      const { sql, execute } = yield* Database
      yield* terms.startTerm("poller")
      yield* terms.startTerm("poller")
      for (const forbidden of [
        sql`UPDATE leader SET term = 1`,
        sql`UPDATE leader SET taken_at = now()`,
        sql`UPDATE leader SET name = 'other', term = 3`,
        sql`DELETE FROM leader`,
        sql`TRUNCATE leader`,
        Effect.andThen(sql`SET LOCAL session_replication_role = replica`, sql`DELETE FROM leader`)
      ]) {
        const exit = yield* Effect.exit(execute(sql.withTransaction(forbidden)))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }
      assert.strictEqual((yield* terms.startTerm("poller")).term, 3n)
    }).pipe(Effect.provide(TestLayer))
  )

  it.live("delays a new term until writes of the old term are committed", () =>
    Effect.gen(function* () {
      const terms = yield* LeaderTerms
      const { sql, execute } = yield* Database
      const old = Option.some(yield* terms.startTerm("poller"))
      const read = yield* Latch.make()
      const commit = yield* Latch.make()
      const writing = yield* Effect.andThen(
        sql`${fence(sql, old)}`,
        Effect.andThen(read.open, commit.await)
      ).pipe(sql.withTransaction, Effect.forkChild)
      yield* read.await
      const starting = yield* Effect.forkChild(terms.startTerm("poller"))
      yield* Effect.sleep("300 millis")
      assert.isUndefined(starting.pollUnsafe())
      yield* commit.open
      yield* Fiber.join(writing)
      assert.strictEqual((yield* Fiber.join(starting)).term, 2n)
      const rows = yield* execute(sql`${fence(sql, old)}`)
      assert.strictEqual((yield* Effect.flip(failIfSuperseded(rows, old)))._tag, "Superseded")
    }).pipe(Effect.provide(TestLayer))
  )
})
