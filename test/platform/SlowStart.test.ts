import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Logger } from "effect"
import { TestClock } from "effect/testing"
import * as SlowStart from "../../src/platform/SlowStart.ts"

it.effect("logs what the start waits for after two seconds, and not before", () =>
  Effect.gen(function* () {
    const logs: Array<unknown> = []
    const logger = Logger.layer([Logger.make(({ message }) => void logs.push(message))])
    const wait = (duration: "1900 millis" | "3 seconds") =>
      Effect.forkChild(
        Effect.sleep(duration).pipe(SlowStart.report("Waiting for something"), Effect.provide(logger))
      )
    const fast = yield* wait("1900 millis")
    yield* TestClock.adjust("10 seconds")
    yield* Fiber.join(fast)
    assert.deepStrictEqual(logs, [])
    const slow = yield* wait("3 seconds")
    yield* TestClock.adjust("2 seconds")
    assert.deepStrictEqual(logs, [["Waiting for something"]])
    yield* TestClock.adjust("1 second")
    yield* Fiber.join(slow)
    assert.strictEqual(logs.length, 1)
  })
)
