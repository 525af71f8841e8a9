import { Effect } from "effect"
import { Database } from "../../platform/postgres/Database.ts"
import { MIGRATIONS_TABLE, migrations } from "../../platform/postgres/Migrations.ts"
import { failed, type CheckResult, ok, warning } from "./CheckResult.ts"

/**
 * Triggers that make the rows of a table and of its partitions immutable, with the state of each in `pg_trigger`: `A`
 * fires in every session, `O` in sessions that do not replicate.
 */
export const IMMUTABILITY_TRIGGERS: Readonly<Record<string, ReadonlyArray<string>>> = {
  admin_action: ["immutable:A"],
  api_key: ["kept:A", "locked:A"],
  app_user: ["guarded:A", "kept:A"],
  archived_partition: ["guarded:A"],
  asset: ["checked:A", "kept:A", "traced:A"],
  asset_change: ["immutable:A"],
  audit_head: ["immutable:A"],
  audit_key_rotation: ["immutable:A"],
  audit_node: ["immutable:A"],
  audit_seal: ["immutable:A"],
  conversion_audit: ["immutable:A"],
  customer_order: [
    "guarded:A",
    "held:A",
    "kept:A",
    "placed:A",
    "recorded:A",
    "released:A",
    "reviewed:A",
    "settled:A",
    "started:A"
  ],
  database_identity: ["immutable:A"],
  exchange_rate: ["immutable:A", "present:O"],
  funding_request: ["checked:A", "guarded:A", "kept:A"],
  latest_rate: ["forward:O"],
  leader: ["forward:A", "kept:A"],
  ledger_account: ["entered:A", "fixed:A", "kept:A", "opened:A"],
  ledger_adjustment: ["guarded:A", "kept:A"],
  ledger_entry: ["balanced:A", "immutable:A"],
  ledger_hold: ["immutable:A", "opened:A"],
  ledger_hold_end: ["ended:A", "immutable:A"],
  ledger_outcome: ["fixed:A"],
  ledger_transfer: ["immutable:A"],
  mfa: ["guarded:A"],
  order_event: ["immutable:A", "true_event:A"],
  poll_rate: ["immutable:A"],
  quarantined_rate: ["decided:A", "immutable:A"],
  quote: ["locked:O"],
  recovery_code: ["guarded:A"],
  refresh_token: ["guarded:A"],
  reserved_code: ["kept:A"],
  risk_decision: ["immutable:A"],
  risk_review: ["immutable:A"],
  risk_review_end: ["decided:A", "immutable:A"],
  security_event: ["immutable:A", "numbered:A"],
  session: ["guarded:A", "of_unlocked_user:O"],
  setting: ["kept:A", "traced:A"],
  setting_change: ["immutable:A"],
  settlement_batch: ["guarded:A", "kept:A", "recorded:A", "whole:A"],
  settlement_event: ["immutable:A", "true_event:A"],
  wallet: ["immutable:A"],
  withdrawn_rate: ["immutable:A"]
}

/** Number of months, starting with the current one, that need partitions. */
const PARTITION_MONTHS = 3

/** Checks that the schema is the one of this version, without changing it. */
export const run = Effect.gen(function* () {
  const results = yield* checkMigrations
  if (results.some(({ status }) => status !== "ok")) return { results, complete: false }
  return { results: [...results, yield* checkTriggers, yield* checkPartitions], complete: true }
})

const checkMigrations = Effect.gen(function* () {
  const { sql } = yield* Database
  const [table] = yield* sql<{ name: string | null }>`SELECT to_regclass(${MIGRATIONS_TABLE})::text AS name`
  const applied =
    (table?.name ?? null) === null
      ? []
      : yield* sql<{ id: number; name: string }>`
          SELECT migration_id AS id, name FROM ${sql(MIGRATIONS_TABLE)} ORDER BY migration_id`
  const expected = (yield* migrations).map(([id, name]) => ({ id, name }))
  return compareMigrations(expected, applied)
})

interface Migration {
  readonly id: number
  readonly name: string
}

const compareMigrations = (
  expected: ReadonlyArray<Migration>,
  applied: ReadonlyArray<Migration>
): ReadonlyArray<CheckResult> => {
  const last = applied.at(-1)?.id ?? 0
  const isApplied = ({ id }: Migration) => applied.some((other) => other.id === id)
  const missing = expected.filter((migration) => !isApplied(migration))
  const skipped = missing.filter(({ id }) => id < last)
  const pending = missing.filter(({ id }) => id > last)
  const unknown = applied.filter(
    ({ id, name }) => !expected.some((other) => other.id === id && other.name === name)
  )
  const results = [
    ...describeAll(unknown, (names) =>
      failed(
        "migrations",
        `the database has ${names}, which this version of effex does not support`,
        "Run the version of effex that applied it, or a newer one"
      )
    ),
    ...describeAll(skipped, (names) =>
      failed(
        "migrations",
        `${names} was skipped and will not be applied`,
        "Restore an earlier backup, or ask for help; effex does not support this schema"
      )
    ),
    ...describeAll(pending, (names) =>
      warning(
        "migrations",
        `${names} is not applied`,
        "Run `effex migrate`; the next start applies it as well"
      )
    )
  ]
  return results.length > 0 ? results : [ok("migrations", `all ${expected.length} are applied`)]
}

const describeAll = (migrations: ReadonlyArray<Migration>, toResult: (names: string) => CheckResult) =>
  migrations.length === 0
    ? []
    : [toResult(migrations.map(({ id, name }) => `${String(id).padStart(4, "0")}_${name}`).join(", "))]

const checkTriggers = Effect.gen(function* () {
  const { sql } = yield* Database
  const tables = yield* sql<{ name: string; parent: string | null; triggers: ReadonlyArray<string> }>`
    SELECT relname::text AS name, (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = pg_class.oid) AS parent,
      ARRAY(
        SELECT tgname::text || ':' || tgenabled::text FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal
      ) AS triggers
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') ORDER BY relname`
  const missing = Object.keys(IMMUTABILITY_TRIGGERS).filter(
    (table) => !tables.some(({ name }) => name === table)
  )
  const unprotected = tables.filter(({ name, parent, triggers }) =>
    (IMMUTABILITY_TRIGGERS[parent ?? name] ?? []).some((trigger) => !triggers.includes(trigger))
  )
  const names = [...missing, ...unprotected.map(({ name }) => name)]
  return names.length === 0
    ? ok(
        "protection",
        `rows are immutable in ${Object.keys(IMMUTABILITY_TRIGGERS).length} tables and their partitions`
      )
    : failed(
        "protection",
        `an immutability trigger is missing or disabled on ${names.join(", ")}`,
        "Enable it with ALTER TABLE … ENABLE ALWAYS TRIGGER …, find out who disabled it, and run `effex audit verify`"
      )
})

const checkPartitions = Effect.gen(function* () {
  const { sql } = yield* Database
  const missing = yield* sql<{ name: string }>`
    SELECT format('%s_%s', parent, to_char(month, 'YYYY_MM')) AS name
    FROM (SELECT partrelid::regclass AS parent FROM pg_partitioned_table) AS parents,
      generate_series(
        date_trunc('month', now() AT TIME ZONE 'UTC'),
        date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ${PARTITION_MONTHS - 1}),
        '1 month'
      ) AS month
    WHERE to_regclass(format('%s_%s', parent, to_char(month, 'YYYY_MM'))) IS NULL ORDER BY 1`
  return missing.length === 0
    ? ok("partitions", `present for the next ${PARTITION_MONTHS} months`)
    : warning(
        "partitions",
        `missing: ${missing.map(({ name }) => name).join(", ")}; until then rows go to the default partition`,
        "A running server creates them once a day; check its log for the error"
      )
})
