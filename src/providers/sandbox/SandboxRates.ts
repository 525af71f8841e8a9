import { BigDecimal, Effect, Option, Random } from "effect"
import { keyOf } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ApproximateRates from "../../domain/rates/ApproximateRates.ts"

/** Spread below the mid-market rate in each direction, in parts per million. */
const SPREAD = 4_000
/** Maximum step between two rates of a pair, in parts per million. */
const MAX_STEP = 500
/** Maximum deviation from the base level, in parts per million. */
const MAX_DEVIATION = 20_000

/**
 * Generates rates that take a small random step on each request. The n-th rate of a pair depends only on the seed, the
 * pair and n. Unknown currencies have none.
 */
export const make = (seed: string) => {
  const walks = new Map<string, { readonly step: () => number; offset: number }>()

  const walk = Effect.fnUntraced(function* (pair: string) {
    const existing = walks.get(pair)
    if (existing !== undefined) return existing
    const random = yield* Effect.service(Random.Random).pipe(Random.withSeed(`${seed} ${pair}`))
    const created = { step: () => Math.round((random.nextDoubleUnsafe() * 2 - 1) * MAX_STEP), offset: 0 }
    walks.set(pair, created)
    return created
  })

  const next = Effect.fnUntraced(function* (from: string, to: string) {
    const pair = Option.all([ApproximateRates.unitsOf(from), ApproximateRates.unitsOf(to)])
    if (Option.isNone(pair) || from === to) return Option.none<BigDecimal.BigDecimal>()
    const [fromUnits, toUnits] = pair.value
    const state = yield* walk(keyOf(from, to))
    state.offset = Math.max(-MAX_DEVIATION, Math.min(MAX_DEVIATION, state.offset + state.step()))
    const factor = BigDecimal.make(BigInt(1_000_000 - SPREAD + state.offset), 6)
    return Option.some(Decimal.quotient(BigDecimal.multiply(toUnits, factor), fromUnits))
  })

  return { next }
}

export type SandboxRates = ReturnType<typeof make>
