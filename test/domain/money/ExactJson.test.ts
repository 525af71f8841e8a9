import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Result, Schema } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as ExactJson from "../../../src/domain/money/ExactJson.ts"

const matching = (pattern: RegExp) => Schema.String.check(Schema.isPattern(pattern))

const numeral = matching(/^-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,60})?([eE][-+]?[0-9]{1,2})?$/)
const plainNumeral = matching(/^(0|-?[1-9][0-9]{0,17}|-?(0|[1-9][0-9]{0,17})\.[0-9]{0,20}[1-9])$/)

const parsed = (text: string) => Result.getOrThrow(ExactJson.parse(text))
const assertRejected = (text: string, reason: string) =>
  assert.deepStrictEqual(ExactJson.parse(text), Result.fail(reason), JSON.stringify(text.slice(0, 80)))

/** Valid JSON with the number in different positions, and the expected result. */
const places = (number: string) => [
  [number, number],
  [`[${number}]`, [number]],
  [`{"a":{"b":[ ${number} ,true]}}`, { a: { b: [number, true] } }]
]

describe("ExactJson.parse", () => {
  it.prop("keeps the source text of every number in any position", [numeral], ([number]) => {
    for (const [text, expected] of places(number)) assert.deepStrictEqual(parsed(String(text)), expected)
  })

  it.prop("parses everything except numbers like JSON.parse", [Schema.Json], ([value]) => {
    const text = JSON.stringify(value)
    const read = ExactJson.parse(text)
    // The generator also produces lone surrogates, NUL and very long numbers, which are rejected.
    if (Result.isFailure(read)) return
    assert.deepStrictEqual(
      read.success,
      JSON.parse(text, (_, part: unknown) => (typeof part === "number" ? JSON.stringify(part) : part))
    )
  })

  it("keeps digits that a double would lose", () => {
    const numbers = [
      "1440239.425",
      "0.10000000000000000000000001",
      "9007199254740993",
      "1.50",
      "6.5e-05",
      "1E+6",
      "-0",
      "-0.0",
      "1e-99",
      `${"9".repeat(40)}.${"9".repeat(60)}e-99`
    ]
    for (const number of numbers) assert.strictEqual(parsed(number), number)
    assert.deepStrictEqual(
      parsed('{"rate":0.000694329,"source":{"amount":1440239.425,"ok":true,"no":null}}'),
      {
        rate: "0.000694329",
        source: { amount: "1440239.425", ok: true, no: null }
      }
    )
  })

  it("rejects numbers that are too long to store", () => {
    const numbers = ["1e999999", "1e100", "-1e999999", "1e-999999", "1".repeat(41), `0.${"1".repeat(61)}`]
    for (const number of numbers)
      for (const [text] of places(number))
        assertRejected(String(text), "contains a number that is too long or too large")
  })

  it("rejects NUL and lone surrogates in values and keys", () => {
    for (const text of ["\\u0000", "a\\u0000b", "\\ud800", "\\udc00\\ud800", "x\\udfff", "\ud800"]) {
      for (const json of [`"${text}"`, `{"a":["${text}"]}`, `{"${text}":1}`])
        assertRejected(json, "contains a NUL character or half of a surrogate pair")
    }
    assert.deepStrictEqual(parsed('["\\ud83d\\ude00","😀","\\u0001"]'), ["😀", "😀", "\u0001"])
  })

  it("rejects thousands of nested containers", () => {
    const tooMany = "has more than 1000 opening brackets"
    // A parser that backtracks would exceed the timeout of the test, and a recursive one the stack.
    for (const text of ["[", "{", '{"a":', "[{", '"['].map((text) => text.repeat(200_000 / text.length))) {
      assertRejected(text, tooMany)
    }
    assertRejected("[".repeat(1001) + "]".repeat(1001), tooMany)
    assertRejected('{"a":'.repeat(1001) + "1" + "}".repeat(1001), tooMany)
    assertRejected(`[${"{},".repeat(1000)}{}]`, tooMany)
    assert.isTrue(Result.isSuccess(ExactJson.parse("[".repeat(1000) + "]".repeat(1000))))
  })

  it("rejects invalid JSON", () => {
    assertRejected("", "is empty")
    const texts = [
      " ",
      "{",
      "[1",
      '{"a":1}}',
      '{"a":1} x',
      "[1] [2]",
      "[1,]",
      "{'a':1}",
      "{a:1}",
      '"a',
      '"\n"',
      "NaN",
      "Infinity",
      "undefined",
      "01",
      "+1",
      ".5",
      "1.",
      "0x1",
      "1_000",
      "// 1\n1",
      "<html></html>",
      "\ufeff{}",
      "\u0000"
    ]
    for (const text of texts) assertRejected(text, "is not valid JSON")
  })

  it("passes numbers to onNumber", () => {
    const read = ExactJson.parse(
      '{"a":1.50,"b":"1.50","c":[1e999999]}',
      (source) => new ExactJson.JsonNumber(source)
    )
    assert.deepStrictEqual(Result.getOrThrow(read), {
      a: new ExactJson.JsonNumber("1.50"),
      b: "1.50",
      c: [new ExactJson.JsonNumber("1e999999")]
    })
    const thrown = ExactJson.parse("[1]", () => {
      throw new SyntaxError("no")
    })
    assert.isTrue(Result.isFailure(thrown))
  })

  it("does not let keys change the prototype", () => {
    const value = parsed('{"__proto__":{"status":"success"},"constructor":1}')
    assert.strictEqual(Object.getPrototypeOf(value), Object.prototype)
    assert.strictEqual(JSON.stringify(value), '{"__proto__":{"status":"success"},"constructor":"1"}')
  })
})

describe("ExactJson.number", () => {
  it.prop("serializes every digit as a JSON number", [plainNumeral], ([number]) => {
    const value = BigDecimal.fromStringUnsafe(number)
    assert.strictEqual(JSON.stringify({ a: [ExactJson.number(value)] }), `{"a":[${number}]}`)
    assert.strictEqual(parsed(JSON.stringify(ExactJson.number(value))), Decimal.format(value))
  })

  it("never uses an exponent", () => {
    assert.strictEqual(JSON.stringify(ExactJson.number(BigDecimal.make(1n, 30))), `0.${"0".repeat(29)}1`)
    assert.strictEqual(JSON.stringify(ExactJson.number(BigDecimal.make(5n, -30))), `5${"0".repeat(30)}`)
    assert.strictEqual(JSON.stringify(ExactJson.number(BigDecimal.make(0n, 5))), "0")
  })
})

describe("ExactJson.stringifyWith", () => {
  it.prop("keeps numbers digit for digit in any position", [numeral], ([number]) => {
    for (const [text] of places(number)) {
      assert.strictEqual(ExactJson.stringifyWith({ a: 1 }, "raw", String(text)), `{"a":1,"raw":${text}}`)
    }
  })

  it("keeps whitespace, the order of keys and duplicate keys", () => {
    const answer =
      '{ "status":"success",\n"2":2, "1":1.50, "rates":{"NGN":1534.5,"NGN":1700},"message":"\\"é😀\\u0000\\ud800\\"","list":[null,true,[]],"__proto__":{}}\r\n'
    const text = ExactJson.stringifyWith({ from: "USD" }, "raw", answer)
    assert.strictEqual(text, `{"from":"USD","raw":${answer}}`)
    assert.strictEqual(JSON.parse(text).from, "USD")
    for (const raw of ['"x"', "null", "true", "[]", "{}"]) {
      assert.strictEqual(ExactJson.stringifyWith({}, "raw", raw), `{"raw":${raw}}`)
    }
  })

  it("throws on invalid JSON, which prevents injection into a response", () => {
    for (const text of ["", "1,2", '{"a":1},"b":2', "1}", "NaN"]) {
      assert.throws(() => ExactJson.stringifyWith({}, "raw", text), SyntaxError)
    }
  })
})
