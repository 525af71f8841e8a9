import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import { AuditVerifier } from "../../src/audit/AuditVerifier.ts"
import { Conversions } from "../../src/conversion/Conversions.ts"
import { conversionRequest } from "../support/ConversionRequests.ts"
import * as TestConversions from "../support/TestConversions.ts"

const ROUNDS = 20

const convertMany = Effect.fnUntraced(function* (count: number) {
  const conversions = yield* Conversions
  const convert = conversions.convert(conversionRequest("500"))
  yield* Effect.all(
    Array.from({ length: count }, () => convert),
    { concurrency: "unbounded" }
  )
})

describe("AuditVerifier.verify", () => {
  it.live(
    "reports no fault while records are sealed concurrently",
    () =>
      Effect.gen(function* () {
        const sealer = yield* AuditSealer
        const verifier = yield* AuditVerifier
        yield* Effect.andThen(convertMany(800), sealer.sealAll)
        yield* Effect.forkChild(Effect.forever(Effect.andThen(convertMany(1), sealer.sealAll)))
        let records = 0
        for (let round = 1; round <= ROUNDS; round++) {
          const verification = yield* verifier.verify
          assert.isTrue(verification.ok, verification.ok ? "" : verification.reason)
          assert.isAtLeast(verification.records, records)
          records = verification.records
        }
        assert.isAbove(records, 800)
      }).pipe(Effect.provide(TestConversions.layer())),
    30_000
  )
})
