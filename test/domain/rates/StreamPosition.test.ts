import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as StreamPosition from "../../../src/domain/rates/StreamPosition.ts"

const epoch = Schema.String.check(Schema.isPattern(/^[0-9a-z]{1,32}$/))
const sequence = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999_999_999_999 }))

const rejected = [
  "",
  "-",
  "1",
  "1-",
  "-1",
  "1--1",
  "1-1-1",
  "1-01",
  "1-1.5",
  "1-1e3",
  "1-+1",
  "1-١",
  " 1-1",
  "1-1 ",
  "1-1\n",
  "1_1",
  "1-1000000000000000",
  "A-1",
  "é-1",
  `${"a".repeat(33)}-1`,
  "$-1",
  "*"
]

describe("StreamPosition", () => {
  it.prop("round-trips through format", [epoch, sequence], ([epoch, sequence]) => {
    const text = StreamPosition.format({ epoch, sequence })
    assert.deepStrictEqual(StreamPosition.parse(text), Option.some({ epoch, sequence }))
    assert.isTrue(Schema.is(StreamPosition.StreamPositionText)(text))
  })

  it.prop("formats every parsed position as the original text", [Schema.String], ([text]) => {
    const read = StreamPosition.parse(text)
    if (Option.isSome(read)) assert.strictEqual(StreamPosition.format(read.value), text)
    assert.strictEqual(Schema.is(StreamPosition.StreamPositionText)(text), Option.isSome(read))
  })

  it("rejects everything else", () => {
    for (const text of rejected) {
      assert.deepStrictEqual(StreamPosition.parse(text), Option.none(), JSON.stringify(text))
      assert.isFalse(Schema.is(StreamPosition.StreamPositionText)(text), JSON.stringify(text))
    }
  })

  it("describes the expected format on rejection", () => {
    const exit = Schema.decodeExit(StreamPosition.StreamPositionText)("yesterday")
    assert.include(String(exit), StreamPosition.ALLOWED)
  })
})
