import { Effect } from "effect"
import { Database, migrations, MIGRATIONS_TABLE } from "../../platform/postgres/Database.ts"
import { failed, type Finding, ok, warning } from "./Finding.ts"

/**
 * The triggers that keep the rows of a table, and of each partition of it, from being changed, and how each is enabled:
 * `A` for every session, `O` for those that replicate nothing.
 */
export const PROTECTED: Readonly<Record<string, ReadonlyArray<string>>> = {
  api_key: ["kept:A", "locked:A"],
  audit_head: ["immutable:A"],
  audit_node: ["immutable:A"],
  audit_seal: ["immutable:A"],
  conversion_audit: ["immutable:A"],
  exchange_rate: ["immutable:A"],
  latest_rate: ["forward:O"],
  leader: ["forward:A", "kept:A"],
  poll_rate: ["immutable:A"],
  quarantined_rate: ["decided:A", "immutable:A"],
  quote: ["locked:O"],
  setting: ["kept:A", "traced:A"],
  setting_change: ["immutable:A"]
}

/** How many months from now on should have their partitions. */
const MONTHS_AHEAD = 3

/** Whether the schema is the one of this version, which is not changed here. */
export const examine = Effect.gen(function* () {
  const findings = yield* examineMigrations
  if (findings.some(({ status }) => status !== "ok")) return { findings, complete: false }
  return { findings: [...findings, yield* examineProtection, yield* examinePartitions], complete: true }
})

const examineMigrations = Effect.gen(function* () {
  const { sql } = yield* Database
  const [table] = yield* sql<{ name: string | null }>`SELECT to_regclass(${MIGRATIONS_TABLE})::text AS name`
  const applied =
    (table?.name ?? null) === null
      ? []
      : yield* sql<{ id: number; name: string }>`
          SELECT migration_id AS id, name FROM ${sql(MIGRATIONS_TABLE)} ORDER BY migration_id`
  const ours = (yield* migrations).map(([id, name]) => ({ id, name }))
  return compare(ours, applied)
})

interface Migration {
  readonly id: number
  readonly name: string
}

const compare = (
  ours: ReadonlyArray<Migration>,
  applied: ReadonlyArray<Migration>
): ReadonlyArray<Finding> => {
  const last = applied.at(-1)?.id ?? 0
  const isApplied = ({ id }: Migration) => applied.some((other) => other.id === id)
  const missing = ours.filter((one) => !isApplied(one))
  const skipped = missing.filter(({ id }) => id < last)
  const waiting = missing.filter(({ id }) => id > last)
  const unknown = applied.filter(({ id, name }) => !ours.some((one) => one.id === id && one.name === name))
  const findings = [
    ...told(unknown, (names) =>
      failed(
        "migrations",
        `the database has ${names}, which this effex does not know`,
        "Run the effex that applied it, or a newer one"
      )
    ),
    ...told(skipped, (names) =>
      failed(
        "migrations",
        `${names} was passed over, and will not be applied any more`,
        "Restore the database from before that, or ask for help: the schema is not one that effex knows"
      )
    ),
    ...told(waiting, (names) =>
      warning(
        "migrations",
        `${names} is not applied`,
        "`effex migrate` applies it, and so does the next start"
      )
    )
  ]
  return findings.length > 0 ? findings : [ok("migrations", `all ${ours.length} are applied`)]
}

const told = (some: ReadonlyArray<Migration>, tell: (names: string) => Finding) =>
  some.length === 0
    ? []
    : [tell(some.map(({ id, name }) => `${String(id).padStart(4, "0")}_${name}`).join(", "))]

const examineProtection = Effect.gen(function* () {
  const { sql } = yield* Database
  const tables = yield* sql<{ name: string; parent: string | null; triggers: ReadonlyArray<string> }>`
    SELECT relname::text AS name, (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = pg_class.oid) AS parent,
      ARRAY(
        SELECT tgname::text || ':' || tgenabled::text FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal
      ) AS triggers
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') ORDER BY relname`
  const gone = Object.keys(PROTECTED).filter((table) => !tables.some(({ name }) => name === table))
  const open = tables.filter(({ name, parent, triggers }) =>
    (PROTECTED[parent ?? name] ?? []).some((trigger) => !triggers.includes(trigger))
  )
  const names = [...gone, ...open.map(({ name }) => name)]
  return names.length === 0
    ? ok(
        "protection",
        `what is written for good cannot be changed: ${Object.keys(PROTECTED).length} tables and their partitions`
      )
    : failed(
        "protection",
        `a trigger is missing or disabled, and rows can be changed, of ${names.join(", ")}`,
        "Enable it (ALTER TABLE … ENABLE ALWAYS TRIGGER …), find out who disabled it, and run `effex audit verify`"
      )
})

const examinePartitions = Effect.gen(function* () {
  const { sql } = yield* Database
  const missing = yield* sql<{ name: string }>`
    SELECT format('%s_%s', parent, to_char(month, 'YYYY_MM')) AS name
    FROM (SELECT partrelid::regclass AS parent FROM pg_partitioned_table) AS parents,
      generate_series(
        date_trunc('month', now() AT TIME ZONE 'UTC'),
        date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ${MONTHS_AHEAD - 1}),
        '1 month'
      ) AS month
    WHERE to_regclass(format('%s_%s', parent, to_char(month, 'YYYY_MM'))) IS NULL ORDER BY 1`
  return missing.length === 0
    ? ok("partitions", `there for the next ${MONTHS_AHEAD} months`)
    : warning(
        "partitions",
        `missing: ${missing.map(({ name }) => name).join(", ")}; rows go to the default one meanwhile`,
        "A server that runs makes them once a day: look into its log for why it could not"
      )
})
