import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import { AuditLog } from "../../src/audit/AuditLog.ts"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import { AuditSigner } from "../../src/audit/AuditSigner.ts"
import { AuditVerifier } from "../../src/audit/AuditVerifier.ts"
import { findFault } from "../../src/audit/Receipt.ts"
import { Receipts } from "../../src/audit/Receipts.ts"
import { UnsealedRecords } from "../../src/audit/UnsealedRecords.ts"
import * as CommittedConversion from "../../src/conversion/CommittedConversion.ts"
import { Conversions } from "../../src/conversion/Conversions.ts"
import { Quotes } from "../../src/conversion/Quotes.ts"
import { formatPrice } from "../../src/domain/conversion/PricedConversion.ts"
import * as Currency from "../../src/domain/money/Currency.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { conversionRequest } from "../support/ConversionRequests.ts"
import { pairOf } from "../support/RateTicks.ts"
import * as TestConversions from "../support/TestConversions.ts"
import { rate, TestProvider } from "../support/TestProvider.ts"

/** Changes the minor unit of a currency, as an amendment of ISO 4217 does, until the scope closes. */
const amendMinorUnit = (code: string, minorUnit: number) => {
  const currency = Currency.get(Currency.CurrencyCode.make(code))
  const set = (value: number) => Effect.sync(() => Object.assign(currency, { minorUnit: value }))
  const before = currency.minorUnit
  return Effect.acquireRelease(set(minorUnit), () => set(before))
}

const verify = Effect.flatMap(AuditVerifier, (verifier) => verifier.verify)
const sealAll = Effect.flatMap(AuditSealer, (sealer) => sealer.sealAll)

layer(TestConversions.layer())("After ISO 4217 changes a minor unit", (it) => {
  describe("the audit", () => {
    for (const [code, minorUnit, quoted, afterwards] of [
      ["UGX", 2, "3731", "3731.25"],
      ["NGN", 0, "3731.25", "3731"]
    ] as const) {
      it.effect(`keeps the digits of ${code} as they were hashed, and stays valid`, () =>
        Effect.gen(function* () {
          const conversions = yield* Conversions
          const quotes = yield* Quotes
          const audit = yield* AuditLog
          const receipts = yield* Receipts
          const unsealed = yield* UnsealedRecords
          const { publicKey } = yield* AuditSigner
          yield* (yield* TestProvider).respondWith(rate("1500"))
          const request = (over: Parameters<typeof conversionRequest>[1] = {}) =>
            conversionRequest("2.5", { pair: pairOf("USD", code), ...over })
          const sealed = yield* conversions.convert(request({ idempotencyKey: code }))
          yield* sealAll
          const unsealedBefore = yield* conversions.convert(request())
          unsealed.clear()
          const quote = yield* quotes.create(request(), Duration.minutes(5))
          const other = yield* quotes.create(request(), Duration.minutes(5))

          yield* amendMinorUnit(code, minorUnit)
          const withQuote = yield* conversions.convert(request({ quoteId: quote.id }))
          const replayed = yield* conversions.convert(request({ idempotencyKey: code }))
          const next = yield* conversions.convert(request())
          assert.strictEqual(
            formatPrice((yield* quotes.byId(other.id, ["tester"])).priced).output_amount,
            quoted
          )
          assert.strictEqual(CommittedConversion.toJson(replayed), CommittedConversion.toJson(sealed))
          yield* sealAll
          for (const [{ conversion }, digits] of [
            [sealed, quoted],
            [unsealedBefore, quoted],
            [withQuote, quoted],
            [replayed, quoted],
            [next, afterwards]
          ] as const) {
            assert.strictEqual(conversion.output_amount, digits)
            const id = conversion.audit_id
            assert.strictEqual(Option.getOrThrow(yield* audit.byId(id)).output_amount, digits)
            const receipt = Option.getOrThrow(yield* receipts.find(id))
            if (receipt === "unsealed") return assert.fail()
            assert.strictEqual(receipt.record.output_amount, digits)
            assert.deepStrictEqual(findFault(receipt, publicKey), Option.none())
          }
          assert.deepInclude(yield* verify, { ok: true, unsealed: 0 })
        }).pipe(
          Effect.scoped,
          Effect.andThen(verify),
          Effect.map(({ ok }) => assert.isTrue(ok))
        )
      )
    }
  })

  describe("a quote of version 0.1.0, which has no decimals", () => {
    it.effect("is answered with the decimals of today's minor unit", () =>
      Effect.gen(function* () {
        const quotes = yield* Quotes
        const { sql } = yield* Database
        yield* (yield* TestProvider).respondWith(rate("1500"))
        const { id } = yield* quotes.create(conversionRequest("500"), Duration.minutes(5))
        yield* sql`ALTER TABLE quote DISABLE TRIGGER locked`
        yield* sql`UPDATE quote SET input_decimals = NULL, output_decimals = NULL WHERE id = ${id}`
        yield* sql`ALTER TABLE quote ENABLE TRIGGER locked`
        assert.deepInclude(formatPrice((yield* quotes.byId(id, ["tester"])).priced), {
          input_amount: "500.00",
          output_amount: "746250.00"
        })
      })
    )
  })
})
