import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { Contradictory, Malformed } from "../../src/providers/ProviderError.ts"
import * as ResponseJson from "../../src/providers/ResponseJson.ts"

const parsed = (text: string) => Option.getOrThrow(ResponseJson.parse(text))
const rejection = (text: string) => ResponseJson.rejection(text, ResponseJson.parse(text))

describe("ResponseJson", () => {
  it.prop("parses like JSON.parse, except that numbers keep their text", [Schema.Json], ([value]) => {
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2)]) {
      assert.deepStrictEqual(
        parsed(text),
        JSON.parse(text, (_, part: unknown) => (typeof part === "number" ? JSON.stringify(part) : part))
      )
    }
  })

  it("keeps the text of a number of any length", () => {
    for (const number of ["1.50", "-0", "6.5e-05", "1E+6", `0.${"1".repeat(500)}`, "1e999999"]) {
      assert.deepStrictEqual(parsed(`{"a":[ ${number} ]}`), { a: [number] })
    }
  })

  it("reads escapes, and strings that contain JSON", () => {
    const text = String.raw`{"a\"b":"\\","c":"{\"d\":[1,2]}","\u0065":"\ud83d\ude00\n","é":"☃"}`
    assert.deepStrictEqual(parsed(text), JSON.parse(text))
    assert.strictEqual(Object.getPrototypeOf(parsed('{"__proto__":{"a":1}}')), Object.prototype)
  })

  it("marks a key that is given more than once with different values", () => {
    assert.deepStrictEqual(parsed('{"a":1,"b":2,"a":3}'), { a: ResponseJson.AMBIGUOUS, b: "2" })
    assert.deepStrictEqual(parsed('{"a":1,"a":2,"a":2}'), { a: ResponseJson.AMBIGUOUS })
    assert.deepStrictEqual(parsed('{"a":{"b":1},"a":{"b":2}}'), { a: ResponseJson.AMBIGUOUS })
    assert.deepStrictEqual(parsed(String.raw`{"a":1,"\u0061":2}`), { a: ResponseJson.AMBIGUOUS })
    assert.deepStrictEqual(parsed('{"a":[{"b":1}],"a":[ {"b":1} ]}'), { a: [{ b: "1" }] })
  })

  it("names the key in the rejection of a response", () => {
    assert.deepStrictEqual(
      rejection('{"data":[{"rate":1,"rate":2}]}'),
      new Contradictory({ detail: "data.0.rate is given more than once, with different values" })
    )
    assert.deepStrictEqual(rejection("<html>"), new Malformed({ detail: "not JSON: <html>" }))
    assert.deepStrictEqual(
      rejection("{}"),
      new Malformed({ detail: "fields are missing or have another type" })
    )
  })

  it("rejects invalid JSON and thousands of nested containers", () => {
    for (const text of ["", "{", "[1,]", '{"a":1}}', '"a', "NaN", "01", "\ufeff{}", "[".repeat(100_000)]) {
      assert.isTrue(Option.isNone(ResponseJson.parse(text)), text.slice(0, 20))
    }
    assert.isTrue(Option.isNone(ResponseJson.parse("[".repeat(1001) + "]".repeat(1001))))
    assert.isTrue(Option.isSome(ResponseJson.parse("[".repeat(1000) + "]".repeat(1000))))
    assert.isTrue(Option.isNone(ResponseJson.parse("[".repeat(150_000) + "]".repeat(150_000), 200_000)))
  })
})
