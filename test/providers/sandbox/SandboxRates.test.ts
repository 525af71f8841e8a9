import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, Option, Schema } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as SandboxRates from "../../../src/providers/sandbox/SandboxRates.ts"

describe("SandboxRates", () => {
  it.effect.prop(
    "moves by at most 0.05 % per step and stays within 2 % of the base level",
    [Schema.String],
    ([seed]) =>
      Effect.gen(function* () {
        const rates = SandboxRates.make(seed)
        const next = Effect.map(rates.next("USD", "NGN"), Option.getOrThrow)
        let previous = yield* next
        for (let n = 0; n < 300; n++) {
          const rate = yield* next
          const step = BigDecimal.abs(BigDecimal.subtract(rate, previous))
          // Relative to the mid-market rate, 1534.5.
          assert.isTrue(BigDecimal.isLessThanOrEqualTo(step, BigDecimal.fromStringUnsafe("0.76725")))
          assert.isTrue(
            BigDecimal.between(rate, {
              minimum: BigDecimal.make(1497n, 0),
              maximum: BigDecimal.make(1560n, 0)
            })
          )
          previous = rate
        }
      })
  )

  it.effect("moves each pair independently", () =>
    Effect.gen(function* () {
      const { next } = SandboxRates.make("test")
      const series = (to: string) =>
        Effect.replicateEffect(Effect.map(next("USD", to), Option.map(Decimal.format)), 5)
      // Both currencies have the same base level.
      assert.notDeepEqual(yield* series("XOF"), yield* series("XAF"))
    })
  )

  it.effect("has no rate for unknown currencies or a currency against itself", () =>
    Effect.gen(function* () {
      const { next } = SandboxRates.make("test")
      for (const [from, to] of [
        ["USD", "USD"],
        ["USD", "XXX"],
        ["XXX", "USD"],
        ["usd", "NGN"],
        ["", ""],
        ["__proto__", "USD"]
      ] as const) {
        assert.deepStrictEqual(yield* next(from, to), Option.none(), `${from}:${to}`)
      }
    })
  )
})
