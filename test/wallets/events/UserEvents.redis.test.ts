import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { randomUUID } from "node:crypto"
import { Redis } from "../../../src/platform/Redis.ts"
import { RedisKeys } from "../../../src/platform/RedisKeys.ts"
import * as ChangedOrders from "../../../src/orders/ChangedOrders.ts"
import { UserEvents } from "../../../src/wallets/events/UserEvents.ts"
import { WalletChanges } from "../../../src/wallets/events/WalletChanges.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import * as TestUserEvents from "../../support/TestUserEvents.ts"
import * as TestWallets from "../../support/TestWallets.ts"
import { eventuallyFrom } from "../../support/Waiters.ts"

const ID = randomUUID()

const node = UserEvents.layer.pipe(
  Layer.provide(WalletChanges.layerRedis.pipe(Layer.provide([Redis.layer, RedisKeys.layerOf(ID)]))),
  Layer.provide(ChangedOrders.layer),
  Layer.provideMerge(TestWallets.node)
)

if (TestRedis.isAvailable)
  layer(TestWallets.layer(TestRedis.env))("Two nodes with Redis", (it) => {
    it.effect("deliver each other's changes without a poll", () =>
      Effect.gen(function* () {
        // The clock of the test stands still, so nothing is polled after the first time.
        const [first, second] = [yield* Layer.build(Layer.fresh(node)), yield* Layer.build(Layer.fresh(node))]
        const { client } = yield* Effect.provideContext(Redis, yield* Layer.build(TestRedis.layer))
        yield* eventuallyFrom(
          "two subscribers",
          Effect.map(
            Effect.promise(() => client.call("PUBSUB", "NUMSUB", `effex:${ID}:wallet-changes`)),
            (reply) => (Array.isArray(reply) && Number(reply[1]) === 2 ? true : undefined)
          )
        )
        const wallet = yield* Effect.provideContext(first)(TestWallets.user("amara", { USD: "10" }))
        const { text } = yield* Effect.provideContext(second)(TestUserEvents.open(wallet))
        assert.strictEqual(yield* text, "Snapshot USD 10 0 10")
        for (const balance of [15, 20, 25]) {
          yield* Effect.provideContext(first)(TestWallets.fund(wallet, "5", "USD"))
          assert.strictEqual(yield* text, "Transaction USD 5")
          assert.strictEqual(yield* text, `Balance USD ${balance} 0 ${balance}`)
        }
      })
    )
  })
