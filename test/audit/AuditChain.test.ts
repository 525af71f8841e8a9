import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Metric, Option } from "effect"
import type { AuditLog } from "../../src/audit/AuditLog.ts"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import { AuditSigner } from "../../src/audit/AuditSigner.ts"
import { AuditVerifier } from "../../src/audit/AuditVerifier.ts"
import { Conversions } from "../../src/conversion/Conversions.ts"
import * as Receipt from "../../src/audit/Receipt.ts"
import { Receipts } from "../../src/audit/Receipts.ts"
import { UnsealedRecords } from "../../src/audit/UnsealedRecords.ts"
import { Quotes } from "../../src/conversion/Quotes.ts"
import { AuditId, QuoteId } from "../../src/domain/conversion/AuditRecord.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as Metrics from "../../src/platform/telemetry/Metrics.ts"
import * as TestConversions from "../support/TestConversions.ts"

type Services =
  | AuditLog
  | AuditSealer
  | AuditSigner
  | AuditVerifier
  | Conversions
  | Database
  | Quotes
  | Receipts
  | UnsealedRecords

const test = (name: string, body: Effect.Effect<void, unknown, Services>) =>
  it.effect(name, () => Effect.provide(body, TestConversions.layer()))

/** Converts so many times at once, and returns the ids in the order of the audit. */
const convertMany = Effect.fnUntraced(function* (count: number) {
  const conversions = yield* Conversions
  const answers = yield* Effect.all(
    Array.from({ length: count }, (_, i) => conversions.convert(TestConversions.asked(String(i + 1)))),
    { concurrency: "unbounded" }
  )
  return answers.map(({ body }) => AuditId.make(JSON.parse(body).audit_id)).toSorted()
})

const receiptOf = Effect.fnUntraced(function* (id: AuditId) {
  const receipts = yield* Receipts
  const receipt = Option.getOrThrow(yield* receipts.of(id))
  return receipt === "not-yet" ? assert.fail() : receipt
})

/** As the owner of the table, who can switch off what protects it. */
const tamper = Effect.fnUntraced(function* (
  change: (sql: Database["Service"]["sql"]) => Effect.Effect<unknown, unknown>
) {
  const { sql } = yield* Database
  const partitions = yield* sql<{ name: string }>`
    SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'conversion_audit'::regclass`
  for (const { name } of [{ name: "conversion_audit" }, ...partitions]) {
    yield* sql`ALTER TABLE ${sql.literal(name)} DISABLE TRIGGER ALL`
  }
  yield* change(sql)
})

describe("AuditLog.append", () => {
  test(
    "commits together what arrives together",
    Effect.gen(function* () {
      const before = yield* Metric.value(Metrics.auditBatchSize)
      const ids = yield* convertMany(200)
      const after = yield* Metric.value(Metrics.auditBatchSize)
      assert.strictEqual(new Set(ids).size, 200)
      assert.strictEqual(after.sum - before.sum, 200)
      assert.isBelow(after.count - before.count, 20)
    })
  )
})

describe("AuditVerifier.verify", () => {
  test(
    "finds an empty audit, and one with conversions, whole",
    Effect.gen(function* () {
      const verifier = yield* AuditVerifier
      const sealer = yield* AuditSealer
      const signer = yield* AuditSigner
      assert.deepInclude(yield* verifier.verify, { ok: true, records: 0, unsealed: 0 })
      for (const count of [1, 3, 120]) yield* Effect.andThen(convertMany(count), sealer.sealAll)
      yield* convertMany(2)
      const found = yield* verifier.verify
      assert.deepInclude(found, { ok: true, records: 124, unsealed: 2 })
      assert.deepStrictEqual(found.ok ? found.publicKeys.map(String) : [], [String(signer.publicKey)])
    })
  )

  test(
    "finds what was sealed as it was answered to be what is stored, whatever it says",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const verifier = yield* AuditVerifier
      const sealer = yield* AuditSealer
      const unsealed = yield* UnsealedRecords
      yield* sealer.sealAll
      const references = [null, "Überweisung № 7 — ₦", 'a "b", {c} \\ NULL', "null", " x "]
      const answers = yield* Effect.forEach(references, (reference) =>
        conversions.convert({ ...TestConversions.asked("12.5"), reference })
      )
      yield* Effect.yieldNow
      const ids = answers.map(({ body }) => AuditId.make(JSON.parse(body).audit_id))
      assert.isTrue(ids.every((id) => unsealed.find(id) !== undefined))
      assert.strictEqual(yield* sealer.sealAll, references.length)
      assert.isTrue(ids.every((id) => unsealed.find(id) === undefined))
      assert.deepInclude(yield* verifier.verify, { ok: true, records: references.length, unsealed: 0 })
    })
  )

  test(
    "finds the audit whole where a quote was named in capitals",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const quotes = yield* Quotes
      const verifier = yield* AuditVerifier
      const sealer = yield* AuditSealer
      yield* sealer.sealAll
      const asked = TestConversions.asked("12.5")
      const { id } = yield* quotes.create(asked, Duration.minutes(1))
      const capitals = QuoteId.make(id.toUpperCase())
      const { body } = yield* conversions.convert({ ...asked, quoteId: capitals })
      assert.strictEqual(JSON.parse(body).quote_id, id)
      yield* Effect.yieldNow
      yield* sealer.sealAll
      assert.deepInclude(yield* verifier.verify, { ok: true, records: 1 })
    })
  )

  test(
    "names a record whose time is none any more",
    Effect.gen(function* () {
      const verifier = yield* AuditVerifier
      const sealer = yield* AuditSealer
      const ids = yield* convertMany(3)
      yield* sealer.sealAll
      yield* tamper((sql) => sql`UPDATE conversion_audit SET converted_at = 'infinity' WHERE id = ${ids[1]}`)
      assert.deepInclude(yield* verifier.verify, { ok: false, position: 2, auditId: ids[1] })
    })
  )

  test(
    "notices what was changed between its answer and its seal",
    Effect.gen(function* () {
      const verifier = yield* AuditVerifier
      const sealer = yield* AuditSealer
      yield* sealer.sealAll
      const [victim] = yield* convertMany(1)
      yield* tamper((sql) => sql`UPDATE conversion_audit SET reference = 'changed' WHERE id = ${victim}`)
      yield* sealer.sealAll
      assert.deepInclude(yield* verifier.verify, {
        ok: false,
        position: 1,
        reason: "its record is not what was sealed"
      })
    })
  )

  test(
    "finds the audit whole where a seal was refused, and made again from the database",
    Effect.gen(function* () {
      const verifier = yield* AuditVerifier
      const sealer = yield* AuditSealer
      const unsealed = yield* UnsealedRecords
      const { sql } = yield* Database
      yield* sealer.sealAll
      const ids = yield* convertMany(3)
      yield* sql`ALTER TABLE audit_seal ADD CONSTRAINT refused CHECK (position < 2)`
      assert.isTrue(Exit.isFailure(yield* Effect.exit(sealer.sealAll)))
      assert.isTrue(ids.every((id) => unsealed.find(id) === undefined))
      yield* sql`ALTER TABLE audit_seal DROP CONSTRAINT refused`
      assert.strictEqual(yield* sealer.sealAll, 3)
      assert.deepInclude(yield* verifier.verify, { ok: true, records: 3, unsealed: 0 })
    })
  )

  test(
    "names the record of which one output was changed",
    Effect.gen(function* () {
      const verifier = yield* AuditVerifier
      const sealer = yield* AuditSealer
      const ids = yield* convertMany(30)
      yield* sealer.sealAll
      const victim = ids[17] ?? assert.fail()
      yield* tamper(
        (sql) => sql`
          UPDATE conversion_audit SET output_amount = output_amount - 1, residual = residual + 1 WHERE id = ${victim}`
      )
      assert.deepInclude(yield* verifier.verify, {
        ok: false,
        records: 17,
        position: 18,
        auditId: victim,
        reason: "its record is not what was sealed"
      })
    })
  )

  test(
    "notices a record that is gone, one that came in by another way, and a seal that was rewritten",
    Effect.gen(function* () {
      const verifier = yield* AuditVerifier
      const sealer = yield* AuditSealer
      const { sql } = yield* Database
      const ids = yield* convertMany(5)
      yield* sealer.sealAll
      const stranger = AuditId.make("01980000-0000-7000-8000-000000000001")
      yield* sql`
        INSERT INTO conversion_audit SELECT ${stranger}::uuid, source_currency, destination_currency, amount_type,
          input_amount, output_amount, mid_rate, margin, rate, exact_output, residual, rate_id, provider,
          rate_fetched_at, stale, reference, principal, quote_id, converted_at
        FROM conversion_audit WHERE id = ${ids[0]}`
      assert.deepInclude(yield* verifier.verify, { ok: false, records: 5, auditId: stranger })

      yield* tamper((owner) => owner`DELETE FROM conversion_audit WHERE id = ${ids[3]}`)
      assert.deepInclude(yield* verifier.verify, { ok: false, position: 4, reason: "its record is gone" })

      yield* sql`ALTER TABLE audit_seal DISABLE TRIGGER ALL`
      yield* sql`UPDATE audit_seal SET prev_hash = hash WHERE position = 2`
      assert.deepInclude(yield* verifier.verify, {
        ok: false,
        position: 2,
        reason: "it does not follow the one before"
      })
    })
  )

  test(
    "notices heads of a longer audit than there is",
    Effect.gen(function* () {
      const verifier = yield* AuditVerifier
      const sealer = yield* AuditSealer
      const { sql } = yield* Database
      yield* Effect.andThen(convertMany(3), sealer.sealAll)
      yield* sql`ALTER TABLE audit_seal DISABLE TRIGGER ALL`
      yield* sql`DELETE FROM audit_seal WHERE position = 3`
      const found = yield* verifier.verify
      assert.deepInclude(found, { ok: false, records: 2 })
      assert.include(found.ok ? "" : found.reason, "speaks of 3 records")
    })
  )
})

describe("Receipts", () => {
  test(
    "prove every record offline, under its own key only",
    Effect.gen(function* () {
      const sealer = yield* AuditSealer
      const { publicKey } = yield* AuditSigner
      const ids = [...(yield* convertMany(6)), ...(yield* Effect.andThen(sealer.sealAll, convertMany(7)))]
      for (const id of ids) {
        const receipt = yield* receiptOf(id)
        assert.strictEqual(receipt.record.audit_id, id)
        const parsed: Receipt.Receipt = JSON.parse(JSON.stringify(receipt))
        assert.deepStrictEqual(Receipt.faultOf(parsed, publicKey), Option.none())
        assert.isTrue(Option.isSome(Receipt.faultOf(parsed, Buffer.alloc(32, 1))))
        const changed = { ...parsed, record: { ...parsed.record, output_amount: "1.00" } }
        assert.isTrue(Option.isSome(Receipt.faultOf(changed, publicKey)))
        const moved = { ...parsed, position: parsed.position + 1 }
        assert.isTrue(Option.isSome(Receipt.faultOf(moved, publicKey)))
      }
    })
  )

  test(
    "from before a record was changed still hold, and one for the changed record does not",
    Effect.gen(function* () {
      const { publicKey } = yield* AuditSigner
      const ids = yield* convertMany(9)
      const victim = ids[4] ?? assert.fail()
      const before = yield* receiptOf(victim)
      const other = yield* receiptOf(ids[5] ?? assert.fail())
      yield* tamper(
        (sql) => sql`
          UPDATE conversion_audit SET output_amount = output_amount - 1, residual = residual + 1 WHERE id = ${victim}`
      )
      const after = yield* receiptOf(victim)
      assert.deepStrictEqual(Receipt.faultOf(before, publicKey), Option.none())
      assert.deepStrictEqual(Receipt.faultOf(other, publicKey), Option.none())
      assert.isTrue(Option.isSome(Receipt.faultOf(after, publicKey)))
    })
  )

  test(
    "give the signed heads in order",
    Effect.gen(function* () {
      const receipts = yield* Receipts
      const sealer = yield* AuditSealer
      for (const count of [2, 3]) yield* Effect.andThen(convertMany(count), sealer.sealAll)
      const heads = yield* receipts.headsAfter(0, 10)
      assert.deepStrictEqual(
        heads.map(({ treeSize }) => treeSize),
        [2, 5]
      )
      assert.strictEqual((yield* receipts.headsAfter(2, 10)).length, 1)
    })
  )
})
