import { assert, describe, it } from "@effect/vitest"
import * as Quarantine from "../../web/src/admin/Quarantine.ts"

const jump = { reason: "jump", detail: "", against: "100", allowed: "0.2" } as const

describe("deviation", () => {
  it("is a percentage up to a factor of ten, and a factor beyond it", () => {
    assert.strictEqual(Quarantine.deviation("112.5", "100"), "+12.5%")
    assert.strictEqual(Quarantine.deviation("27.441", "35.7824"), "\u221223.3%")
    assert.strictEqual(Quarantine.deviation("999", "100"), "+899.0%")
    assert.strictEqual(Quarantine.deviation("15280.351515", "1528.0351515"), "× 10")
    assert.strictEqual(Quarantine.deviation("0.0070714", "141.428"), "÷ 20,000")
  })
})

describe("scaleOf", () => {
  it("puts the allowed band into the middle third, on a logarithmic scale", () => {
    const at = (rate: string) => Quarantine.scaleOf({ rate, reasons: [jump] }, undefined)
    assert.closeTo(at("120")?.offered ?? 0, 66.67, 0.01)
    assert.closeTo(at("83.3333333")?.offered ?? 0, 33.33, 0.01)
    assert.closeTo(at("144")?.offered ?? 0, 83.33, 0.01)
    assert.isFalse(at("144")?.isBeyond)
  })

  it("stops at its ends, and says so", () => {
    const far = Quarantine.scaleOf({ rate: "2000000", reasons: [jump] }, undefined)
    assert.deepStrictEqual(far, { offered: 98, isBeyond: true, lastGood: undefined })
    const near = Quarantine.scaleOf({ rate: "0.000001", reasons: [jump] }, undefined)
    assert.deepInclude(near, { offered: 2, isBeyond: true })
  })

  it("marks the last good rate only if it is not the reference", () => {
    assert.isUndefined(Quarantine.scaleOf({ rate: "150", reasons: [jump] }, "100")?.lastGood)
    assert.closeTo(Quarantine.scaleOf({ rate: "150", reasons: [jump] }, "120")?.lastGood ?? 0, 66.67, 0.01)
  })

  it("does not exist for reasons without a limit", () => {
    const inverted = { reason: "inverted", detail: "", against: "100" } as const
    assert.isUndefined(Quarantine.scaleOf({ rate: "0.01", reasons: [inverted] }, "100"))
    assert.strictEqual(Quarantine.referenceOf([inverted, jump]), "100")
    assert.isUndefined(Quarantine.referenceOf([{ reason: "outdated", detail: "" }]))
  })
})
