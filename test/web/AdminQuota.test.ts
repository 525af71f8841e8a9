import { assert, describe, it } from "@effect/vitest"
import * as Quota from "../../web/src/admin/Quota.ts"

describe("Quota", () => {
  it("reads intervals as the server writes them", () => {
    assert.deepStrictEqual(Quota.parseInterval("10 minutes"), { count: 10, unit: "minutes" })
    assert.deepStrictEqual(Quota.parseInterval("1 hour"), { count: 1, unit: "hours" })
    for (const text of ["off", "10", "ten minutes", "1.5 hours", "500 millis", ""])
      assert.isUndefined(Quota.parseInterval(text), text)
    assert.strictEqual(Quota.secondsOf({ count: 2, unit: "days" }), 172_800)
  })

  it("counts a request per pair, or per base for providers of whole tables", () => {
    const subject = { provider: "flutterwave", pairs: 44, bases: 4 }
    assert.deepStrictEqual(Quota.quotaOf(600, subject), { perPoll: 44, perDay: 6336, perMonth: 190_080 })
    assert.deepStrictEqual(Quota.quotaOf(3600, { ...subject, provider: "fixer" }), {
      perPoll: 4,
      perDay: 96,
      perMonth: 2880
    })
  })

  it("costs nothing while polling is off", () => {
    const { perDay, perMonth } = Quota.quotaOf(null, { provider: "flutterwave", pairs: 44, bases: 4 })
    assert.deepStrictEqual([perDay, perMonth], [0, 0])
  })
})
