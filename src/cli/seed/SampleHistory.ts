import { BigDecimal, DateTime, Effect, FileSystem, Option, Random } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import * as UsMarketCalendar from "../../domain/markets/UsMarketCalendar.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ApproximateRates from "../../domain/rates/ApproximateRates.ts"
import { SANDBOX_PROVIDER } from "../../domain/rates/Rate.ts"
import * as SandboxPrices from "../../providers/sandbox/SandboxPrices.ts"
import { RateImport } from "../../rates/import/RateImport.ts"

const DAYS = 7
const HOUR = 60 * 60 * 1000
/** Spread below the mid-market rate in each direction, in parts per million, as in the sandbox. */
const SPREAD = 4_000
/** Maximum deviations from the base level that change every day and every hour, in parts per million. */
const DAILY_DEVIATION = 8_000
const HOURLY_DEVIATION = 1_500
const PRICE_DECIMALS = 8
const SEED = "effex"

const between = (limit: number, key: string) =>
  Random.nextIntBetween(-limit, limit).pipe(Random.withSeed(`${SEED} ${key}`))

/** Generates the rate of a pair of currencies. It depends only on the pair and the hour. */
const currencyRate = Effect.fnUntraced(function* (pair: AssetPair, millis: number) {
  const day = Math.floor(millis / HOUR / 24)
  const part = millis / HOUR / 24 - day
  const before = yield* between(DAILY_DEVIATION, `${pair.key} day ${day}`)
  const after = yield* between(DAILY_DEVIATION, `${pair.key} day ${day + 1}`)
  const hourly = yield* between(HOURLY_DEVIATION, `${pair.key} hour ${millis / HOUR}`)
  const deviation = Math.round(before + (after - before) * part) + hourly
  const factor = BigDecimal.make(BigInt(1_000_000 - SPREAD + deviation), 6)
  return Option.map(ApproximateRates.magnitudeOf(pair), (level) =>
    BigDecimal.round(BigDecimal.multiply(level, factor), { scale: Decimal.MAX_RATE_DECIMALS })
  )
})

/**
 * Imports a week of generated hourly rates of all polled pairs, at the levels of the sandbox, up to a time. Returns the number of
 * stored rates. A repeated import up to the same hour stores only what is missing.
 */
export const storeUntil = Effect.fnUntraced(function* (end: DateTime.Utc) {
  const { find, pairs } = yield* AssetCatalog
  const fs = yield* FileSystem.FileSystem
  const rateImport = yield* RateImport
  const prices = SandboxPrices.make(SEED)
  const lastHour = Math.floor(DateTime.toEpochMillis(end) / HOUR) * HOUR

  const lines = ["from,to,rate,observed_at"]
  for (const pair of pairs.polled) {
    const kind = Option.getOrUndefined(find(pair.from))?.kind
    for (let time = lastHour - DAYS * 24 * HOUR; time <= lastHour; time += HOUR) {
      if (kind === "stock" && !UsMarketCalendar.isOpen(time)) continue
      const rate =
        kind === "currency"
          ? yield* currencyRate(pair, time)
          : Option.some(yield* prices.price(pair.from, time, PRICE_DECIMALS))
      if (Option.isSome(rate))
        lines.push(`${pair.from},${pair.to},${Decimal.format(rate.value)},${new Date(time).toISOString()}`)
    }
  }

  const file = yield* fs.makeTempFileScoped({ prefix: "effex-seed-", suffix: ".csv" })
  yield* fs.writeFileString(file, lines.join("\n"))
  const summary = yield* rateImport.file({
    file,
    defaults: { pair: Option.none(), provider: SANDBOX_PROVIDER },
    dryRun: false,
    skipInvalid: true,
    acceptOutliers: true,
    isInForce: false,
    onInvalid: () => Effect.void,
    onProgress: () => Effect.void
  })
  return summary.stored
}, Effect.scoped)
