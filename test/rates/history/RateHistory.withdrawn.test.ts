import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Layer, Option } from "effect"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { RateHistory } from "../../../src/rates/history/RateHistory.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { storeInFuture } from "../../support/FutureRates.ts"
import { tick } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

const TestLayer = Layer.mergeAll(RateHistory.layer, RateRepo.layer).pipe(
  Layer.provideMerge(TestDatabase.layer())
)

layer(TestLayer, { excludeTestServices: true })("RateHistory", (it) => {
  it.effect("never has a withdrawn rate in force, also not after its time has come", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const history = yield* RateHistory
      const repo = yield* RateRepo
      const observedAt = DateTime.formatIso(DateTime.subtract(yield* DateTime.now, { minutes: 5 }))
      const good = yield* repo.insert(yield* tick("USD", "NGN", "1500", observedAt))
      yield* storeInFuture("USD", "NGN", "1650")
      yield* sql`SELECT withdraw_future_rates()`

      const later = DateTime.add(yield* DateTime.now, { days: 2 })
      const inForce = yield* history.asOf(good.pair, later, later)
      assert.strictEqual(Option.getOrThrow(inForce).rate.id, good.id)
      const range = { pair: good.pair, start: DateTime.makeUnsafe(0), end: later }
      assert.deepStrictEqual(
        (yield* history.rows(range, undefined, 10)).map(({ id }) => id),
        [good.id]
      )
      const { candles } = yield* history.candles(range, "1d", 100)
      assert.deepStrictEqual(
        candles.map(({ close }) => close),
        ["1500"]
      )
    })
  )
})
