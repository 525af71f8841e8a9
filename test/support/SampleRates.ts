import { BigDecimal, DateTime } from "effect"
import type { AssetPair } from "../../src/domain/money/AssetPair.ts"
import type { PollSummary } from "../../src/domain/rates/PollRun.ts"
import { type Rate, RateId } from "../../src/domain/rates/Rate.ts"
import { pairOf } from "./RateTicks.ts"

export const USD_NGN = pairOf("USD", "NGN")
export const USD_KES = pairOf("USD", "KES")
export const EUR_GHS = pairOf("EUR", "GHS")

const START = Date.UTC(2026, 0, 1)
const hex = (n: number) => n.toString(16).padStart(12, "0")

/** Creates a rate that is newer than those with a smaller number. */
export const rate = (pair: AssetPair, n: number): Rate => ({
  id: RateId.make(`01980000-0000-7000-8000-${hex(n)}`),
  pair,
  rate: BigDecimal.make(BigInt(1_000_000 + n), 3),
  provider: "test",
  observedAt: DateTime.makeUnsafe(START + n)
})

/** Returns the number of a sample rate. */
export const numberOf = ({ observedAt }: Rate) => DateTime.toEpochMillis(observedAt) - START

export const poll = (n: number): PollSummary => ({
  id: `01980000-0000-7000-9000-${hex(n)}`,
  startedAt: DateTime.makeUnsafe(START + n),
  finishedAt: DateTime.makeUnsafe(START + n + 1),
  pairs: 44,
  failed: n % 44
})
