import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Result } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { RateId, type RateRecord } from "../../../src/domain/rates/Rate.ts"
import * as LegDerivation from "../../../src/rates/lookup/LegDerivation.ts"
import { pairOf } from "../../support/RateTicks.ts"

const at = (time: string) => DateTime.makeUnsafe(`2026-11-30T${time}Z`)

const leg = (
  pair: string,
  rate: string,
  {
    observed = "10:00:00",
    provider = "flutterwave",
    quoted
  }: { observed?: string; provider?: string; quoted?: string } = {}
): RateRecord => {
  const [from = "", to = ""] = pair.split(":")
  const exact = BigDecimal.fromStringUnsafe(rate)
  return {
    rate: {
      id: RateId.make(`01980000-0000-7000-8000-00000000000${from === "KES" ? 1 : 2}`),
      pair: pairOf(from, to),
      rate: exact,
      provider,
      observedAt: at(observed),
      ...(quoted === undefined ? {} : { quotedAt: at(quoted) })
    },
    sourceAmount: BigDecimal.make(1n, 0),
    destinationAmount: exact,
    providerRate: rate,
    raw: `{"rate":  ${rate}}`,
    derivedFrom: [],
    recordedAt: at(observed)
  }
}

const derive = (first: RateRecord, second: RateRecord) =>
  LegDerivation.derive(pairOf("KES", "GHS"), first, second)

describe("LegDerivation.derive", () => {
  // Computed by hand.
  const vectors: ReadonlyArray<readonly [string, string, string]> = [
    ["0.008", "12.5", "0.1"],
    ["0.00773", "11.9", "0.091987"],
    ["0.000694329", "1534.5", "1.0654478505"],
    ["1", "1", "1"],
    // 1.21932631112635269, rounded to 15 digits as every computed rate.
    ["0.123456789", "9.87654321", "1.21932631112635"]
  ]
  it.each(vectors)("multiplies %s by %s", (first, second, product) => {
    const tick = Result.getOrThrow(derive(leg("KES:USD", first), leg("USD:GHS", second)))
    assert.strictEqual(Decimal.format(tick.rate), product)
    assert.strictEqual(Decimal.format(tick.destinationAmount), product)
    assert.strictEqual(Decimal.format(tick.sourceAmount), "1")
    assert.strictEqual(tick.providerRate, `${first}*${second}`)
  })

  it("names both legs, and keeps their responses byte for byte", () => {
    const [first, second] = [leg("KES:USD", "0.008"), leg("USD:GHS", "12.5")]
    const tick = Result.getOrThrow(derive(first, second))
    assert.deepStrictEqual(
      tick.legs?.map(({ id, pair }) => [id, pair.key]),
      [
        [first.rate.id, "KES:USD"],
        [second.rate.id, "USD:GHS"]
      ]
    )
    assert.strictEqual(
      tick.raw,
      `{"legs":[{"pair":"KES:USD","rate_id":"${first.rate.id}","raw":{"rate":  0.008}},` +
        `{"pair":"USD:GHS","rate_id":"${second.rate.id}","raw":{"rate":  12.5}}]}`
    )
    assert.doesNotThrow(() => JSON.parse(tick.raw))
  })

  it("is as old as the older leg", () => {
    const times = (first: RateRecord, second: RateRecord) => {
      const { observedAt, quotedAt } = Result.getOrThrow(derive(first, second))
      return [observedAt, quotedAt].map((time) => time && DateTime.formatIso(time).slice(11, 19))
    }
    const newer = { observed: "10:05:00" }
    assert.deepStrictEqual(times(leg("KES:USD", "1"), leg("USD:GHS", "1", newer)), ["10:00:00", undefined])
    assert.deepStrictEqual(times(leg("KES:USD", "1", newer), leg("USD:GHS", "1")), ["10:00:00", undefined])
    assert.deepStrictEqual(
      times(
        leg("KES:USD", "1", { ...newer, quoted: "09:10:00" }),
        leg("USD:GHS", "1", { ...newer, quoted: "09:20:00" })
      ),
      ["10:05:00", "09:10:00"]
    )
    assert.deepStrictEqual(
      times(leg("KES:USD", "1"), leg("USD:GHS", "1", { ...newer, quoted: "10:04:00" })),
      ["10:00:00", "10:00:00"]
    )
  })

  it("names the providers of both legs", () => {
    const provider = (first: string, second: string) =>
      Result.getOrThrow(
        derive(leg("KES:USD", "1", { provider: first }), leg("USD:GHS", "1", { provider: second }))
      ).provider
    assert.strictEqual(provider("flutterwave", "flutterwave"), "flutterwave")
    assert.strictEqual(provider("flutterwave-v4", "flutterwave"), "flutterwave-v4+flutterwave")
  })

  it("refuses to mix a generated rate with a real one, and a product out of range", () => {
    const mixed = derive(leg("KES:USD", "1", { provider: "sandbox" }), leg("USD:GHS", "1"))
    const huge = derive(leg("KES:USD", "999999999999999999"), leg("USD:GHS", "999999999999999999"))
    for (const result of [mixed, huge]) assert.isTrue(Result.isFailure(result))
  })
})
