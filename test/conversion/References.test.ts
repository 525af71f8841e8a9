import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { AuditSealer } from "../../src/audit/AuditSealer.ts"
import { Conversions } from "../../src/conversion/Conversions.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { conversionRequest } from "../support/ConversionRequests.ts"
import * as TestConversions from "../support/TestConversions.ts"

/** A rate id of the current month that does not exist. */
const UNKNOWN_RATE_ID = "gen_random_uuid()"

const COLUMNS =
  "source_currency, destination_currency, amount_type, input_amount, output_amount, mid_rate, margin, rate, exact_output, residual, provider, rate_fetched_at, stale, principal, converted_at"

/** Inserts a copy of a conversion into a table, under another id and with an unknown rate. Returns the error. */
const insertWithUnknownRate = Effect.fnUntraced(function* (table: string, id: string) {
  const { sql } = yield* Database
  return yield* Effect.flip(
    sql`
      INSERT INTO ${sql.literal(table)} (id, rate_id, ${sql.literal(COLUMNS)})
      SELECT ${sql.literal(id)}, ${sql.literal(UNKNOWN_RATE_ID)}, ${sql.literal(COLUMNS)} FROM conversion_audit LIMIT 1`
  )
})

const convert = Effect.flatMap(Conversions, (conversions) => conversions.convert(conversionRequest("1")))

layer(TestConversions.layer())("The database", (it) => {
  it.effect("rejects a conversion with an unknown rate, in every partition", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* convert
      yield* sql`SELECT ensure_monthly_partitions('conversion_audit', now() + interval '13 months', 1)`
      const partitions = yield* sql<{ name: string; lower: string | null }>`
        SELECT relid::regclass::text AS name,
          substring(pg_get_expr(relpartbound, relid) FROM $$FROM \\('([^']+)'$$) AS lower
        FROM pg_partition_tree('conversion_audit') JOIN pg_class ON oid = relid WHERE isleaf`
      assert.strictEqual(partitions.length, 14)
      for (const { lower, name } of partitions) {
        const error = yield* insertWithUnknownRate(
          name,
          lower === null ? "'ffffffff-0000-7000-8000-000000000000'" : `'${lower}'`
        )
        assert.match(
          String(error.reason.cause),
          /refers to the rate [0-9a-f-]{36}.*which is not stored/,
          name
        )
      }
      yield* insertWithUnknownRate("conversion_audit", "'ffffffff-0000-7000-8000-000000000000'")
      assert.deepStrictEqual(yield* sql`SELECT count(*)::int AS count FROM conversion_audit`, [{ count: 1 }])
    })
  )

  it.effect("rejects a seal of an unknown conversion", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* convert
      yield* Effect.flatMap(AuditSealer, ({ sealAll }) => sealAll)
      const error = yield* Effect.flip(sql`
        INSERT INTO audit_seal (position, audit_id, prev_hash, hash)
        SELECT position + 1, gen_random_uuid(), hash, sha256(hash) FROM audit_seal ORDER BY position DESC LIMIT 1`)
      assert.match(String(error.reason.cause), /refers to the conversion [0-9a-f-]{36}, which is not there/)
    })
  )
})
