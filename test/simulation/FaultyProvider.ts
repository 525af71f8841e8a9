import { BigDecimal, Effect } from "effect"
import type { AssetPair } from "../../src/domain/money/AssetPair.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import type { RateTick } from "../../src/domain/rates/Rate.ts"
import { ProviderError, Unreachable } from "../../src/providers/ProviderError.ts"
import { RateProvider } from "../../src/providers/RateProvider.ts"
import { tick } from "../support/RateTicks.ts"

/** Behavior for a pair: a correct rate, immediately or delayed; a wrong rate; a failure, immediately or after a timeout. */
export type ProviderMode = "correct" | "slow" | "jump" | "inverted" | "failing" | "hanging"

const SLOW_DELAY = "1500 millis"
/** Longer than any caller waits. */
const HANGING_DELAY = "3 minutes"

/** Creates a provider whose correct rates are unique, so that a rate can be recognized anywhere. */
export const make = () => {
  const modes = new Map<string, ProviderMode>()
  const correctRates = new Set<string>()
  const callsInFlight = new Map<string, number>()
  let count = 0
  let maxCalls = 0

  /** Returns the next correct rate: about 1500. */
  const nextCorrectRate = () => {
    count++
    const rate = `${1490 + (count % 20)}.${String(count).padStart(9, "0")}1`
    correctRates.add(rate)
    return rate
  }

  const correctTick = Effect.fnUntraced(function* (pair: AssetPair) {
    const base = yield* tick(pair.from, pair.to, nextCorrectRate())
    return { ...base, provider: "flutterwave" } satisfies RateTick
  })

  const answer = Effect.fnUntraced(function* (pair: AssetPair) {
    const mode = modes.get(pair.key) ?? "correct"
    if (mode === "slow") yield* Effect.sleep(SLOW_DELAY)
    if (mode === "hanging") yield* Effect.sleep(HANGING_DELAY)
    if (mode === "failing" || mode === "hanging") {
      const reason = new Unreachable({ detail: mode })
      return yield* new ProviderError({ provider: "flutterwave", pair, reason })
    }
    if (mode === "correct" || mode === "slow") return yield* correctTick(pair)
    const one = BigDecimal.make(1n, 0)
    const wrongRate = BigDecimal.make(mode === "jump" ? 2_300n : 1_500n, 0)
    const wrongTick = yield* tick(pair.from, pair.to, "1500")
    return {
      ...wrongTick,
      provider: "flutterwave",
      rate: mode === "jump" ? wrongRate : Decimal.quotient(one, wrongRate)
    } satisfies RateTick
  })

  const call = (pair: AssetPair) =>
    Effect.suspend(() => {
      const calls = (callsInFlight.get(pair.key) ?? 0) + 1
      callsInFlight.set(pair.key, calls)
      maxCalls = Math.max(maxCalls, calls)
      return answer(pair)
    }).pipe(
      Effect.ensuring(Effect.sync(() => callsInFlight.set(pair.key, (callsInFlight.get(pair.key) ?? 1) - 1)))
    )

  return {
    layer: RateProvider.layerTest("flutterwave", call),
    correctTick,
    setMode: (pair: AssetPair, mode: ProviderMode) => modes.set(pair.key, mode),
    isCorrect: (rate: BigDecimal.BigDecimal) => correctRates.has(Decimal.format(rate)),
    /** Maximum number of concurrent calls for one pair. */
    maxConcurrentCalls: () => maxCalls
  }
}

export type FaultyProvider = ReturnType<typeof make>
