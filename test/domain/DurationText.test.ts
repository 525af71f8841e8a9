import { assert, describe, it } from "@effect/vitest"
import { Duration, Option, Schema } from "effect"
import * as DurationText from "../../src/domain/DurationText.ts"

const units = {
  millis: 1,
  second: 1000,
  seconds: 1000,
  minute: 60_000,
  minutes: 60_000,
  hour: 3_600_000,
  hours: 3_600_000,
  day: 86_400_000,
  days: 86_400_000
}

const millis = (text: string) => Option.map(DurationText.parse(text), Duration.toMillis)

describe("DurationText.parse", () => {
  it.prop(
    "parses a whole number with a unit",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999_999 })),
      Schema.Literals(["millis", "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days"])
    ],
    ([count, unit]) => {
      assert.deepStrictEqual(millis(`${count} ${unit}`), Option.some(count * units[unit]))
    }
  )

  it("parses the documented examples", () => {
    assert.deepStrictEqual(millis("10 minutes"), Option.some(600_000))
    assert.deepStrictEqual(millis("500 millis"), Option.some(500))
    assert.deepStrictEqual(millis("60 seconds"), Option.some(60_000))
    assert.deepStrictEqual(millis("1 second"), Option.some(1000))
    assert.deepStrictEqual(millis("007 days"), Option.some(7 * 86_400_000))
    assert.deepStrictEqual(millis("0 millis"), Option.some(0))
    for (const example of DurationText.ALLOWED.matchAll(/`(.*?)`/g)) {
      assert.isTrue(Option.isSome(DurationText.parse(example[1] ?? "")), example[1])
    }
  })

  it("rejects everything else", () => {
    const texts = [
      "",
      "10",
      "10m",
      "10minutes",
      "10  minutes",
      " 10 minutes",
      "10 minutes ",
      "10 minutes\n",
      "10\tminutes",
      "10\u00a0minutes",
      "10 Minutes",
      "10 MINUTES",
      "-10 minutes",
      "+10 minutes",
      "1.5 minutes",
      "1e3 minutes",
      "0x10 minutes",
      "١ minutes",
      "1000000000 millis",
      `${"9".repeat(5000)} days`,
      "1 weeks",
      "1 nanos",
      "1 micros",
      "1 milli",
      "1 month",
      "minutes",
      "ten minutes",
      "10 minutes 5 seconds",
      "PT10M",
      "Infinity",
      "infinity days",
      "NaN days",
      "off",
      "null"
    ]
    for (const text of texts) {
      assert.isTrue(Option.isNone(DurationText.parse(text)), JSON.stringify(text.slice(0, 40)))
    }
  })
})

describe("DurationText.format", () => {
  it("uses the largest unit that divides the duration", () => {
    const texts = [
      "0 millis",
      "1 second",
      "90 seconds",
      "10 minutes",
      "1 hour",
      "36 hours",
      "2 days",
      "1500 millis"
    ]
    for (const text of texts)
      assert.strictEqual(DurationText.format(Duration.fromInputUnsafe(text as Duration.Input)), text)
    assert.strictEqual(DurationText.format(Duration.seconds(600)), "10 minutes")
  })
})
