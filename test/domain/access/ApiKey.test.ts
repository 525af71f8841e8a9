import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { crc32 } from "node:zlib"
import * as ApiKey from "../../../src/domain/access/ApiKey.ts"

const entropyOf = (seed: number) =>
  Uint8Array.from({ length: ApiKey.KEY_ENTROPY_BYTES }, (_, index) => (seed * 131 + index * 89 + 7) % 256)

const refusalOf = (text: string) => {
  const read = ApiKey.modeOf(text)
  return Result.isFailure(read) ? read.failure.detail : assert.fail(text)
}

describe("ApiKey", () => {
  it("is written with its mode, 178 random bits and a checksum", () => {
    const key = ApiKey.compose("live", entropyOf(1))
    assert.match(key, /^efx_live_[0-9A-Za-z]{36}$/)
    assert.isAbove(30 * Math.log2(62), 178)
    assert.match(ApiKey.compose("test", entropyOf(1)), /^efx_test_[0-9A-Za-z]{36}$/)
    assert.strictEqual(ApiKey.compose("live", new Uint8Array(32)).slice(0, 39), `efx_live_${"0".repeat(30)}`)
  })

  it("ends with the CRC-32 of what stands before, so that others can check it", () => {
    const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for (let seed = 0; seed < 50; seed++) {
      const key = ApiKey.compose("live", entropyOf(seed))
      const value = Array.from(key.slice(-6)).reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0)
      assert.strictEqual(value, crc32(key.slice(0, -6)))
    }
  })

  it("is read again, whichever mode it is of", () => {
    for (const mode of ["live", "test"] as const)
      assert.deepStrictEqual(ApiKey.modeOf(ApiKey.compose(mode, entropyOf(2))), Result.succeed(mode))
  })

  it("is known to be mistyped, wherever one character is another, or two have changed places", () => {
    const key = ApiKey.compose("live", entropyOf(3))
    for (let at = "efx_live_".length; at < key.length; at++) {
      const other = key[at] === "a" ? "b" : "a"
      assert.include(refusalOf(key.slice(0, at) + other + key.slice(at + 1)), "checksum")
      const swapped = key.slice(0, at - 1) + key.slice(at, at + 1) + key.slice(at - 1, at) + key.slice(at + 1)
      if (swapped !== key && at > "efx_live_".length) assert.include(refusalOf(swapped), "checksum")
    }
    assert.include(refusalOf(key.replace("live", "test")), "checksum")
  })

  it("is nothing else", () => {
    const key = ApiKey.compose("live", entropyOf(4))
    const others = [
      "",
      "efx_live_",
      key.slice(0, -1),
      `${key}0`,
      ` ${key}`,
      `${key}\n`,
      key.toUpperCase(),
      "é".repeat(45)
    ]
    for (const text of others) assert.include(refusalOf(text), "efx_live_…", text)
  })

  it("tells nothing of a key where it refuses one", () => {
    const key = ApiKey.compose("live", entropyOf(5))
    assert.notInclude(refusalOf(`${key}0`), key.slice(9, 20))
    assert.notInclude(refusalOf(`${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`), key.slice(9, 20))
  })

  it("is named by an id that is not made of it", () => {
    const id = ApiKey.composeId(entropyOf(6).slice(0, ApiKey.ID_ENTROPY_BYTES))
    assert.match(id, /^key_[0-9A-Za-z]{12}$/)
  })
})
