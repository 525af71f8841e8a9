import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Schema } from "effect"
import { CurrencyCode } from "../../../src/domain/money/Currency.ts"
import { CurrencyPair } from "../../../src/domain/money/CurrencyPair.ts"
import * as Rate from "../../../src/domain/rates/Rate.ts"

const make = (id: string, observedAt: number): Rate.Rate => ({
  id: Rate.RateId.make(id),
  pair: new CurrencyPair({ from: CurrencyCode.make("USD"), to: CurrencyCode.make("NGN") }),
  rate: BigDecimal.make(15345n, 1),
  provider: "sandbox",
  observedAt: DateTime.makeUnsafe(observedAt)
})

const first = "0198c0de-0000-7000-8000-000000000001"
const second = "0198c0de-0000-7000-8000-000000000002"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const millis = int(0, 4_102_444_800_000)

describe("RateId", () => {
  it("is a UUIDv7", () => {
    const isRateId = Schema.is(Rate.RateId)
    assert.isTrue(isRateId(first))
    const rejected = [
      "",
      "1",
      first.replace("-7000", "-4000"),
      `${first}0`,
      ` ${first}`,
      first.replaceAll("-", "")
    ]
    for (const text of rejected) assert.isFalse(isRateId(text), text)
  })
})

describe("Rate.ageAt", () => {
  it.prop("returns the time since observation, never negative", [millis, millis], ([observedAt, now]) => {
    const age = Duration.toMillis(Rate.ageAt(make(first, observedAt), DateTime.makeUnsafe(now)))
    assert.strictEqual(age, now > observedAt ? now - observedAt : 0)
  })
})

describe("Rate.isNewer", () => {
  it("orders by observation time, then by id", () => {
    assert.isTrue(Rate.isNewer(make(first, 2), make(second, 1)))
    assert.isFalse(Rate.isNewer(make(second, 1), make(first, 2)))
    assert.isTrue(Rate.isNewer(make(second, 1), make(first, 1)))
    assert.isFalse(Rate.isNewer(make(first, 1), make(second, 1)))
  })

  // Few ids and times, so that ties are common.
  const rate = Schema.Tuple([Schema.Literals([first, second]), int(0, 2)])

  it.prop("finds the same latest rate in any order of arrival", [Schema.Array(rate)], ([rates]) => {
    const arrived = rates.map(([id, observedAt]) => make(id, observedAt))
    const latest = (all: ReadonlyArray<Rate.Rate>) =>
      all.reduce<Rate.Rate | undefined>((a, b) => (a === undefined || Rate.isNewer(b, a) ? b : a), undefined)
    const forwards = latest(arrived)
    const backwards = latest(arrived.toReversed())
    assert.strictEqual(backwards?.id, forwards?.id)
    assert.deepStrictEqual(backwards?.observedAt, forwards?.observedAt)
    for (const a of arrived) {
      assert.isFalse(Rate.isNewer(a, a))
      assert.isFalse(forwards !== undefined && Rate.isNewer(a, forwards))
    }
  })

  it.prop("is a strict total order", [rate, rate], ([a, b]) => {
    const [left, right] = [make(...a), make(...b)]
    const same = a[0] === b[0] && a[1] === b[1]
    assert.strictEqual(Rate.isNewer(left, right) !== Rate.isNewer(right, left), !same)
  })
})
