import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, FileSystem, Layer, PlatformError } from "effect"
import { inspect } from "node:util"
import { CurrencyCode } from "../../../../src/domain/money/Currency.ts"
import { AssetPair } from "../../../../src/domain/money/AssetPair.ts"
import { Archive } from "../../../../src/platform/postgres/archive/Archive.ts"
import * as ArchiveFiles from "../../../../src/platform/postgres/archive/ArchiveFiles.ts"
import * as ArchiveManifest from "../../../../src/platform/postgres/archive/ArchiveManifest.ts"
import * as MonthlyPartitions from "../../../../src/platform/postgres/archive/MonthlyPartitions.ts"
import { Database } from "../../../../src/platform/postgres/Database.ts"
import { RateHistory } from "../../../../src/rates/history/RateHistory.ts"
import * as TestDatabase from "../../../support/TestDatabase.ts"

const live = { excludeTestServices: true }
const services = Layer.mergeAll(Archive.layer, RateHistory.layer).pipe(
  Layer.provideMerge(TestDatabase.layer()),
  Layer.provideMerge(NodeServices.layer)
)

const DAYS = 28
const PAIR = AssetPair.make({ from: CurrencyCode.make("USD"), to: CurrencyCode.make("NGN") })
const January = "exchange_rate_2019_01"
const February = "exchange_rate_2019_02"
const time = (text: string) => DateTime.makeUnsafe(text)

/** Stores one rate per day, in months of the past. */
const store = Effect.fnUntraced(function* (months: ReadonlyArray<string>) {
  const { execute, sql } = yield* Database
  for (const month of months) {
    const start = `${month}-01T00:00:00Z`
    yield* execute(sql`SELECT ensure_monthly_partitions('exchange_rate', ${start}::text::timestamptz, 1)`)
    yield* execute(sql`
      INSERT INTO exchange_rate (id, source_currency, destination_currency, rate, source_amount, destination_amount,
        provider, provider_rate, raw, observed_at, recorded_at)
      SELECT (substring(uuidv7_floor(at)::text FROM 1 FOR 14) || '7' || substring(gen_random_uuid()::text FROM 16))::uuid,
        'USD', 'NGN', 360.123456789012 + day, 1, 360.123456789012 + day, 'archive', '360.10',
        jsonb_build_object('rate', 1.50, 'text', E'a "quoted"\\nline – é'), at, at
      FROM generate_series(0, ${DAYS - 1}) AS day, LATERAL (
        SELECT ${start}::text::timestamptz + make_interval(days => day::int) AS at) AS moment`)
  }
})

const folder = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

const summaryOf = (partition: string) =>
  Effect.flatMap(Database, ({ sql, transaction }) =>
    transaction(Effect.andThen(sql`SET LOCAL TimeZone = 'UTC'`, MonthlyPartitions.summarize(sql, partition)))
  )

const ratesIn = (start: string, end: string) =>
  Effect.flatMap(RateHistory, ({ rows }) =>
    rows({ pair: PAIR, start: time(start), end: time(end) }, undefined, 1000)
  )

layer(services, live)("Archive", (it) => {
  it.effect("exports, detaches, drops and restores a month without losing or changing a row", () =>
    Effect.gen(function* () {
      const archive = yield* Archive
      const { execute, sql } = yield* Database
      const { asOf } = yield* RateHistory
      yield* store(["2019-01", "2019-02", "2019-03"])
      const to = yield* folder
      const before = yield* summaryOf(January)
      const rowsBefore = yield* ratesIn("2019-01-01T00:00:00Z", "2019-04-01T00:00:00Z")
      assert.strictEqual(before.rows, DAYS)

      const manifest = yield* archive.export(January, to)
      assert.deepStrictEqual(manifest.content, before)
      assert.strictEqual(manifest.content.sums["rate"], "10461.456790092336")
      assert.deepStrictEqual(yield* ArchiveFiles.verifyAll(to), [manifest])
      yield* archive.detach(January, to, "cli:test")
      yield* archive.drop(January, to)
      const [dropped] = yield* execute(sql`SELECT to_regclass(${January})::text AS name`)
      assert.deepStrictEqual(dropped, { name: null })
      const months = yield* archive.list
      assert.deepStrictEqual(
        months.slice(0, 2).map(({ partition, state }) => [partition, state]),
        [
          [January, "dropped"],
          [February, "attached"]
        ]
      )

      // Nothing is answered as if the archived month had been empty.
      const refused = yield* Effect.flip(ratesIn("2019-01-15T00:00:00Z", "2019-04-01T00:00:00Z"))
      assert.strictEqual(
        refused.message,
        "Rates before 2019-02-01T00:00:00.000Z are archived; restore them with effex archive"
      )
      const inForce = asOf(PAIR, time("2019-01-20T00:00:00Z"), yield* DateTime.now)
      assert.strictEqual((yield* Effect.flip(inForce))._tag, "RatesArchived")
      assert.strictEqual((yield* ratesIn("1970-01-01T00:00:00Z", "2019-04-01T00:00:00Z")).length, 2 * DAYS)
      const later = yield* Effect.flip(Effect.sandbox(store(["2019-01"])))
      assert.include(inspect(later, { depth: 10 }), "are archived; restore them")

      const restored = yield* archive.restore(January, to)
      assert.strictEqual(restored.content.digest, before.digest)
      assert.deepStrictEqual(yield* summaryOf(January), before)
      assert.deepStrictEqual(yield* ratesIn("2019-01-01T00:00:00Z", "2019-04-01T00:00:00Z"), rowsBefore)
      const change = yield* Effect.flip(
        Effect.sandbox(execute(sql`UPDATE ${sql.literal(January)} SET rate = 1`))
      )
      assert.include(inspect(change, { depth: 10 }), "never changed")
    }).pipe(Effect.scoped)
  )

  it.effect("refuses to detach or drop what was not exported completely", () =>
    Effect.gen(function* () {
      const archive = yield* Archive
      const fs = yield* FileSystem.FileSystem
      const { execute, sql } = yield* Database
      const to = yield* folder
      const refusal = <A, E extends { readonly message: string }, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.map(Effect.flip(effect), ({ message }) => message)
      const detach = archive.detach(January, to, "cli:test")

      assert.match(yield* refusal(detach), /exchange_rate_2019_01.manifest.json: /)
      yield* archive.export(February, to)
      assert.strictEqual(
        yield* refusal(archive.detach(February, to, "cli:test")),
        `${February} is not the oldest month; archive earlier months first`
      )

      yield* archive.export(January, to)
      // A rate that is stored after the export.
      yield* execute(sql`
        INSERT INTO ${sql.literal(January)} SELECT uuidv7_floor('2019-01-31'), 'USD', 'GHS', rate, source_amount,
          destination_amount, provider, provider_rate, derived_from, raw, '2019-01-31', '2019-01-31', 0
        FROM ${sql.literal(January)} LIMIT 1`)
      assert.strictEqual(
        yield* refusal(detach),
        `${January} differs from its archive: rows (28 and 29), sum of rate, sum of source_amount, sum of destination_amount, ids, SHA-256 of the rows. Export it again`
      )

      const manifest = yield* archive.export(January, to)
      const file = `${to}/${manifest.file}`
      const bytes = yield* fs.readFile(file)
      yield* fs.writeFile(file, bytes.slice(0, -20))
      assert.match(yield* refusal(detach), /was changed: its SHA-256 is/)
      yield* fs.writeFile(file, bytes)
      const shorter = { ...manifest, content: { ...manifest.content, rows: 28 } }
      yield* fs.writeFileString(
        `${to}/${ArchiveManifest.manifestNameOf(January)}`,
        yield* ArchiveManifest.encode(shorter)
      )
      assert.strictEqual(yield* refusal(detach), `${manifest.file} does not have the 28 rows of its manifest`)
      assert.strictEqual(yield* refusal(archive.drop(January, to)), yield* refusal(detach))

      yield* archive.export(January, to)
      assert.strictEqual(yield* refusal(archive.drop(January, to)), `${January} is not archived`)
      const [rate] = yield* execute(sql<{ id: string }>`SELECT id::text FROM ${sql.literal(January)} LIMIT 1`)
      yield* execute(sql`
        INSERT INTO latest_rate VALUES ('USD', 'NGN', ${rate?.id ?? ""}::uuid, '2019-01-01')
        ON CONFLICT DO NOTHING`)
      assert.strictEqual(
        yield* refusal(detach),
        `${January} stays: its rates are evidence for rows of latest_rate`
      )
      yield* execute(sql`DELETE FROM latest_rate`)

      yield* detach
      assert.strictEqual(
        yield* refusal(detach),
        `${January} is not an attached month of exchange_rate; \`effex archive list\` prints them`
      )
      // Also a detached month is compared again before it is dropped.
      yield* execute(sql`ALTER TABLE ${sql.literal(January)} DISABLE TRIGGER USER`)
      yield* execute(
        sql`UPDATE ${sql.literal(January)} SET rate = rate + 0.000000000001 WHERE id = ${rate?.id ?? ""}::uuid`
      )
      assert.match(
        yield* refusal(archive.drop(January, to)),
        /differs from its archive: sum of rate, SHA-256/
      )
      assert.match(yield* refusal(archive.restore(January, to)), /differs from its archive/)
    }).pipe(Effect.scoped)
  )

  it.effect("never replaces the archive of another database, which may be the only copy", () =>
    Effect.gen(function* () {
      const archive = yield* Archive
      const fs = yield* FileSystem.FileSystem
      const to = yield* folder
      const manifest = yield* archive.export(February, to)
      const file = yield* fs.readFile(`${to}/${manifest.file}`)
      const other = { ...manifest, database: "0123456789abcdef" }
      yield* fs.writeFileString(
        `${to}/${ArchiveManifest.manifestNameOf(February)}`,
        yield* ArchiveManifest.encode(other)
      )
      assert.strictEqual(
        (yield* Effect.flip(archive.export(February, to))).message,
        `${to} has the archive of ${February} of another database; export to another folder`
      )
      assert.deepStrictEqual(yield* fs.readFile(`${to}/${manifest.file}`), file)
      assert.deepStrictEqual(yield* ArchiveFiles.verifyAll(to), [other])
    }).pipe(Effect.scoped)
  )

  it.effect("flushes the archive to disk before a month is detached or dropped", () =>
    Effect.gen(function* () {
      const archive = yield* Archive
      const fs = yield* FileSystem.FileSystem
      const { execute, sql } = yield* Database
      yield* store(["2019-04"])
      const to = yield* folder
      const flushed: Array<string> = []
      /** Records what is flushed; `failing` is refused by the disk. */
      const recording = (failing?: string) =>
        FileSystem.FileSystem.of({
          ...fs,
          open: (path, options) =>
            Effect.map(fs.open(path, options), (file) =>
              Object.create(file, {
                sync: {
                  value: Effect.suspend(() => {
                    if (path === failing) return Effect.fail(diskFull)
                    flushed.push(path)
                    return file.sync
                  })
                }
              })
            )
        })
      const diskFull = PlatformError.systemError({ _tag: "WriteZero", module: "FileSystem", method: "sync" })
      const withFiles = <A, E, R>(effect: Effect.Effect<A, E, R>, failing?: string) =>
        Effect.provideService(effect, FileSystem.FileSystem, recording(failing))
      const files = [`${to}/${February}.ndjson.gz`, `${to}/${February}.manifest.json`, to]

      yield* withFiles(archive.export(February, to))
      assert.deepStrictEqual(flushed.splice(0), files)
      for (const file of files) {
        const { message } = yield* Effect.flip(withFiles(archive.detach(February, to, "cli:test"), file))
        assert.include(message, `${to} cannot be flushed to disk`)
      }
      flushed.length = 0
      yield* withFiles(archive.detach(February, to, "cli:test"))
      assert.deepStrictEqual(flushed.splice(0), files)
      yield* Effect.flip(withFiles(archive.drop(February, to), to))
      const [kept] = yield* execute(
        sql<{ name: string | null }>`SELECT to_regclass(${February})::text AS name`
      )
      assert.deepStrictEqual(kept, { name: February })
      flushed.length = 0
      yield* withFiles(archive.drop(February, to))
      assert.deepStrictEqual(flushed, files)

      yield* archive.restore(February, to)
      const deep = `${to}/a/b`
      flushed.length = 0
      yield* withFiles(archive.export(February, deep))
      assert.deepStrictEqual(flushed.slice(0, 2), [`${to}/a`, to])
    }).pipe(Effect.scoped)
  )

  it.effect("restores a month after columns were added to the table", () =>
    Effect.gen(function* () {
      const archive = yield* Archive
      const { execute, sql } = yield* Database
      const to = yield* folder
      const period = ["2019-02-01T00:00:00Z", "2019-03-01T00:00:00Z"] as const
      const before = yield* ratesIn(...period)
      assert.strictEqual(before.length, DAYS)
      const noted = Effect.map(
        execute(sql<{ note: string; count: bigint }>`
          SELECT note, count(*) AS count FROM ${sql.literal(February)} GROUP BY note`),
        ([row]) => row
      )

      // Of a month that was dropped.
      yield* archive.export(February, to)
      yield* archive.detach(February, to, "cli:test")
      yield* archive.drop(February, to)
      yield* execute(sql`ALTER TABLE exchange_rate ADD COLUMN note text NOT NULL DEFAULT 'none'`)
      yield* archive.restore(February, to)
      assert.deepStrictEqual(yield* ratesIn(...period), before)
      assert.deepStrictEqual(yield* noted, { note: "none", count: BigInt(DAYS) })

      // An archive without the new column is not complete.
      const { message } = yield* Effect.flip(archive.detach(February, to, "cli:test"))
      assert.strictEqual(
        message,
        `${February} differs from its archive: SHA-256 of the rows. Export it again`
      )

      // Of a month whose detached table does not have the new column.
      yield* archive.export(February, to)
      yield* archive.detach(February, to, "cli:test")
      yield* execute(sql`ALTER TABLE exchange_rate ADD COLUMN weight numeric NOT NULL DEFAULT 1`)
      yield* archive.restore(February, to)
      assert.deepStrictEqual(yield* ratesIn(...period), before)
      assert.deepStrictEqual(yield* noted, { note: "none", count: BigInt(DAYS) })
      const change = yield* Effect.flip(
        Effect.sandbox(execute(sql`UPDATE ${sql.literal(February)} SET rate = 1`))
      )
      assert.include(inspect(change, { depth: 10 }), "never changed")

      // An archive of a newer version.
      yield* archive.export(February, to)
      yield* archive.detach(February, to, "cli:test")
      yield* archive.drop(February, to)
      yield* execute(sql`ALTER TABLE exchange_rate DROP COLUMN weight`)
      assert.strictEqual(
        (yield* Effect.flip(archive.restore(February, to))).message,
        `${February}.ndjson.gz has columns that exchange_rate does not have: weight. Use the newer version of effex`
      )
    }).pipe(Effect.scoped)
  )

  it.effect("knows every column that refers to a rate", () =>
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const rows = yield* execute(sql<{ name: string; column: string }>`
        SELECT relname::text AS name, attname::text AS column
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
          AND atttypid = 'uuid'::regtype AND (attname ~ '(^|_)rate_id$' OR attrelid || '.' || attname IN (
            SELECT conrelid || '.' || attname FROM pg_constraint JOIN pg_attribute AS referring
              ON referring.attrelid = conrelid AND referring.attnum = conkey[1]
            WHERE confrelid = 'exchange_rate'::regclass AND referring.attname = pg_attribute.attname))
        ORDER BY 1, 2`)
      const known = MonthlyPartitions.REFERENCES.map(([table, column]) => `${table}.${column}`).toSorted()
      assert.deepStrictEqual(
        rows.map(({ column, name }) => `${name}.${column}`),
        known
      )
    })
  )
})
