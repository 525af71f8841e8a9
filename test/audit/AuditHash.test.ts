import { assert, describe, it } from "@effect/vitest"
import { chain, encodeRecord, GENESIS } from "../../src/audit/AuditHash.ts"
import { sha256 } from "../../src/audit/CanonicalEncoding.ts"

const record = {
  audit_id: "01980000-0000-7000-8000-000000000001",
  from_currency: "USD",
  to_currency: "NGN",
  input_amount: "500.00",
  output_amount: "746250.00",
  mid_rate: "1500",
  margin: "0.005",
  rate: "1492.5",
  rate_id: "01980000-0000-7000-8000-000000000002",
  provider: "test",
  rate_fetched_at: "2026-01-02T03:04:05.678Z",
  stale: false,
  amount_type: "source",
  exact_output: "746250",
  residual: "0",
  quote_id: null,
  reference: "naïve ☃",
  principal: "tester",
  converted_at: "2026-01-02T03:04:06.000Z"
}

describe("AuditHash", () => {
  it("computes the published hash of a known record", () => {
    assert.strictEqual(
      sha256(encodeRecord(record)).toString("hex"),
      "de3f8eeb9e983263d990c2cc48a9e93f53a766734dd96319f06af4f3b639c65b"
    )
  })

  it("changes the hash when any field of the record changes", () => {
    const hash = chain(GENESIS, encodeRecord(record)).toString("hex")
    for (const field of Object.keys(record)) {
      const changed = encodeRecord({ ...record, [field]: "changed" })
      assert.notStrictEqual(chain(GENESIS, changed).toString("hex"), hash, field)
    }
  })
})
