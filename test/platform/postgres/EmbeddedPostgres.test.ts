import { NodeServices } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Array, Duration, Effect, FileSystem, Layer, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import { spawnSync } from "node:child_process"
import { cp, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
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

/** Data folder that tests copy when its creation is not their subject: a copy is ten times as fast as `initdb`. */
let template = ""

beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), "effex-embedded-template-"))
  await EmbeddedPostgres.acquire(template).pipe(Effect.scoped, Effect.provide(services), Effect.runPromise)
})

afterAll(() => rm(template, { recursive: true, force: true }))

const inInitializedFolder: typeof inFolder = (use) =>
  inFolder((folder) =>
    Effect.andThen(
      Effect.promise(() => cp(template, folder, { recursive: true, preserveTimestamps: true })),
      use(folder)
    )
  )

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

const assertStopped = (connection: EmbeddedPostgres.Connection) =>
  Effect.flip(query(connection, "SELECT 1 AS value"))

// Each test has its own server and mostly waits for it: they run concurrently.
describe.concurrent("EmbeddedPostgres.acquire", () => {
  it.live("creates a database, stops it with the scope and keeps its data", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const first = yield* Effect.scoped(
          Effect.gen(function* () {
            const connection = yield* EmbeddedPostgres.acquire(folder)
            yield* query(connection, "CREATE TABLE kept AS SELECT 42 AS value")
            return connection
          })
        )
        yield* assertStopped(first)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const connection = yield* EmbeddedPostgres.acquire(folder)
            assert.strictEqual(yield* query(connection, "SELECT value FROM kept"), 42)
          })
        )
      })
    )
  )

  it.live("shares a server between users of a folder; the last one stops it", () =>
    inInitializedFolder((folder) =>
      Effect.gen(function* () {
        const shared = yield* Effect.scoped(
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
        yield* assertStopped(shared)
      })
    )
  )

  it.live(
    "starts one server for users that arrive concurrently, and keeps its lock file",
    () =>
      inInitializedFolder((folder) =>
        Effect.gen(function* () {
          for (let round = 0; round < 8; round++) {
            const users = Array.range(0, 3).map((i) =>
              Effect.delay(EmbeddedPostgres.acquire(folder, ["-c fsync=off"]), Duration.millis(i * round))
            )
            yield* Effect.gen(function* () {
              yield* Effect.all(users, { concurrency: "unbounded" })
              const fs = yield* FileSystem.FileSystem
              assert.isTrue(yield* fs.exists(`${folder}/postgres/postmaster.pid`))
            }).pipe(Effect.scoped)
          }
        })
      ),
    300_000
  )

  it.live("restarts a killed server without losing committed data", () =>
    inInitializedFolder((folder) =>
      Effect.gen(function* () {
        const connection = yield* EmbeddedPostgres.acquire(folder)
        yield* query(connection, "CREATE TABLE kept AS SELECT 7 AS value")
        const pid = yield* postmasterPid(folder)
        process.kill(pid, "SIGKILL")
        const value = yield* query(connection, "SELECT value FROM kept").pipe(Effect.retry(spaced))
        assert.strictEqual(value, 7)
        assert.notStrictEqual(yield* postmasterPid(folder), pid)
      }).pipe(Effect.scoped)
    )
  )

  it.live("starts in a folder whose server was killed together with effex", () =>
    inInitializedFolder((folder) =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const connection = yield* Effect.scoped(EmbeddedPostgres.acquire(folder))
        // The lock file of a killed server, whose pid now belongs to another process.
        yield* fs.writeFileString(
          `${folder}/postgres/postmaster.pid`,
          `${process.pid}\n${folder}/postgres\n1\n5432\n\n\n\nready\n`
        )
        yield* EmbeddedPostgres.acquire(folder)
        assert.strictEqual(yield* query(connection, "SELECT 1 AS value"), 1)
      }).pipe(Effect.scoped)
    )
  )

  it.live("uses a temporary socket folder when the path of the data folder is too long", () =>
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

  it.live("reports a data folder of another version", () =>
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

  it.live.skipIf(process.getuid?.() !== 0)("runs as root in a folder that other users cannot enter", () =>
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
