import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Schema } from "effect"
import { CurrencyCode } from "../../../src/domain/money/Currency.ts"
import { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import * as Rate from "../../../src/domain/rates/Rate.ts"

const make = (id: string, observedAt: number): Rate.Rate => ({
  id: Rate.RateId.make(id),
  pair: new AssetPair({ from: CurrencyCode.make("USD"), to: CurrencyCode.make("NGN") }),
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

describe("A rate from the future", () => {
  const now = 1_000_000
  const staleAfter = Duration.minutes(10)
  const observedIn = (millis: number) => make(first, now + millis)

  it("is never fresh, beyond the error of a second in a node's time", () => {
    const isStale = Rate.isStaleAt(now, staleAfter)
    for (const millis of [-600_000, -1, 0, 1000]) {
      assert.isFalse(Rate.isFuture(observedIn(millis), now), `${millis}`)
      assert.isTrue(Rate.isFresh(observedIn(millis), 600_000, now), `${millis}`)
      assert.isFalse(isStale(observedIn(millis)), `${millis}`)
    }
    for (const millis of [1001, 600_000, 86_400_000]) {
      assert.isTrue(Rate.isFuture(observedIn(millis), now), `${millis}`)
      assert.isFalse(Rate.isFresh(observedIn(millis), Number.POSITIVE_INFINITY, now), `${millis}`)
      assert.isTrue(isStale(observedIn(millis)), `${millis}`)
    }
    assert.isFalse(Rate.isFresh(observedIn(-600_001), 600_000, now))
  })

  it("is replaced by any present rate, and never replaces one", () => {
    const [future, present, older] = [observedIn(86_400_000), observedIn(0), observedIn(-60_000)]
    for (const rate of [present, older]) {
      assert.isTrue(Rate.replaces(rate, future, now))
      assert.isFalse(Rate.replaces(future, rate, now))
    }
    assert.isTrue(Rate.replaces(present, older, now))
    assert.isFalse(Rate.replaces(older, present, now))
    assert.isTrue(Rate.replaces(observedIn(86_400_001), future, now))
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
