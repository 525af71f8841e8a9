import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Duration } from "effect"
import { AssetCode, type AssetKind } from "../../../src/domain/money/Asset.ts"
import { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import * as Freshness from "../../../src/domain/rates/Freshness.ts"
import { type Rate, RateId } from "../../../src/domain/rates/Rate.ts"

const kinds: ReadonlyMap<string, AssetKind> = new Map([
  ["AAPL", "stock"],
  ["BTC", "crypto"],
  ["USD", "currency"],
  ["NGN", "currency"]
])
const freshness = Freshness.make(Duration.minutes(10), (code) => kinds.get(code))

const at = (text: string) => DateTime.makeUnsafe(text)
const millis = (text: string) => DateTime.toEpochMillis(at(text))
const rateOf = (from: string, to: string, observedAt: string, quotedAt?: string): Rate => ({
  id: RateId.make("0190a1b2-0000-7000-8000-000000000001"),
  pair: new AssetPair({ from: AssetCode.make(from), to: AssetCode.make(to) }),
  rate: BigDecimal.make(20n, 0),
  provider: "massive",
  observedAt: at(observedAt),
  ...(quotedAt === undefined ? {} : { quotedAt: at(quotedAt) })
})
const isStale = (rate: Rate, now: string) => freshness.isStale(rate, millis(now))

describe("Freshness", () => {
  it("makes currencies and cryptocurrencies stale after STALE_AFTER, also on a weekend", () => {
    for (const [from, to] of [
      ["USD", "NGN"],
      ["BTC", "USD"],
      ["ZZZ", "USD"]
    ] as const) {
      const rate = rateOf(from, to, "2026-11-28T12:00:00Z")
      assert.isFalse(isStale(rate, "2026-11-28T12:10:00Z"))
      assert.isTrue(isStale(rate, "2026-11-28T12:10:00.001Z"))
    }
  })

  it("keeps the last close of a stock fresh over a weekend, until the market has been open for STALE_AFTER", () => {
    const lastTrade = rateOf("AAPL", "USD", "2026-11-27T18:00:05Z", "2026-11-27T17:59:58Z")
    assert.isFalse(isStale(lastTrade, "2026-11-29T12:00:00Z"))
    assert.isFalse(isStale(lastTrade, "2026-11-30T14:39:00Z"))
    assert.isTrue(isStale(lastTrade, "2026-11-30T14:41:00Z"))
  })

  it("keeps the last close of a stock fresh over a holiday and after an early close", () => {
    const wednesday = rateOf("AAPL", "USD", "2026-11-25T21:00:10Z", "2026-11-25T20:59:59Z")
    assert.isFalse(isStale(wednesday, "2026-11-27T14:30:00Z"))
    assert.isTrue(isStale(wednesday, "2026-11-27T14:41:00Z"))
    const earlyClose = rateOf("AAPL", "USD", "2026-11-27T18:00:10Z", "2026-11-27T17:59:59Z")
    assert.isFalse(isStale(earlyClose, "2026-11-27T20:30:00Z"))
  })

  it("makes a stock price stale that is not from the last close", () => {
    const noon = rateOf("AAPL", "USD", "2026-11-25T17:00:00Z", "2026-11-25T16:59:59Z")
    assert.isTrue(isStale(noon, "2026-11-26T12:00:00Z"))
    // Observed now, but quoted on the day before.
    const late = rateOf("AAPL", "USD", "2026-11-24T16:00:00Z", "2026-11-23T16:00:00Z")
    assert.isTrue(isStale(late, "2026-11-24T16:00:01Z"))
  })

  it("makes a stock price stale after STALE_AFTER during trading hours", () => {
    const rate = rateOf("AAPL", "USD", "2026-11-30T15:00:00Z", "2026-11-30T15:00:00Z")
    assert.isFalse(isStale(rate, "2026-11-30T15:10:00Z"))
    assert.isTrue(isStale(rate, "2026-11-30T15:10:01Z"))
  })

  it("counts the age of a stock price by trading hours, also against a max_age", () => {
    const rate = rateOf("AAPL", "USD", "2026-11-27T18:30:00Z", "2026-11-27T17:59:00Z")
    const now = at("2026-11-29T12:00:00Z")
    assert.strictEqual(Duration.toSeconds(freshness.quoteAgeAt(rate, now)), 60)
    assert.strictEqual(Duration.toSeconds(freshness.ageAt(rate, now)), 0)
    assert.isTrue(freshness.isFresh(rate, 60_000, DateTime.toEpochMillis(now)))
    assert.isFalse(freshness.isFresh(rate, 59_999, DateTime.toEpochMillis(now)))
  })

  it("never returns a rate from the future as fresh", () => {
    for (const [from, to] of [
      ["USD", "NGN"],
      ["AAPL", "USD"]
    ] as const)
      assert.isTrue(isStale(rateOf(from, to, "2026-11-29T12:00:02Z"), "2026-11-29T12:00:00Z"))
  })
})
