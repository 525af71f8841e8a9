import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Exit, Option, Schema } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"

const digits = (pattern: RegExp) => Schema.String.check(Schema.isPattern(pattern))

/** Every text that `parse` accepts, trailing zeros included. */
const decimalText = digits(/^(0|[1-9][0-9]{0,17})(\.[0-9]{1,30})?$/)
const bigint = (from: bigint, to: bigint) =>
  Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: from, maximum: to }))
const int = (from: number, to: number) => Schema.Int.check(Schema.isBetween({ minimum: from, maximum: to }))

/** The value times 10^60, an integer for every scale in these tests. */
const units = (value: BigDecimal.BigDecimal): bigint => {
  assert.isAtMost(value.scale, 60)
  return value.value * 10n ** BigInt(60 - value.scale)
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value)

/** Converts text to units by string manipulation only. */
const unitsOfText = (text: string): bigint => {
  const [integer = "", fraction = ""] = text.split(".")
  return BigInt(integer + fraction.padEnd(60, "0"))
}

const parsed = (text: string, maxDecimals?: number) => Option.getOrThrow(Decimal.parse(text, maxDecimals))
const parsedJson = (text: string) => Option.map(Decimal.parseJsonNumber(text), Decimal.format)

const hostile = [
  ["an exponent", ["1e999999999", "1E5", "1e-5", "0e0", "1e"]],
  ["a sign", ["+1", "-1", "-0", "−1"]],
  ["empty text or whitespace", ["", " ", " 1", "1 ", "1\n", "\t1", "1 000", "\u00a01", "1\u0000"]],
  ["non-numbers", ["NaN", "Infinity", "-Infinity", "null", "undefined", "[object Object]"]],
  ["other notations", ["0x10", "0b1", "0o7", "1n", "1_000", "1,000", "1,5", "1/2", "$1"]],
  ["digits of other scripts", ["٣", "１", "१", "²", "1.٣"]],
  ["a decimal point without digits on both sides", ["1.", ".5", ".", "1..2", "1.2.3"]],
  ["leading zeros", ["01", "00", "00.1", "-01"]],
  ["too many digits", ["1".repeat(19), "1".repeat(5000), `0.${"1".repeat(31)}`, `1.${"0".repeat(5000)}`]]
] as const

describe("Decimal.parse", () => {
  it.prop("parses plain decimals exactly", [decimalText], ([text]) => {
    assert.strictEqual(units(parsed(text)), unitsOfText(text))
  })

  it.prop("round-trips through format", [decimalText], ([text]) => {
    const value = parsed(text)
    const written = Decimal.format(value)
    assert.isTrue(BigDecimal.equals(parsed(written), value))
    assert.strictEqual(Decimal.format(parsed(written)), written)
  })

  it.prop("rejects more than maxDecimals decimals", [decimalText, int(0, 30)], ([text, maxDecimals]) => {
    const decimals = text.split(".")[1]?.length ?? 0
    assert.strictEqual(Option.isSome(Decimal.parse(text, maxDecimals)), decimals <= maxDecimals)
  })

  it.prop(
    "accepts plain digits only",
    [digits(/^[-+0-9.eExn_, ]{0,5}$/)],
    ([text]) => {
      assert.strictEqual(Option.isSome(Decimal.parse(text)), /^(0|[1-9][0-9]*)(\.[0-9]+)?$/.test(text))
    },
    { arbitrary: { runs: 2000 } }
  )

  for (const [what, texts] of hostile) {
    it(`rejects ${what}`, () => {
      for (const text of texts) assert.isTrue(Option.isNone(Decimal.parse(text)), JSON.stringify(text))
    })
  }

  it("accepts text at the length limit", () => {
    const longest = `${"9".repeat(18)}.${"9".repeat(30)}`
    assert.strictEqual(Decimal.format(parsed(longest)), longest)
    assert.isTrue(Option.isNone(Decimal.parse(`1.0`, 0)))
    assert.strictEqual(parsed("9".repeat(18), 0).value, 10n ** 18n - 1n)
  })

  it("rejects hostile text of any length without reading all of it", () => {
    // A pattern that backtracks would exceed the timeout of the test.
    const long = 10_000_000
    const texts = ["1", "0", "e", "1e", "-", ".", "0.", "1e9"].map((text) => text.repeat(long / text.length))
    for (const text of [...texts, "1e999999999", `1.${texts[0]}`, `1e${texts[0]}`, `1e-${texts[0]}`]) {
      assert.isTrue(Option.isNone(Decimal.parse(text)))
      assert.isTrue(Option.isNone(Decimal.parseJsonNumber(text)))
    }
  })
})

describe("Decimal.parseJsonNumber", () => {
  it("accepts exponents of up to two digits", () => {
    const values = {
      "6.5e-05": "0.000065",
      "6.5E-5": "0.000065",
      "1E3": "1000",
      "1e+3": "1000",
      "1.5340e3": "1534",
      "0.00069e2": "0.069",
      "1e17": "100000000000000000",
      "1e-30": `0.${"0".repeat(29)}1`,
      "0e99": "0",
      "1534.12345678": "1534.12345678"
    }
    for (const [text, value] of Object.entries(values)) {
      assert.deepStrictEqual(parsedJson(text), Option.some(value), text)
    }
  })

  it("rejects values out of range and malformed numbers", () => {
    const outside = [
      "1e18",
      "0e100",
      "1e99",
      "1e999",
      "1e-31",
      "1e-99",
      "1e-999",
      "123456789e10",
      "1e999999999"
    ]
    const malformed = [
      "1e",
      "e5",
      "1e5e5",
      "1e5.5",
      "1e+-5",
      "1e 5",
      "1e٣",
      "+1e5",
      "-1e5",
      "01e5",
      ".5e5",
      "1.e5"
    ]
    for (const text of [...outside, ...malformed, ...hostile.flatMap(([, texts]) => texts)]) {
      // Rejected by parse, but valid JSON numbers.
      if (["1E5", "1e-5", "0e0"].includes(text)) continue
      assert.isTrue(Option.isNone(Decimal.parseJsonNumber(text)), JSON.stringify(text))
    }
  })

  it.prop(
    "parses every positive number as serialized by JavaScript",
    [bigint(1n, 10n ** 15n), int(0, 15)],
    ([value, scale]) => {
      // A double preserves any 15 significant digits, so its text contains them.
      const number = Number(`${value}e-${scale}`)
      const read = Option.getOrThrow(Decimal.parseJsonNumber(JSON.stringify(number)))
      assert.isTrue(BigDecimal.equals(read, BigDecimal.make(value, scale)), JSON.stringify(number))
    }
  )
})

describe("Decimal.format", () => {
  it.prop(
    "formats the same value as plain digits",
    [bigint(-(10n ** 40n), 10n ** 40n), int(-20, 60)],
    ([value, scale]) => {
      const decimal = BigDecimal.make(value, scale)
      const text = Decimal.format(decimal)
      assert.match(text, /^(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]*[1-9])$/)
      assert.strictEqual(unitsOfText(text.replace("-", "")), abs(units(decimal)))
      assert.strictEqual(text.startsWith("-"), value < 0n)
    }
  )

  it("never uses an exponent", () => {
    assert.strictEqual(Decimal.format(BigDecimal.make(1n, 60)), `0.${"0".repeat(59)}1`)
    assert.strictEqual(Decimal.format(BigDecimal.make(1n, -20)), `1${"0".repeat(20)}`)
    assert.strictEqual(Decimal.format(BigDecimal.make(0n, -20)), "0")
    assert.strictEqual(Decimal.format(BigDecimal.make(150_000n, 2)), "1500")
  })

  it.prop(
    "formats exactly the requested decimals with formatFixed",
    [decimalText, int(0, 6)],
    ([text, more]) => {
      const value = parsed(text)
      const needed = Decimal.format(value).split(".")[1]?.length ?? 0
      const fixed = Decimal.formatFixed(value, needed + more)
      assert.strictEqual(fixed.split(".")[1]?.length ?? 0, needed + more)
      assert.strictEqual(unitsOfText(fixed), units(value))
    }
  )
})

describe("Decimal.PositiveDecimal", () => {
  const decode = Schema.decodeUnknownExit(Decimal.PositiveDecimal)
  const encode = Schema.encodeSync(Decimal.PositiveDecimal)

  it.prop("is plain text on the wire", [decimalText], ([text]) => {
    const expected = unitsOfText(text) === 0n ? Option.none() : Option.some(Decimal.format(parsed(text)))
    assert.deepStrictEqual(Option.map(Exit.getSuccess(decode(text)), encode), expected)
  })

  it("rejects zero, hostile text and JavaScript numbers", () => {
    for (const given of ["0", "0.000", 1, 1.5, null, {}, 1n, ...hostile.flatMap(([, texts]) => texts)]) {
      assert.isTrue(Exit.isFailure(decode(given)), String(given))
    }
  })
})
