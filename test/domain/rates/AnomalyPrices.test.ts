import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Option } from "effect"
import { detectPriceJump } from "../../../src/domain/rates/AnomalyPrices.ts"
import { isConfirmable } from "../../../src/domain/rates/AnomalyChecks.ts"
import { type Rate, RateId } from "../../../src/domain/rates/Rate.ts"
import * as RateAnomaly from "../../../src/domain/rates/RateAnomaly.ts"
import { pairOf } from "../../support/RateTicks.ts"

const decimal = BigDecimal.fromStringUnsafe
const ALLOWED = decimal("0.3")

const detect = (price: string, last: string, isStock = true) =>
  detectPriceJump(decimal(price), decimal(last), ALLOWED, isStock)
const splitOf = (price: string, last: string, isStock = true) =>
  detect(price, last, isStock).map((anomaly) => (anomaly.reason === "jump" ? (anomaly.split ?? "none") : ""))

describe("detectPriceJump", () => {
  it("allows changes up to the limit, in both directions", () => {
    assert.deepStrictEqual(detect("130", "100"), [])
    assert.deepStrictEqual(detect("77", "100"), [])
    assert.strictEqual(detect("131", "100").length, 1)
    assert.strictEqual(detect("76", "100").length, 1)
  })

  it("names a factor near a whole number as a possible split", () => {
    assert.deepStrictEqual(splitOf("50", "200"), ["4:1"])
    assert.deepStrictEqual(splitOf("49.2", "200"), ["4:1"])
    assert.deepStrictEqual(splitOf("101", "200"), ["2:1"])
    assert.deepStrictEqual(splitOf("9.9", "1"), ["1:10"])
    assert.deepStrictEqual(splitOf("137", "100"), ["none"])
    assert.deepStrictEqual(splitOf("345", "100"), ["none"])
    assert.deepStrictEqual(splitOf("0.5", "100"), ["none"])
    assert.deepStrictEqual(splitOf("50", "200", false), ["none"])
  })

  it("describes a possible split, which new quotes of the provider never confirm", () => {
    const anomalies = detect("50", "200")
    const [anomaly] = anomalies
    assert.strictEqual(
      anomaly && RateAnomaly.describe(anomaly, decimal("50")),
      "50 is 75 % below 200 (last good rate); at most 30 % is allowed; this may be a split of 4:1"
    )
    const last: Rate = {
      id: RateId.make("0190a1b2-0000-7000-8000-000000000001"),
      pair: pairOf("AAPL", "USD"),
      rate: decimal("200"),
      provider: "massive",
      observedAt: DateTime.makeUnsafe(0)
    }
    assert.isFalse(isConfirmable(anomalies, decimal("50"), Option.some(last)))
    assert.isTrue(isConfirmable(detect("137", "200"), decimal("137"), Option.some(last)))
  })
})
