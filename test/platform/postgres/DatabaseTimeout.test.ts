import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { DatabaseTimeout, withDatabaseTimeout } from "../../../src/platform/postgres/DatabaseTimeout.ts"

/** A statement whose connection never answers, not even to a cancellation. */
const hanging = Effect.uninterruptible(Effect.never)

describe("withDatabaseTimeout", () => {
  it.effect("fails after the timeout, without waiting for the cancellation", () =>
    Effect.gen(function* () {
      const call = yield* Effect.forkChild(withDatabaseTimeout(hanging))
      yield* TestClock.adjust(yield* DatabaseTimeout)
      assert.strictEqual((yield* Effect.flip(Fiber.join(call)))._tag, "StoreUnavailable")
    })
  )

  it.effect(
    "is interrupted at once, so that a shutdown does not wait for the statements of background tasks",
    () =>
      Effect.gen(function* () {
        const started = yield* Deferred.make<void>()
        const statement = Effect.andThen(Deferred.succeed(started, undefined), hanging)
        const call = yield* Effect.forkChild(withDatabaseTimeout(statement))
        yield* Deferred.await(started)
        // The clock stands still: nothing but the interruption can end the call.
        yield* Fiber.interrupt(call)
        assert.isTrue(Exit.isFailure(yield* Fiber.await(call)))
      })
  )

  it.effect("cancels the statement of an interrupted call", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const cancelled = yield* Deferred.make<void>()
      const statement = Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
        Effect.onInterrupt(() => Deferred.succeed(cancelled, undefined))
      )
      const call = yield* Effect.forkChild(withDatabaseTimeout(statement))
      yield* Deferred.await(started)
      yield* Fiber.interrupt(call)
      yield* Deferred.await(cancelled)
    })
  )
})
