import { assert, layer } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Option } from "effect"
import { RateCache } from "../../src/rates/lookup/RateCache.ts"
import { RateIngest } from "../../src/rates/RateIngest.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import { Reviews } from "../../src/risk/Reviews.ts"
import { pairOf, tick } from "../support/RateTicks.ts"
import * as SampleRates from "../support/SampleRates.ts"
import * as TestReviews from "../support/TestReviews.ts"
import * as TestWallets from "../support/TestWallets.ts"
import * as Requests from "../support/WalletConversionRequests.ts"

const { decide, heldConversion } = TestReviews
const { balances } = TestWallets

const USD_KES = pairOf("USD", "KES")
const KES = { pair: USD_KES }

const moveTo = Effect.fnUntraced(function* (rate: string) {
  const { insert } = yield* RateRepo
  yield* (yield* RateIngest).publish(yield* insert(yield* tick("USD", "KES", rate)))
})

// Holds expire by the time of the database.
const LIVE = { excludeTestServices: true }

layer(TestReviews.layer({ CONVERSION_MARGIN: "0" }), LIVE)("Rates of held conversions", (it) => {
  it.effect("refuse the approval beyond the largest slippage, and the review stays pending", () =>
    Effect.gen(function* () {
      yield* moveTo("100")
      const { id, wallet } = yield* heldConversion("moved", KES)
      yield* moveTo("97.99")
      const error = yield* Effect.flip(decide("approve", id))
      assert.include(error, {
        _tag: "ReviewPriceMoved",
        from: USD_KES.from,
        to: USD_KES.to,
        requestedRate: "100",
        currentRate: "97.99",
        maxSlippage: "0.02"
      })
      assert.include(
        error.message,
        "1 USD was 100 KES when the conversion was requested, and is 97.99 KES now; CONVERSION_MAX_SLIPPAGE allows"
      )
      assert.strictEqual(Option.getOrThrow(yield* (yield* Reviews).find(id)).state, "pending")
      assert.deepStrictEqual(yield* balances(wallet), ["USD 60"])
      yield* moveTo("98")
      yield* decide("approve", id)
      assert.deepStrictEqual(yield* balances(wallet), ["KES 3920", "USD 60"])
    })
  )

  it.effect("do not refuse a rate that is better for the user", () =>
    Effect.gen(function* () {
      yield* moveTo("100")
      const { id, wallet } = yield* heldConversion("lucky", KES)
      yield* moveTo("150")
      yield* decide("approve", id)
      assert.deepStrictEqual(yield* balances(wallet), ["KES 6000", "USD 60"])
    })
  )

  it.effect("do not keep a rejection from ending the review", () =>
    Effect.gen(function* () {
      yield* moveTo("100")
      const { id, wallet } = yield* heldConversion("unlucky", KES)
      yield* moveTo("50")
      assert.include(yield* decide("reject", id), { state: "rejected" })
      assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
    })
  )

  it.effect("are those of the database if the cached one is unknown there", () =>
    Effect.gen(function* () {
      yield* moveTo("100")
      const { id, wallet } = yield* heldConversion("restored", KES)
      const { putLocal } = yield* RateCache
      const sample = SampleRates.rate(USD_KES, 1)
      putLocal({ ...sample, rate: BigDecimal.make(101n, 0), observedAt: yield* DateTime.now })
      assert.include(yield* decide("approve", id), { state: "approved" })
      assert.deepStrictEqual(yield* balances(wallet), ["KES 4000", "USD 60"])
      const [record, ...others] = yield* Requests.recordsOf(wallet)
      assert.include(record, { mid_rate: "100" })
      assert.deepStrictEqual(others, [])
    })
  )
})
