import { NodeServices } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Array, Duration, Effect, FileSystem, Layer, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { spawnSync } from "node:child_process"
import * as EmbeddedPostgres from "../../../src/platform/postgres/EmbeddedPostgres.ts"

const services = Layer.merge(NodeServices.layer, Reactivity.layer)

const inFolder = <A, E>(
  use: (
    folder: string
  ) => Effect.Effect<A, E, FileSystem.FileSystem | Reactivity.Reactivity | NodeServices.NodeServices>
) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const folder = yield* fs.makeTempDirectoryScoped({ prefix: "effex embedded'test-" })
    return yield* use(folder)
  }).pipe(Effect.scoped, Effect.provide(services))

const query = (connection: EmbeddedPostgres.Connection, statement: string) =>
  PgClient.makeClient({ ...connection, connectTimeout: "2 seconds" }).pipe(
    Effect.flatMap((sql) => sql.unsafe<{ value: unknown }>(statement)),
    Effect.map((rows) => rows[0]?.value),
    Effect.scoped
  )

const postmasterPid = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* fs.readFileString(`${folder}/postgres/postmaster.pid`)
  return Number(text.split("\n")[0])
})

const isGone = (connection: EmbeddedPostgres.Connection) =>
  Effect.flip(query(connection, "SELECT 1 AS value"))

describe("EmbeddedPostgres.acquire", () => {
  it.live("makes a database, stops it with the scope, and finds the data again", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const first = yield* Effect.scoped(
          Effect.gen(function* () {
            const connection = yield* EmbeddedPostgres.acquire(folder)
            yield* query(connection, "CREATE TABLE kept AS SELECT 42 AS value")
            return connection
          })
        )
        yield* isGone(first)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const connection = yield* EmbeddedPostgres.acquire(folder)
            assert.strictEqual(yield* query(connection, "SELECT value FROM kept"), 42)
          })
        )
      })
    )
  )

  it.live("is shared by those who use a folder at once, and stopped by the last who leaves", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const held = yield* Effect.scoped(
          Effect.gen(function* () {
            const connections = yield* Effect.all(
              [EmbeddedPostgres.acquire(folder), EmbeddedPostgres.acquire(folder)],
              {
                concurrency: 2
              }
            )
            assert.deepStrictEqual(connections[0], connections[1])
            const sql = yield* PgClient.makeClient(connections[0])
            yield* Effect.scoped(EmbeddedPostgres.acquire(folder))
            assert.deepStrictEqual(yield* sql`SELECT 1 AS value`, [{ value: 1 }])
            return connections[0]
          })
        )
        yield* isGone(held)
      })
    )
  )

  it.live(
    "is started once by all who come at about the same time, and takes nobody's mark away",
    () =>
      inFolder((folder) =>
        Effect.gen(function* () {
          for (let round = 0; round < 8; round++) {
            const arrivals = Array.range(0, 3).map((i) =>
              Effect.delay(EmbeddedPostgres.acquire(folder), Duration.millis(i * round))
            )
            yield* Effect.gen(function* () {
              yield* Effect.all(arrivals, { concurrency: "unbounded" })
              const fs = yield* FileSystem.FileSystem
              assert.isTrue(yield* fs.exists(`${folder}/postgres/postmaster.pid`))
            }).pipe(Effect.scoped)
          }
        })
      ),
    120_000
  )

  it.live("starts anew when it is killed, and loses nothing that was committed", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const connection = yield* EmbeddedPostgres.acquire(folder)
        yield* query(connection, "CREATE TABLE kept AS SELECT 7 AS value")
        const pid = yield* postmasterPid(folder)
        process.kill(pid, "SIGKILL")
        const value = yield* query(connection, "SELECT value FROM kept").pipe(
          Effect.retry({ times: 100, schedule: spaced }),
          Effect.timeout("20 seconds")
        )
        assert.strictEqual(value, 7)
        assert.notStrictEqual(yield* postmasterPid(folder), pid)
      }).pipe(Effect.scoped)
    )
  )

  it.live("starts on a folder whose server was killed together with effex", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const connection = yield* Effect.scoped(EmbeddedPostgres.acquire(folder))
        // What a kill leaves: a number that by now is another process's.
        yield* fs.writeFileString(
          `${folder}/postgres/postmaster.pid`,
          `${process.pid}\n${folder}/postgres\n1\n5432\n\n\n\nready\n`
        )
        yield* EmbeddedPostgres.acquire(folder)
        assert.strictEqual(yield* query(connection, "SELECT 1 AS value"), 1)
      }).pipe(Effect.scoped)
    )
  )

  it.live("puts its socket elsewhere where the path of the folder is too long for one", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const long = `${folder}/${"long-".repeat(20)}`
        yield* fs.makeDirectory(long)
        const connection = yield* EmbeddedPostgres.acquire(long)
        assert.isBelow(connection.path.length, 100)
        assert.strictEqual(yield* query(connection, "SELECT 1 AS value"), 1)
      }).pipe(Effect.scoped)
    )
  )

  it.live("says so when the data is of another version", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        yield* fs.makeDirectory(`${folder}/postgres`)
        yield* fs.writeFileString(`${folder}/postgres/PG_VERSION`, "17\n")
        const error = yield* Effect.flip(EmbeddedPostgres.acquire(folder))
        assert.include(error.message, "was created by PostgreSQL 17")
        assert.include(error.message, "DATABASE_URL")
      }).pipe(Effect.scoped)
    )
  )

  it.live.skipIf(process.getuid?.() !== 0)("works for root in a folder that nobody else may enter", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        yield* fs.chmod(folder, 0o700)
        const connection = yield* EmbeddedPostgres.acquire(folder)
        assert.strictEqual(yield* query(connection, "SELECT 1 AS value"), 1)
        const owner = spawnSync("stat", ["-c", "%a", `${folder}/postgres`], { encoding: "utf8" })
        assert.strictEqual(owner.stdout.trim(), "700")
      }).pipe(Effect.scoped)
    )
  )
})

const spaced = Schedule.spaced("100 millis")
