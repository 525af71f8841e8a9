import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Metric } from "effect"
import { TestClock } from "effect/testing"
import * as GroupCommit from "../../src/ledger/GroupCommit.ts"

describe("GroupCommit", () => {
  it.effect("does not commit an item alone after its caller was told that the outcome is unknown", () =>
    Effect.gen(function* () {
      const commits: Array<ReadonlyArray<string>> = []
      const { run } = yield* GroupCommit.make<string, string>({
        commit: Effect.fnUntraced(function* (items) {
          commits.push(items)
          yield* Effect.sleep("3 seconds")
          return items.length > 1 ? yield* new GroupCommit.CommitAlone() : items
        }),
        namesOf: (item) => [item],
        maxBatchSize: 8,
        duration: Metric.histogram("test_group_commit", { boundaries: [1] }),
        timeoutMessage: "the item was not committed"
      })
      const callers = yield* Effect.forkChild(
        Effect.forEach(["a", "b"], (item) => Effect.flip(run(item)), { concurrency: "unbounded" }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(
        (yield* Fiber.join(callers)).map(({ cause }) => cause),
        ["the item was not committed within 4s", "the item was not committed within 4s"]
      )
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(commits, [["a", "b"], ["a"]])
    })
  )
})
