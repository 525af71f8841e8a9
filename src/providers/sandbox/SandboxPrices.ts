import { BigDecimal, Effect, Random } from "effect"
import { CurrencyCode } from "../../domain/money/Currency.ts"
import { keyOf } from "../../domain/money/AssetPair.ts"

/** Base levels in US dollars. Other symbols get a level that depends on the seed. */
const LEVELS: ReadonlyMap<string, number> = new Map([
  ["BTC", 50_000],
  ["ETH", 3_000],
  ["SOL", 150],
  ["AAPL", 250],
  ["MSFT", 450],
  ["ABAN", 20]
])
/** Ids of coins, and their codes. */
const COINS: ReadonlyMap<string, string> = new Map([
  ["bitcoin", "BTC"],
  ["ethereum", "ETH"],
  ["solana", "SOL"]
])
const MAX_OTHER_LEVEL = 500
/** Maximum deviation from the base level, in parts per million, which changes over hours. */
const MAX_DEVIATION = 20_000
/** The price of the sample cryptocurrency never changes, so that examples stay true. */
const STEADY: ReadonlySet<string> = new Set(["ABAN"])
/** Maximum additional deviation of each second. */
const MAX_JITTER = 300
const HOUR = 60 * 60 * 1000

const USD = CurrencyCode.make("USD")

/** Returns the code of a CoinGecko id or a ticker. */
export const codeOf = (symbol: string): string => COINS.get(symbol) ?? symbol.toUpperCase()

/** Returns the pair of a symbol in the format of fault injections. */
export const pairOf = (symbol: string): string => keyOf(codeOf(symbol), USD)

/**
 * Generates prices in US dollars around base levels. A price depends only on the seed, the symbol and the second, so that
 * it goes on at the same level after a restart, and all nodes get equal prices.
 */
export const make = (seed: string) => {
  const between = (limit: number, key: string) =>
    Random.nextIntBetween(-limit, limit).pipe(Random.withSeed(`${seed} ${key}`))

  const levelOf = (code: string) => {
    const level = LEVELS.get(code)
    if (level !== undefined) return Effect.succeed(level)
    return Random.nextIntBetween(1, MAX_OTHER_LEVEL).pipe(Random.withSeed(`${seed} ${code} level`))
  }

  /** Returns the price of a symbol at a moment, in epoch milliseconds, with `decimals` decimals. */
  const price = Effect.fnUntraced(function* (symbol: string, millis: number, decimals: number) {
    const code = codeOf(symbol)
    const level = BigDecimal.make(BigInt(yield* levelOf(code)), 0)
    if (STEADY.has(code)) return level
    const hour = Math.floor(millis / HOUR)
    const [before, after] = yield* Effect.all([
      between(MAX_DEVIATION, `${code} ${hour}`),
      between(MAX_DEVIATION, `${code} ${hour + 1}`)
    ])
    const jitter = yield* between(MAX_JITTER, `${code} second ${Math.floor(millis / 1000)}`)
    const part = millis / HOUR - hour
    const deviation = Math.round(before + (after - before) * part) + jitter
    const factor = BigDecimal.make(BigInt(1_000_000 + deviation), 6)
    return BigDecimal.round(BigDecimal.multiply(level, factor), { scale: decimals, mode: "half-even" })
  })

  return { price }
}

export type SandboxPrices = ReturnType<typeof make>
