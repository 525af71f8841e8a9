import { assert, describe, layer } from "@effect/vitest"
import { Duration, Effect, Exit, Metric, Option } from "effect"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import { AuditSigner } from "../../src/audit/AuditSigner.ts"
import { AuditVerifier } from "../../src/audit/AuditVerifier.ts"
import * as Receipt from "../../src/audit/Receipt.ts"
import { Receipts } from "../../src/audit/Receipts.ts"
import { UnsealedRecords } from "../../src/audit/UnsealedRecords.ts"
import { Conversions } from "../../src/conversion/Conversions.ts"
import { Quotes } from "../../src/conversion/Quotes.ts"
import { AuditId } from "../../src/domain/conversion/AuditId.ts"
import { QuoteId } from "../../src/domain/conversion/Quote.ts"
import * as AuditMetrics from "../../src/platform/metrics/AuditMetrics.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { conversionRequest } from "../support/ConversionRequests.ts"
import * as TestConversions from "../support/TestConversions.ts"

type Sql = Database["Service"]["sql"]

/** Converts concurrently. Returns the ids in the order in which they will be sealed. */
const convertMany = Effect.fnUntraced(function* (count: number) {
  const conversions = yield* Conversions
  const outcomes = yield* Effect.all(
    Array.from({ length: count }, (_, i) => conversions.convert(conversionRequest(String(i + 1)))),
    { concurrency: "unbounded" }
  )
  return outcomes.map(({ conversion }) => conversion.audit_id).toSorted()
})

const sealAll = Effect.flatMap(AuditSealer, (sealer) => sealer.sealAll)
const verify = Effect.flatMap(AuditVerifier, (verifier) => verifier.verify)
const sealedCount = Effect.map(verify, ({ records }) => records)

/** Seals what earlier tests left, then converts and seals. Returns the ids and the position before them. */
const sealMany = Effect.fnUntraced(function* (count: number) {
  yield* sealAll
  const start = yield* sealedCount
  const ids = yield* convertMany(count)
  yield* sealAll
  return { ids, start }
})

const receiptOf = Effect.fnUntraced(function* (id: AuditId) {
  const receipts = yield* Receipts
  const receipt = Option.getOrThrow(yield* receipts.find(id))
  return receipt === "unsealed" ? assert.fail() : receipt
})

const TABLES = ["conversion_audit", "audit_seal"]

/** Tampers with the audit as the owner of its tables, who can disable their triggers. Restores it after the test. */
const whileTampered = <A, E, R>(
  change: (sql: Sql) => Effect.Effect<unknown, unknown>,
  test: Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const { sql } = yield* Database
    const relations = yield* sql<{ name: string }>`
      SELECT relid::regclass::text AS name FROM unnest(${TABLES}::regclass[]) AS root, pg_partition_tree(root)
      UNION ALL SELECT 'audit_seal'`
    const setTriggers = (state: "DISABLE" | "ENABLE") =>
      Effect.forEach(
        relations,
        ({ name }) => sql`ALTER TABLE ${sql.literal(`${name} ${state} TRIGGER ALL`)}`,
        { discard: true }
      )
    yield* setTriggers("DISABLE")
    for (const table of TABLES) yield* sql`CREATE TABLE ${sql.literal(`original_${table} AS TABLE ${table}`)}`
    const restore = Effect.gen(function* () {
      for (const table of TABLES) {
        yield* sql`DELETE FROM ${sql.literal(table)}`
        yield* sql`INSERT INTO ${sql.literal(`${table} TABLE original_${table}`)}`
        yield* sql`DROP TABLE ${sql.literal(`original_${table}`)}`
      }
      yield* setTriggers("ENABLE")
      assert.isTrue((yield* verify).ok)
    })
    return yield* Effect.andThen(change(sql), test).pipe(Effect.ensuring(Effect.orDie(restore)))
  })

layer(TestConversions.layer())("Audit", (it) => {
  describe("AuditVerifier.verify", () => {
    it.effect("accepts an empty audit, and one with sealed and unsealed conversions", () =>
      Effect.gen(function* () {
        const signer = yield* AuditSigner
        assert.deepInclude(yield* verify, { ok: true, records: 0, unsealed: 0 })
        for (const count of [1, 3, 120]) yield* Effect.andThen(convertMany(count), sealAll)
        yield* convertMany(2)
        const verification = yield* verify
        assert.deepInclude(verification, { ok: true, records: 124, unsealed: 2 })
        assert.deepStrictEqual(verification.ok ? verification.publicKeys.map(String) : [], [
          String(signer.publicKey)
        ])
      })
    )

    it.effect("accepts records that were sealed from memory, with any reference", () =>
      Effect.gen(function* () {
        const conversions = yield* Conversions
        const unsealed = yield* UnsealedRecords
        yield* sealAll
        const start = yield* sealedCount
        const references = [null, "Überweisung № 7 — ₦", 'a "b", {c} \\ NULL', "null", " x "]
        const outcomes = yield* Effect.forEach(references, (reference) =>
          conversions.convert(conversionRequest("12.5", { reference }))
        )
        yield* Effect.yieldNow
        const ids = outcomes.map(({ conversion }) => conversion.audit_id)
        assert.isTrue(ids.every((id) => unsealed.find(id) !== undefined))
        assert.strictEqual(yield* sealAll, references.length)
        assert.isTrue(ids.every((id) => unsealed.find(id) === undefined))
        assert.deepInclude(yield* verify, { ok: true, records: start + references.length, unsealed: 0 })
      })
    )

    it.effect("accepts a conversion whose request spelled the quote id in capitals", () =>
      Effect.gen(function* () {
        const conversions = yield* Conversions
        const quotes = yield* Quotes
        yield* sealAll
        const start = yield* sealedCount
        const request = conversionRequest("12.5")
        const { id } = yield* quotes.create(request, Duration.minutes(1))
        const quoteId = QuoteId.make(id.toUpperCase())
        const { conversion } = yield* conversions.convert({ ...request, quoteId })
        assert.strictEqual(conversion.quote_id, id)
        yield* Effect.yieldNow
        yield* sealAll
        assert.deepInclude(yield* verify, { ok: true, records: start + 1 })
      })
    )

    it.effect("accepts records that were sealed from the database after a failed attempt", () =>
      Effect.gen(function* () {
        const unsealed = yield* UnsealedRecords
        const { sql } = yield* Database
        yield* sealAll
        const start = yield* sealedCount
        const ids = yield* convertMany(3)
        yield* sql`ALTER TABLE audit_seal ADD CONSTRAINT rejected CHECK (position < ${sql.literal(String(start + 2))})`
        assert.isTrue(Exit.isFailure(yield* Effect.exit(sealAll)))
        assert.isTrue(ids.every((id) => unsealed.find(id) === undefined))
        yield* sql`ALTER TABLE audit_seal DROP CONSTRAINT rejected`
        assert.strictEqual(yield* sealAll, 3)
        assert.deepInclude(yield* verify, { ok: true, records: start + 3, unsealed: 0 })
      })
    )

    it.effect("reports a record with a time that is not finite", () =>
      Effect.gen(function* () {
        const { ids, start } = yield* sealMany(3)
        yield* whileTampered(
          (sql) => sql`UPDATE conversion_audit SET converted_at = 'infinity' WHERE id = ${ids[1]}`,
          Effect.gen(function* () {
            assert.deepInclude(yield* verify, { ok: false, position: start + 2, auditId: ids[1] })
          })
        )
      })
    )

    it.effect("reports a record with a changed output amount", () =>
      Effect.gen(function* () {
        const { ids, start } = yield* sealMany(30)
        const victim = ids[17] ?? assert.fail()
        yield* whileTampered(
          (sql) => sql`
            UPDATE conversion_audit SET output_amount = output_amount - 1, residual = residual + 1
            WHERE id = ${victim}`,
          Effect.gen(function* () {
            assert.deepInclude(yield* verify, {
              ok: false,
              records: start + 17,
              position: start + 18,
              auditId: victim,
              reason: "the record differs from the one that was sealed"
            })
          })
        )
      })
    )

    it.effect("reports a deleted record, an untracked record and a rewritten seal", () =>
      Effect.gen(function* () {
        const { ids, start } = yield* sealMany(5)
        const untracked = AuditId.make("01980000-0000-7000-8000-000000000001")
        const insertUntracked = (sql: Sql) => sql`
          INSERT INTO conversion_audit SELECT ${untracked}::uuid, source_currency, destination_currency, amount_type,
            input_amount, output_amount, mid_rate, margin, rate, exact_output, residual, rate_id, provider,
            rate_fetched_at, stale, reference, principal, quote_id, converted_at
          FROM conversion_audit WHERE id = ${ids[0]}`
        yield* whileTampered(
          insertUntracked,
          Effect.gen(function* () {
            const { sql } = yield* Database
            assert.deepInclude(yield* verify, { ok: false, records: start + 5, auditId: untracked })

            yield* sql`DELETE FROM conversion_audit WHERE id = ${ids[3]}`
            assert.deepInclude(yield* verify, {
              ok: false,
              position: start + 4,
              reason: "the record was deleted"
            })

            yield* sql`UPDATE audit_seal SET prev_hash = hash WHERE position = ${start + 2}`
            assert.deepInclude(yield* verify, {
              ok: false,
              position: start + 2,
              reason: "prev_hash is not the hash of the previous record"
            })
          })
        )
      })
    )

    it.effect("reports a signed head that covers more records than there are", () =>
      Effect.gen(function* () {
        const { start } = yield* sealMany(3)
        yield* whileTampered(
          (sql) => sql`DELETE FROM audit_seal WHERE position = ${start + 3}`,
          Effect.gen(function* () {
            const verification = yield* verify
            assert.deepInclude(verification, { ok: false, records: start + 2 })
            assert.include(verification.ok ? "" : verification.reason, `covers ${start + 3} records`)
          })
        )
      })
    )
  })

  describe("AuditLog.append", () => {
    it.effect("batches concurrent appends", () =>
      Effect.gen(function* () {
        const before = yield* Metric.value(AuditMetrics.batchSize)
        const ids = yield* convertMany(200)
        const after = yield* Metric.value(AuditMetrics.batchSize)
        assert.strictEqual(new Set(ids).size, 200)
        assert.strictEqual(after.sum - before.sum, 200)
        assert.isBelow(after.count - before.count, 20)
      })
    )
  })

  describe("Receipts", () => {
    it.effect("prove each record offline, but only with the right key", () =>
      Effect.gen(function* () {
        const { publicKey } = yield* AuditSigner
        const { ids: sealedIds } = yield* sealMany(6)
        for (const id of [...sealedIds, ...(yield* convertMany(7))]) {
          const receipt = yield* receiptOf(id)
          assert.strictEqual(receipt.record.audit_id, id)
          const parsed: Receipt.Receipt = JSON.parse(JSON.stringify(receipt))
          assert.deepStrictEqual(Receipt.findFault(parsed, publicKey), Option.none())
          assert.isTrue(Option.isSome(Receipt.findFault(parsed, Buffer.alloc(32, 1))))
          const changed = { ...parsed, record: { ...parsed.record, output_amount: "1.00" } }
          assert.isTrue(Option.isSome(Receipt.findFault(changed, publicKey)))
          const moved = { ...parsed, position: parsed.position + 1 }
          assert.isTrue(Option.isSome(Receipt.findFault(moved, publicKey)))
        }
      })
    )

    it.effect("stay valid after a record is changed; a new receipt for that record is invalid", () =>
      Effect.gen(function* () {
        const { publicKey } = yield* AuditSigner
        const { ids } = yield* sealMany(9)
        const victim = ids[4] ?? assert.fail()
        const before = yield* receiptOf(victim)
        const other = yield* receiptOf(ids[5] ?? assert.fail())
        yield* whileTampered(
          (sql) => sql`
            UPDATE conversion_audit SET output_amount = output_amount - 1, residual = residual + 1
            WHERE id = ${victim}`,
          Effect.gen(function* () {
            const after = yield* receiptOf(victim)
            assert.deepStrictEqual(Receipt.findFault(before, publicKey), Option.none())
            assert.deepStrictEqual(Receipt.findFault(other, publicKey), Option.none())
            assert.isTrue(Option.isSome(Receipt.findFault(after, publicKey)))
          })
        )
      })
    )

    it.effect("list the signed heads in order", () =>
      Effect.gen(function* () {
        const receipts = yield* Receipts
        const { start } = yield* sealMany(2)
        yield* Effect.andThen(convertMany(3), sealAll)
        const heads = yield* receipts.headsAfter(start, 10)
        assert.deepStrictEqual(
          heads.map(({ treeSize }) => treeSize),
          [start + 2, start + 5]
        )
        assert.strictEqual((yield* receipts.headsAfter(start + 2, 10)).length, 1)
      })
    )
  })
})

layer(TestConversions.layer())("An audit with a record that was changed before it was sealed", (it) => {
  it.effect("is reported as broken, although it was sealed", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* sealAll
      const [victim] = yield* convertMany(1)
      const partitions = yield* sql<{ name: string }>`
        SELECT relid::regclass::text AS name FROM pg_partition_tree('conversion_audit')`
      for (const { name } of partitions) yield* sql`ALTER TABLE ${sql.literal(name)} DISABLE TRIGGER ALL`
      yield* sql`UPDATE conversion_audit SET reference = 'changed' WHERE id = ${victim}`
      yield* sealAll
      assert.deepInclude(yield* verify, {
        ok: false,
        position: 1,
        reason: "the record differs from the one that was sealed"
      })
    })
  )
})
