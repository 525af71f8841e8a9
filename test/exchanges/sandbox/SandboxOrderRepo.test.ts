import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as SandboxOrderRepo from "../../../src/exchanges/sandbox/SandboxOrderRepo.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestExchange from "../../support/TestExchange.ts"
import { newOrder } from "../alpaca/AlpacaServer.ts"

layer(TestDatabase.layer(), { excludeTestServices: true })("SandboxOrderRepo", (it) => {
  it.effect("accepts an order once, on every node and after a restart", () =>
    Effect.gen(function* () {
      const nodes = yield* Effect.forEach([1, 2, 3], () =>
        Effect.flatMap(SandboxOrderRepo.make, TestExchange.sandbox)
      )
      const order = newOrder("BTC", "0.123456789")
      const answers = yield* Effect.forEach(nodes, ({ client }) => client.submit(order), {
        concurrency: "unbounded"
      })
      const [first] = answers
      for (const answer of answers) assert.deepStrictEqual(answer, first)
      const restarted = yield* Effect.flatMap(SandboxOrderRepo.make, TestExchange.sandbox)
      assert.deepStrictEqual(Option.getOrUndefined(yield* restarted.client.find(order.clientOrderId)), first)
    })
  )

  it.effect("ends an order once", () =>
    Effect.gen(function* () {
      const orders = yield* SandboxOrderRepo.make
      const { client, inject } = yield* TestExchange.sandbox(orders)
      yield* inject({ provider: "alpaca", fault: "no-fill" })
      yield* client.submit(newOrder("BTC", "1", "sell", "to-cancel"))
      yield* client.cancel("to-cancel")
      const ended = Option.getOrThrow(yield* orders.find("to-cancel"))
      assert.strictEqual(ended.end?.status, "canceled")
      yield* orders.end("to-cancel", { at: 1, status: "rejected" })
      assert.deepStrictEqual(Option.getOrThrow(yield* orders.find("to-cancel")), ended)
      assert.isTrue(Option.isNone(yield* orders.find("unknown")))
    })
  )
})
