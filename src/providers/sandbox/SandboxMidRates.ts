import { BigDecimal, Effect, Option, Random } from "effect"
import * as Currency from "../../domain/money/Currency.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ApproximateRates from "../../domain/rates/ApproximateRates.ts"

/** Maximum deviation of a rate from its base level in either direction, in parts per million. */
const MAX_DEVIATION = 500

/** Currencies with a generated rate. */
export const codes: ReadonlyArray<string> = Currency.all
  .map(({ code }) => code as string)
  .filter((code) => Option.isSome(ApproximateRates.unitsOf(code)))
  .toSorted()

/**
 * Generates mid-market rates around the same base levels as `SandboxRates`. A rate depends only on the seed, its
 * currencies and the given moment, so that concurrent requests get equal rates.
 */
export const make = (seed: string) => {
  const units = Effect.fnUntraced(function* (code: string, moment: string) {
    const level = ApproximateRates.unitsOf(code)
    if (Option.isNone(level) || code === "USD") return level
    const deviation = yield* Random.nextIntBetween(-MAX_DEVIATION, MAX_DEVIATION).pipe(
      Random.withSeed(`${seed} ${code} ${moment}`)
    )
    return Option.some(BigDecimal.multiply(level.value, BigDecimal.make(BigInt(1_000_000 + deviation), 6)))
  })

  /** Returns units of `to` for one unit of `from`; none if a currency is unknown or both are equal. */
  const rate = Effect.fnUntraced(function* (from: string, to: string, moment: string) {
    const pair = Option.all([yield* units(from, moment), yield* units(to, moment)])
    if (Option.isNone(pair) || from === to) return Option.none<BigDecimal.BigDecimal>()
    const [fromUnits, toUnits] = pair.value
    return Option.some(Decimal.quotient(toUnits, fromUnits))
  })

  return { rate }
}

export type SandboxMidRates = ReturnType<typeof make>
