import { assert, describe, it } from "@effect/vitest"
import * as WebSocketFrame from "../../../src/server/node/WebSocketFrame.ts"
import { parseFrame } from "../../support/WebSocketFrames.ts"

describe("WebSocketFrame.encodeText", () => {
  it("encodes the length in 7, 16 or 64 bits", () => {
    for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 100_000]) {
      const text = "x".repeat(length)
      const read = parseFrame(WebSocketFrame.encodeText(text))
      assert.strictEqual(read?.text, text, String(length))
      assert.strictEqual(read?.remaining.length, 0)
    }
  })

  it("encodes the length in bytes, not characters", () => {
    const text = "₦".repeat(42)
    assert.deepStrictEqual([...WebSocketFrame.encodeText(text).subarray(0, 4)], [0x81, 126, 0, 126])
    assert.strictEqual(parseFrame(WebSocketFrame.encodeText(text))?.text, text)
  })
})
