import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SecurityEvents } from "../../../src/accounts/SecurityEvents.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { Redis } from "../../../src/platform/Redis.ts"
import { RedisKeys } from "../../../src/platform/RedisKeys.ts"
import * as ChangedOrders from "../../../src/orders/ChangedOrders.ts"
import { UserEvents } from "../../../src/wallets/events/UserEvents.ts"
import { WalletChanges } from "../../../src/wallets/events/WalletChanges.ts"
import * as TestUserEvents from "../../support/TestUserEvents.ts"
import * as TestWallets from "../../support/TestWallets.ts"

const withoutRedis = TestUserEvents.layer.pipe(Layer.provideMerge(TestWallets.node))

const withRedis = UserEvents.layer.pipe(
  Layer.provide(WalletChanges.layerRedis.pipe(Layer.provide([Redis.layer, RedisKeys.layer]))),
  Layer.provide(ChangedOrders.layer),
  Layer.provideMerge(TestWallets.node)
)

/** Asserts that changes which one node commits reach the readers of another, who resume on either. */
const assertShared = Effect.fnUntraced(function* (node: typeof withRedis) {
  const [first, second] = [yield* Layer.build(Layer.fresh(node)), yield* Layer.build(Layer.fresh(node))]
  const wallet = yield* Effect.provideContext(first)(TestWallets.user("amara", { USD: "10" }))
  const { next, text } = yield* Effect.provideContext(second)(TestUserEvents.open(wallet))
  const { position: since } = yield* next
  yield* Effect.provideContext(first)(TestWallets.fund(wallet, "5", "USD"))
  assert.strictEqual(yield* text, "Transaction USD 5")
  assert.strictEqual(yield* text, "Balance USD 15 0 15")
  const recorded = Effect.flatMap(Effect.all([SecurityEvents, Database]), ([{ record }, { execute, sql }]) =>
    execute(sql.withTransaction(record(wallet.userId, { event: "locked" })))
  )
  yield* Effect.provideContext(first)(recorded)
  const last = yield* next
  assert.strictEqual(TestUserEvents.textOf(last), "Security locked")
  const resumed = yield* Effect.provideContext(first)(TestUserEvents.open(wallet, { since }))
  assert.strictEqual(yield* resumed.text, "Security locked")
  assert.strictEqual(yield* resumed.text, "Transaction USD 5")
  assert.strictEqual(yield* resumed.text, "Snapshot USD 15 0 15")
})

layer(TestWallets.layer(), { excludeTestServices: true })("Two nodes without Redis", (it) => {
  it.effect("deliver each other's changes within seconds", () => assertShared(withoutRedis))
})

layer(TestWallets.layer({ REDIS_URL: "redis://127.0.0.1:1" }), { excludeTestServices: true })(
  "Two nodes whose Redis is down",
  (it) => {
    it.effect("deliver each other's changes within seconds", () => assertShared(withRedis))
  }
)
