import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Random, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import type { ExchangeOrder } from "../../../src/exchanges/ExchangeClient.ts"
import { ExchangeFault } from "../../../src/exchanges/sandbox/ExchangeFaults.ts"
import * as SandboxOrders from "../../../src/exchanges/sandbox/SandboxOrders.ts"
import * as TestExchange from "../../support/TestExchange.ts"
import { CLIENT_ORDER_ID } from "../alpaca/AlpacaAnswers.ts"
import { newOrder } from "../alpaca/AlpacaServer.ts"

/** Faults after which the order is filled in the end. */
const faults = ExchangeFault.fields.fault.literals.filter(
  (fault) => !["refuse", "reject", "no-fill", "partial-cancel", "market-closed"].includes(fault)
)
const MAX_STEPS = 40

/** Runs a request while the clock advances, so that timeouts pass. */
const settle = Effect.fnUntraced(function* <A, E>(request: Effect.Effect<A, E>) {
  const fiber = yield* Effect.forkChild(Effect.exit(request), { startImmediately: true })
  for (let waited = 0; fiber.pollUnsafe() === undefined; waited++) {
    yield* realPause
    // A request that is answered takes no time; one that hangs ends by its timeout.
    if (waited > 20) yield* TestClock.adjust("1 second")
  }
  return yield* yield* Fiber.join(fiber)
})

describe("Exactly once", () => {
  it.effect.prop(
    "fills one order whatever fails, if the order is looked up before it is submitted again",
    [Schema.Int],
    ([seed]) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(Date.parse("2026-11-30T15:00:00Z"))
        const memory = SandboxOrders.makeMemory()
        let accepted = 0
        const orders: SandboxOrders.SandboxOrders = {
          ...memory,
          insert: (order) =>
            Effect.tap(memory.insert(order), (isNew) =>
              Effect.sync(() => {
                if (isNew) accepted++
              })
            )
        }
        const { client, inject } = yield* TestExchange.sandbox(orders)
        const order = newOrder("BTC", "0.123456789")
        const attempt = Effect.gen(function* () {
          const found = yield* client.find(CLIENT_ORDER_ID)
          return Option.isSome(found) ? found.value : yield* client.submit(order)
        })
        let last: ExchangeOrder | undefined
        const seen: Array<string> = []
        for (let step = 0; step < MAX_STEPS && (last === undefined || last.state === "open"); step++) {
          const fault = faults[yield* Random.nextIntBetween(0, faults.length - 1)] ?? "down"
          // The exchange recovers after a while.
          if (step < MAX_STEPS / 2) yield* inject({ provider: "alpaca", fault, times: 1 })
          seen.push(fault)
          last = yield* settle(attempt).pipe(Effect.catchTag("ExchangeUnknown", () => Effect.succeed(last)))
          assert.isAtMost(accepted, 1, seen.join())
          yield* TestClock.adjust("1 second")
        }
        assert.strictEqual(accepted, 1, seen.join())
        assert.strictEqual(last?.state, "filled", seen.join())
        assert.strictEqual(last && Decimal.format(last.filled), "0.123456789")
      }).pipe(Effect.scoped, Random.withSeed(`exactly once ${seed}`)),
    { arbitrary: { runs: 30 } }
  )
})

/** Gives sockets real time. */
const realPause = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 2)))
