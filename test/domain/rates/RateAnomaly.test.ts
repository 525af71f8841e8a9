import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Option, Schema } from "effect"
import * as RateAnomaly from "../../../src/domain/rates/RateAnomaly.ts"
import { RateId, type Rate } from "../../../src/domain/rates/Rate.ts"
import { pairOf } from "../../support/RateTicks.ts"

const exact = BigDecimal.fromStringUnsafe
const NOW = DateTime.makeUnsafe("2026-11-21T12:00:00.000Z")

const good = (rate: string, from = "USD", to = "NGN"): Rate => ({
  id: RateId.make("01980000-0000-7000-8000-000000000000"),
  pair: pairOf(from, to),
  rate: exact(rate),
  provider: "test",
  observedAt: NOW
})

const reasonsOf = (found: ReadonlyArray<RateAnomaly.RateAnomaly>) => found.map(({ reason }) => reason).join()

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const number = Schema.Tuple([int(1, 2 ** 31), int(0, 12)])
const decimal = ([digits, scale]: readonly [number, number]) => BigDecimal.make(BigInt(digits), scale)

describe("isWithin", () => {
  it.prop("takes either for the larger", [number, number, number], (given) => {
    const [a, b, allowed] = [decimal(given[0]), decimal(given[1]), decimal(given[2])]
    assert.strictEqual(RateAnomaly.isWithin(a, b, allowed), RateAnomaly.isWithin(b, a, allowed))
    assert.isTrue(RateAnomaly.isWithin(a, a, allowed))
  })

  it("is exact at the edge", () => {
    assert.isTrue(RateAnomaly.isWithin(exact("1800"), exact("1500"), exact("0.2")))
    assert.isFalse(RateAnomaly.isWithin(exact("1800.000000001"), exact("1500"), exact("0.2")))
    assert.isTrue(RateAnomaly.isWithin(exact("1250"), exact("1500"), exact("0.2")))
    assert.isFalse(RateAnomaly.isWithin(exact("1249.999999999"), exact("1500"), exact("0.2")))
  })
})

describe("jump", () => {
  const cases: ReadonlyArray<readonly [rate: string, last: string, allowed: string, reasons: string]> = [
    ["1500", "1500", "0.2", ""],
    ["2250", "1500", "0.2", "jump"],
    ["750", "1500", "0.2", "jump"],
    ["2250", "1500", "0.5", ""],
    ["0.000666", "1500", "0.2", "inverted,jump"],
    ["0.0007", "1500", "0.2", "inverted,jump"],
    ["0.0008", "1500", "0.2", "jump"],
    ["1500", "0.000666", "0.2", "inverted,jump"],
    // Its inverse is near enough to be no jump.
    ["1.0526", "0.95", "0.2", ""],
    ["1.25", "0.8", "0.2", "inverted,jump"]
  ]
  for (const [rate, last, allowed, reasons] of cases) {
    it(`finds ${reasons || "nothing"} in ${rate} after ${last} with ${allowed}`, () => {
      assert.strictEqual(reasonsOf(RateAnomaly.jump(exact(rate), good(last), exact(allowed))), reasons)
    })
  }

  it("allows as much again for each day", () => {
    const allowed = (hours: number) =>
      BigDecimal.format(RateAnomaly.allowedJump(exact("0.2"), Duration.hours(hours)))
    assert.deepStrictEqual([0, 12, 24, 72].map(allowed), ["0.2", "0.3", "0.4", "0.8"])
  })
})

describe("inverted, for a pair that has no rate yet", () => {
  const cases: ReadonlyArray<readonly [rate: string, from: string, to: string, reasons: string]> = [
    ["1534", "USD", "NGN", ""],
    ["60", "USD", "NGN", ""],
    ["40000", "USD", "NGN", ""],
    ["1000000", "USD", "NGN", ""],
    ["0.00065", "USD", "NGN", "inverted"],
    ["0.5", "USD", "NGN", "inverted"],
    ["1", "USD", "NGN", ""],
    ["1534", "NGN", "USD", "inverted"],
    ["0.00065", "NGN", "USD", ""],
    ["0.86", "USD", "EUR", ""],
    ["1.16", "USD", "EUR", ""],
    ["0.0001", "USD", "CLP", ""]
  ]
  for (const [rate, from, to, reasons] of cases) {
    it(`finds ${reasons || "nothing"} in ${rate} of ${from}:${to}`, () => {
      assert.strictEqual(reasonsOf(RateAnomaly.inverted(exact(rate), pairOf(from, to))), reasons)
    })
  }
})

describe("outdated", () => {
  const at = (shift: Duration.Input) => DateTime.addDuration(NOW, shift)
  const before = (shift: Duration.Input) => DateTime.subtractDuration(NOW, shift)
  const find = (observedAt: DateTime.Utc, quotedAt?: DateTime.Utc) =>
    reasonsOf(RateAnomaly.outdated({ observedAt, quotedAt }, NOW))

  it("takes what is of this week, and clocks that run a little ahead", () => {
    assert.strictEqual(find(NOW), "")
    assert.strictEqual(find(at("5 minutes"), at("5 minutes")), "")
    assert.strictEqual(find(NOW, before("7 days")), "")
    // When it was observed is for history to say.
    assert.strictEqual(find(before("30 days")), "")
  })

  it("finds what is older, or has not come yet", () => {
    assert.strictEqual(find(NOW, before(Duration.millis(7 * 86_400_000 + 1))), "outdated")
    assert.strictEqual(find(NOW, at(Duration.millis(300_001))), "outdated")
    assert.strictEqual(find(at(Duration.millis(300_001))), "outdated")
  })
})

describe("implied", () => {
  const units: Readonly<Record<string, string>> = {
    USD: "1",
    EUR: "0.86",
    GBP: "0.75",
    NGN: "1500",
    KES: "130",
    GHS: "12",
    XOF: "564"
  }
  const unit = (code: string) => exact(units[code] ?? assert.fail(code))
  const sources = ["USD", "EUR", "GBP"]
  const destinations = ["NGN", "KES", "GHS", "XOF"]
  const rates = sources.flatMap((from) =>
    destinations.map((to) => good(BigDecimal.format(BigDecimal.divideUnsafe(unit(to), unit(from))), from, to))
  )
  const allowed = exact("0.001")
  const implied = (given: ReadonlyArray<Rate>) => RateAnomaly.implied(pairOf("USD", "NGN"), given)

  it("is what the others come to, whatever the pair itself says", () => {
    const { rate, routes } = Option.getOrThrow(implied(rates))
    assert.strictEqual(routes, 6)
    assert.isTrue(RateAnomaly.isWithin(rate, exact("1500"), allowed))
  })

  it.prop("does not mind one of them that is wrong", [int(0, rates.length - 1), number], ([index, wrong]) => {
    // Half of the routes end with what another source says of the naira.
    if (rates[index]?.pair.to === "NGN") return
    const given = rates.map((rate, i) => (i === index ? { ...rate, rate: decimal(wrong) } : rate))
    assert.isTrue(RateAnomaly.isWithin(Option.getOrThrow(implied(given)).rate, exact("1500"), allowed))
  })

  it("says nothing where too little is known", () => {
    const among = (codes: ReadonlyArray<string>) =>
      implied(rates.filter(({ pair }) => codes.includes(pair.to)))
    assert.isTrue(Option.isNone(implied([])))
    assert.isTrue(Option.isNone(implied(rates.filter(({ pair }) => pair.from === "USD"))))
    assert.isTrue(Option.isNone(among(["NGN", "KES"])))
    assert.isTrue(Option.isSome(among(["NGN", "KES", "GHS"])))
  })
})

describe("hasLeft", () => {
  const band = exact("0.1")
  const others = exact("1500")
  const hasLeft = (rate: string, last?: string) =>
    RateAnomaly.hasLeft(
      exact(rate),
      last === undefined ? Option.none() : Option.some(good(last)),
      others,
      band
    )

  it("suspects who goes away, and not who is away already", () => {
    assert.isFalse(hasLeft("1600", "1500"))
    assert.isTrue(hasLeft("1700", "1500"))
    assert.isTrue(hasLeft("1700"))
    assert.isFalse(hasLeft("1700", "1710"))
    assert.isFalse(hasLeft("1500", "1700"))
  })

  it("suspects nobody at the edge for a little", () => {
    assert.isFalse(hasLeft("1655", "1640"))
    assert.isTrue(hasLeft("1690", "1640"))
  })
})

describe("mayBeConfirmed", () => {
  const of = (rate: string, last: string, ...reasons: ReadonlyArray<RateAnomaly.RateAnomaly>) =>
    RateAnomaly.mayBeConfirmed(reasons, exact(rate), Option.some(good(last)))
  const jumped: RateAnomaly.RateAnomaly = { reason: "jump", against: exact("1500"), allowed: exact("0.2") }

  it("takes a level within a factor of 10, but never one that is inverted, unchanged or outdated", () => {
    assert.isTrue(of("15000", "1500", jumped))
    assert.isTrue(of("150", "1500", jumped))
    assert.isFalse(of("15000.1", "1500", jumped))
    assert.isFalse(of("149.9", "1500", jumped))
    assert.isFalse(of("2250", "1500", jumped, { reason: "inverted", against: exact("1500") }))
    assert.isFalse(of("1500", "1500", { reason: "unchanged", since: NOW }))
    assert.isFalse(of("1500", "1500", { reason: "outdated", at: NOW }))
  })
})

describe("describe", () => {
  it("says what is wrong, and what is allowed", () => {
    const allowed = exact("0.2")
    const against = exact("1500")
    const words = (suspicion: RateAnomaly.RateAnomaly) => RateAnomaly.describe(suspicion, exact("2250"))
    assert.deepStrictEqual(
      [
        words({ reason: "jump", against, allowed }),
        words({ reason: "disagrees", against: exact("3000"), allowed, provider: "fixer" }),
        words({ reason: "triangle", against, allowed, routes: 30 }),
        words({ reason: "inverted", against }),
        words({ reason: "unchanged", since: NOW }),
        words({ reason: "outdated", at: NOW })
      ],
      [
        "2250 is 50 % above 1500 (20 % are allowed), the last good rate",
        "2250 is 25 % below 3000 (20 % are allowed), what fixer says",
        "2250 is 50 % above 1500 (20 % are allowed), what other pairs come to, by 30 routes",
        "2250 is the other way round: about 1500 was to be expected",
        "2250 has not changed since 2026-11-21T12:00:00.000Z or before",
        "2250 is of 2026-11-21T12:00:00.000Z"
      ]
    )
  })
})

describe("isPegged", () => {
  it("knows the francs and the euro, the dollar and what is fixed to it", () => {
    const pegged = [pairOf("EUR", "XOF"), pairOf("XAF", "EUR"), pairOf("XOF", "XAF"), pairOf("USD", "AED")]
    assert.isTrue(pegged.every(RateAnomaly.isPegged))
    const floating = [pairOf("USD", "XOF"), pairOf("EUR", "NGN"), pairOf("EUR", "AED"), pairOf("USD", "ZAR")]
    assert.isFalse(floating.some(RateAnomaly.isPegged))
  })
})
