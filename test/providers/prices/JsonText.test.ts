import { assert, describe, it } from "@effect/vitest"
import * as JsonText from "../../../src/providers/prices/JsonText.ts"

describe("JsonText", () => {
  it("returns the text of each field verbatim, with whitespace and digits", () => {
    const text = `{ "bit\\u0063oin" : {"usd":67187.335828743301234 , "a":[1,{"}":2}]}, "x":"a,b\\"}", "n":1.2e-8 }`
    assert.deepStrictEqual(Array.from(JsonText.fieldsOf(text)), [
      ["bitcoin", `{"usd":67187.335828743301234 , "a":[1,{"}":2}]}`],
      ["x", `"a,b\\"}"`],
      ["n", "1.2e-8"]
    ])
  })

  it("returns the text of each element verbatim", () => {
    assert.deepStrictEqual(JsonText.elementsOf(`[ {"a":[1,2]}, 3 ,"]", [] ]`), [
      `{"a":[1,2]}`,
      "3",
      `"]"`,
      "[]"
    ])
  })

  it("returns nothing for empty values", () => {
    assert.strictEqual(JsonText.fieldsOf("{ }").size, 0)
    assert.deepStrictEqual(JsonText.elementsOf("[]"), [])
  })
})
