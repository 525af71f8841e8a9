import { BigDecimal, Effect } from "effect"
import type { CurrencyPair } from "../../src/domain/money/CurrencyPair.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import type { RateTick } from "../../src/domain/rates/Rate.ts"
import { ProviderError, Unreachable } from "../../src/providers/ProviderError.ts"
import { RateProvider } from "../../src/providers/RateProvider.ts"
import { tick } from "../support/RateTicks.ts"

/** How the provider is about a pair: it tells the truth, at once or late, it lies, or it says nothing. */
export type Mood = "true" | "slow" | "jump" | "inverted" | "failing" | "silent"

const SLOW = "1500 millis"
/** Longer than anybody waits. */
const SILENT = "3 minutes"

/** A provider whose truth never repeats itself, so that each rate is known again wherever it turns up. */
export const make = () => {
  const moods = new Map<string, Mood>()
  const truths = new Set<string>()
  const underWay = new Map<string, number>()
  let count = 0
  let most = 0

  /** The next true rate of a pair: 1500, and a little more or less. */
  const truth = () => {
    count++
    const rate = `${1490 + (count % 20)}.${String(count).padStart(9, "0")}1`
    truths.add(rate)
    return rate
  }

  const tickOf = Effect.fnUntraced(function* (pair: CurrencyPair) {
    const made = yield* tick(pair.from, pair.to, truth())
    return { ...made, provider: "flutterwave" } satisfies RateTick
  })

  const say = Effect.fnUntraced(function* (pair: CurrencyPair) {
    const mood = moods.get(pair.key) ?? "true"
    if (mood === "slow") yield* Effect.sleep(SLOW)
    if (mood === "silent") yield* Effect.sleep(SILENT)
    if (mood === "failing" || mood === "silent") {
      const reason = new Unreachable({ detail: mood })
      return yield* new ProviderError({ provider: "flutterwave", pair, reason })
    }
    if (mood === "true" || mood === "slow") return yield* tickOf(pair)
    const one = BigDecimal.make(1n, 0)
    const lie = BigDecimal.make(mood === "jump" ? 2_300n : 1_500n, 0)
    const said = yield* tick(pair.from, pair.to, "1500")
    return {
      ...said,
      provider: "flutterwave",
      rate: mood === "jump" ? lie : Decimal.quotient(one, lie)
    } satisfies RateTick
  })

  const ask = (pair: CurrencyPair) =>
    Effect.suspend(() => {
      const now = (underWay.get(pair.key) ?? 0) + 1
      underWay.set(pair.key, now)
      most = Math.max(most, now)
      return say(pair)
    }).pipe(Effect.ensuring(Effect.sync(() => underWay.set(pair.key, (underWay.get(pair.key) ?? 1) - 1))))

  return {
    layer: RateProvider.layerTest(ask),
    tickOf,
    be: (pair: CurrencyPair, mood: Mood) => moods.set(pair.key, mood),
    isTrue: (rate: BigDecimal.BigDecimal) => truths.has(Decimal.format(rate)),
    /** How many were asked for the same pair at once, at most. */
    mostAtOnce: () => most
  }
}

export type FaultyProvider = ReturnType<typeof make>
