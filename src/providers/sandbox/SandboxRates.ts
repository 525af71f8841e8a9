import { BigDecimal, Effect, Option, Random } from "effect"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ApproximateRates from "../../domain/rates/ApproximateRates.ts"

/** What the customer pays for an exchange, in each direction, in parts per million. */
const SPREAD = 4_000
/** The largest step between two answers about a pair, and how far it may wander in all, in parts per million. */
const STEP = 500
const RANGE = 20_000

/**
 * Rates that move a little each time that one is asked for: the n-th answer about a pair depends on the seed, the pair
 * and n alone. None for currencies that it does not know.
 */
export const make = (seed: string) => {
  const walks = new Map<string, { readonly step: () => number; offset: number }>()

  const walk = Effect.fnUntraced(function* (pair: string) {
    const known = walks.get(pair)
    if (known !== undefined) return known
    const random = yield* Effect.service(Random.Random).pipe(Random.withSeed(`${seed} ${pair}`))
    const fresh = { step: () => Math.round((random.nextDoubleUnsafe() * 2 - 1) * STEP), offset: 0 }
    walks.set(pair, fresh)
    return fresh
  })

  const next = Effect.fnUntraced(function* (from: string, to: string) {
    const pair = Option.all([ApproximateRates.unitsOf(from), ApproximateRates.unitsOf(to)])
    if (Option.isNone(pair) || from === to) return Option.none<BigDecimal.BigDecimal>()
    const [sold, bought] = pair.value
    const state = yield* walk(`${from}:${to}`)
    state.offset = Math.max(-RANGE, Math.min(RANGE, state.offset + state.step()))
    const factor = BigDecimal.make(BigInt(1_000_000 - SPREAD + state.offset), 6)
    return Option.some(Decimal.quotient(BigDecimal.multiply(bought, factor), sold))
  })

  return { next }
}

export type SandboxRates = ReturnType<typeof make>
