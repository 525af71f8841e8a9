import { assert, describe, it } from "@effect/vitest"
import { DateTime, Option } from "effect"
import * as Totp from "../../../src/accounts/mfa/Totp.ts"

/** Secret and codes of RFC 6238, appendix B (SHA-1), of which the last six digits are used. */
const SECRET = new TextEncoder().encode("12345678901234567890")
const VECTORS: ReadonlyArray<readonly [epochSeconds: number, code: string]> = [
  [59, "94287082"],
  [1111111109, "07081804"],
  [1111111111, "14050471"],
  [1234567890, "89005924"],
  [2000000000, "69279037"],
  [20000000000, "65353130"]
]

const at = (epochSeconds: number) => DateTime.makeUnsafe(epochSeconds * 1000)
const stepOf = (code: string, epochSeconds: number, lastStep = -1) =>
  Totp.stepOf(SECRET, code, at(epochSeconds), lastStep)

describe("Totp", () => {
  it("agrees with the vectors of RFC 6238", () => {
    for (const [epochSeconds, code] of VECTORS)
      assert.deepStrictEqual(
        stepOf(code.slice(2), epochSeconds),
        Option.some(Math.floor(epochSeconds / 30)),
        String(epochSeconds)
      )
  })

  it("accepts the code of the previous step, not of older or later ones", () => {
    const code = "287082"
    assert.deepStrictEqual(stepOf(code, 89), Option.some(1))
    for (const epochSeconds of [29, 90, 120])
      assert.deepStrictEqual(stepOf(code, epochSeconds), Option.none())
  })

  it("refuses a code of a step that was used", () => {
    assert.deepStrictEqual(stepOf("287082", 59, 1), Option.none())
    assert.deepStrictEqual(stepOf("287082", 59, 0), Option.some(1))
  })

  it("refuses malformed codes and secrets", () => {
    for (const code of [
      "",
      "28708",
      "2870820",
      "28708a",
      " 287082",
      "２８７０８２",
      "287082\n",
      "9".repeat(1000)
    ])
      assert.deepStrictEqual(stepOf(code, 59), Option.none(), JSON.stringify(code))
    assert.deepStrictEqual(Totp.stepOf(new Uint8Array(3), "287082", at(59), -1), Option.none())
  })

  it("writes a URI that authenticator apps read", () => {
    const uri = new URL(Totp.uriOf(SECRET, "effex", "amara"))
    assert.strictEqual(uri.protocol, "otpauth:")
    assert.strictEqual(decodeURIComponent(uri.pathname), "/effex:amara")
    assert.strictEqual(uri.searchParams.get("secret"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    assert.strictEqual(uri.searchParams.get("issuer"), "effex")
  })
})
