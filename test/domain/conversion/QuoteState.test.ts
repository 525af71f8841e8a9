import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { AuditId } from "../../../src/domain/conversion/AuditId.ts"
import { stateAt } from "../../../src/domain/conversion/QuoteState.ts"

const expiresAt = DateTime.makeUnsafe("2026-11-21T12:00:00.000Z")
const before = DateTime.subtract(expiresAt, { milliseconds: 1 })
const after = DateTime.add(expiresAt, { milliseconds: 1 })

describe("stateAt", () => {
  it("is open before the expiry, and expired from then on", () => {
    const quote = { expiresAt, usedBy: null }
    assert.deepStrictEqual(
      [before, expiresAt, after].map((now) => stateAt(quote, now)),
      ["open", "expired", "expired"]
    )
  })

  it("is used once a conversion has used the quote, also after the expiry", () => {
    const quote = { expiresAt, usedBy: AuditId.make("01980000-0000-7000-8000-000000000000") }
    assert.deepStrictEqual(
      [before, after].map((now) => stateAt(quote, now)),
      ["used", "used"]
    )
  })
})
