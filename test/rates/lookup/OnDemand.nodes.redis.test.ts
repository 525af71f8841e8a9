import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { Rates } from "../../../src/rates/lookup/Rates.ts"
import * as FakeFlutterwave from "../../support/FakeFlutterwave.ts"
import { pairOf } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import { node } from "./OnDemandRates.ts"

const NODES = 3
const CALLERS = 34

describe.skipIf(!TestRedis.isAvailable)("A pair that is not polled, on several nodes", () => {
  const nodes = Effect.fnUntraced(function* (url: string) {
    yield* TestRedis.database(12)
    const contexts = yield* Effect.forEach(Array.from({ length: NODES }), () =>
      Layer.build(node(url, TestRedis.envOf(12)))
    )
    return contexts.map((context) => Context.get(context, Rates))
  })

  it.live("makes one request per leg for 100 callers", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "KES:USD": "0.008", "USD:GHS": "12.5" })
      flutterwave.delayBy(100)
      const all = yield* nodes(flutterwave.url)
      const found = yield* Effect.forEach(
        all.flatMap((rates) => Array.from({ length: CALLERS }, () => rates)),
        (rates) => rates.lookup(pairOf("KES", "GHS")),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(found.map(({ rate }) => rate.id)).size, 1)
      assert.strictEqual(found[0] && Decimal.format(found[0].rate.rate), "0.1")
      assert.deepStrictEqual(flutterwave.requests, ["KES:GHS", "KES:USD", "USD:GHS"])
    }).pipe(Effect.provide(TestDatabase.layer()))
  )

  it.live("that a provider refused on one node is not asked for on another", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({})
      const all = yield* nodes(flutterwave.url)
      for (const rates of all) {
        const { message } = yield* Effect.flip(rates.lookup(pairOf("GHS", "ETB")))
        assert.include(message, "flutterwave does not quote GHS:ETB, nor legs through USD or EUR")
      }
      assert.deepStrictEqual(flutterwave.requests, ["GHS:ETB", "GHS:USD", "GHS:EUR"])
    }).pipe(Effect.provide(TestDatabase.layer()))
  )
})
