import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { crc32 } from "node:zlib"
import * as ApiKey from "../../../src/domain/access/ApiKey.ts"

const entropyOf = (seed: number) =>
  Uint8Array.from({ length: ApiKey.KEY_ENTROPY_BYTES }, (_, index) => (seed * 131 + index * 89 + 7) % 256)

/** Returns why a key is rejected. */
const rejectionOf = (text: string) => {
  const mode = ApiKey.modeOf(text)
  return Result.isFailure(mode) ? mode.failure.detail : assert.fail(text)
}

describe("ApiKey", () => {
  it("contains its mode, 178 random bits and a checksum", () => {
    const key = ApiKey.compose("live", entropyOf(1))
    assert.match(key, /^efx_live_[0-9A-Za-z]{36}$/)
    assert.isAbove(30 * Math.log2(62), 178)
    assert.match(ApiKey.compose("test", entropyOf(1)), /^efx_test_[0-9A-Za-z]{36}$/)
    assert.strictEqual(ApiKey.compose("live", new Uint8Array(32)).slice(0, 39), `efx_live_${"0".repeat(30)}`)
  })

  it("ends with the CRC-32 of the preceding characters", () => {
    const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for (let seed = 0; seed < 50; seed++) {
      const key = ApiKey.compose("live", entropyOf(seed))
      const value = Array.from(key.slice(-6)).reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0)
      assert.strictEqual(value, crc32(key.slice(0, -6)))
    }
  })

  it("parses to its mode", () => {
    for (const mode of ["live", "test"] as const)
      assert.deepStrictEqual(ApiKey.modeOf(ApiKey.compose(mode, entropyOf(2))), Result.succeed(mode))
  })

  it("is rejected when any character is replaced, or any two neighbors are swapped", () => {
    const key = ApiKey.compose("live", entropyOf(3))
    for (let at = "efx_live_".length; at < key.length; at++) {
      const other = key[at] === "a" ? "b" : "a"
      assert.include(rejectionOf(key.slice(0, at) + other + key.slice(at + 1)), "checksum")
      const swapped = key.slice(0, at - 1) + key.slice(at, at + 1) + key.slice(at - 1, at) + key.slice(at + 1)
      if (swapped !== key && at > "efx_live_".length) assert.include(rejectionOf(swapped), "checksum")
    }
    assert.include(rejectionOf(key.replace("live", "test")), "checksum")
  })

  it("rejects every other format", () => {
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
    for (const text of others) assert.include(rejectionOf(text), "efx_live_…", text)
  })

  it("does not reveal any part of a rejected key", () => {
    const key = ApiKey.compose("live", entropyOf(5))
    assert.notInclude(rejectionOf(`${key}0`), key.slice(9, 20))
    assert.notInclude(rejectionOf(`${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`), key.slice(9, 20))
  })

  it("has an id of 12 random characters", () => {
    const id = ApiKey.composeId(entropyOf(6).slice(0, ApiKey.ID_ENTROPY_BYTES))
    assert.match(id, /^key_[0-9A-Za-z]{12}$/)
  })
})
