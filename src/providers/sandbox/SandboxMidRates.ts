import { BigDecimal, Effect, Option, Random } from "effect"
import * as Currency from "../../domain/money/Currency.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ApproximateRates from "../../domain/rates/ApproximateRates.ts"

/** How far a rate strays from its level, either way, in parts per million. */
const RANGE = 500

/** Every currency that has a made-up rate. */
export const codes: ReadonlyArray<string> = Currency.all
  .map(({ code }) => code as string)
  .filter((code) => Option.isSome(ApproximateRates.unitsOf(code)))
  .toSorted()

/**
 * Made-up rates without a spread, around the same levels as `SandboxRates`. What a rate is at a moment depends on
 * the seed, its currencies and the name of the moment alone, so that whoever asks at the same time sees the same.
 */
export const make = (seed: string) => {
  const units = Effect.fnUntraced(function* (code: string, moment: string) {
    const level = ApproximateRates.unitsOf(code)
    if (Option.isNone(level) || code === "USD") return level
    const strays = yield* Random.nextIntBetween(-RANGE, RANGE).pipe(
      Random.withSeed(`${seed} ${code} ${moment}`)
    )
    return Option.some(BigDecimal.multiply(level.value, BigDecimal.make(BigInt(1_000_000 + strays), 6)))
  })

  /** Units of `to` for one unit of `from`; none where one of them is not known, or both are the same. */
  const rate = Effect.fnUntraced(function* (from: string, to: string, moment: string) {
    const pair = Option.all([yield* units(from, moment), yield* units(to, moment)])
    if (Option.isNone(pair) || from === to) return Option.none<BigDecimal.BigDecimal>()
    const [sold, bought] = pair.value
    return Option.some(Decimal.quotient(bought, sold))
  })

  return { rate }
}

export type SandboxMidRates = ReturnType<typeof make>
