import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SettlementSignal } from "../../../src/orders/settlement/SettlementSignal.ts"
import { Redis } from "../../../src/platform/Redis.ts"
import { RedisKeys } from "../../../src/platform/RedisKeys.ts"
import { eventuallyFrom } from "../../support/Waiters.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import * as TestSettings from "../../support/TestSettings.ts"

const DATABASE = 7
const CHANNEL = "effex:db1:settlement"

describe.skipIf(!TestRedis.isAvailable)("SettlementSignal over Redis", () => {
  it.live("wakes the settlement of other nodes", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.database(DATABASE)
      const start = SettlementSignal.layerRedis.pipe(
        Layer.provide([Redis.layer, RedisKeys.layerOf("db1")]),
        Layer.provide(TestSettings.layer({ REDIS_URL: redis.url })),
        Layer.fresh,
        Layer.build,
        Effect.flatMap((context) => Effect.provideContext(SettlementSignal, context))
      )
      const [first, second] = [yield* start, yield* start]
      yield* eventuallyFrom(
        "two subscribers",
        Effect.map(redis.call("PUBSUB", "NUMSUB", CHANNEL), (reply) =>
          Array.isArray(reply) && Number(reply[1]) === 2 ? true : undefined
        )
      )
      yield* first.notify
      for (const { wait } of [first, second]) yield* wait
    }).pipe(Effect.scoped)
  )
})
