import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import * as LedgerMaintenance from "../../src/ledger/LedgerMaintenance.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"

it.effect("starts a verification an hour after the previous one ended, and works on meanwhile", () =>
  Effect.gen(function* () {
    const started = yield* Ref.make(0)
    const rounds = yield* Ref.make(0)
    const first = yield* Deferred.make<void>()
    const services = Layer.mergeAll(
      Layer.succeed(LedgerMaintenance.LedgerMaintenance, {
        expireHolds: Ref.updateAndGet(rounds, (count) => count + 1),
        deleteOutcomes: Effect.succeed(0),
        measure: Effect.void
      }),
      Layer.succeed(LedgerVerifier, {
        verify: Ref.updateAndGet(started, (count) => count + 1).pipe(
          Effect.andThen(Deferred.await(first)),
          Effect.as({ ok: true, accounts: 0, entries: 0, transfers: 0 } as const)
        )
      })
    )
    const loop = yield* Effect.provide(LedgerMaintenance.makeLoop, services)
    const running = yield* Effect.forkChild(loop)
    // Three hours, in which the first verification does not end.
    yield* TestClock.adjust("3 hours")
    assert.strictEqual(yield* Ref.get(started), 1)
    assert.strictEqual(yield* Ref.get(rounds), 3 * 60 * 60 + 1)
    yield* Deferred.succeed(first, undefined)
    yield* TestClock.adjust("59 minutes")
    assert.strictEqual(yield* Ref.get(started), 1)
    yield* TestClock.adjust("1 minute")
    assert.strictEqual(yield* Ref.get(started), 2)
    yield* Fiber.interrupt(running)
  })
)
