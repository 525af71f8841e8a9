import { PgClient } from "@effect/sql-pg"
import { Context, Effect, FileSystem, Layer, Path } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EmbeddedPostgres from "../src/platform/postgres/EmbeddedPostgres.ts"
import { freePort } from "../test/support/RedisServer.ts"
import * as Processes from "./Processes.ts"
import * as PostgresCpu from "./transfers/PostgresCpu.ts"

/** PostgreSQL and Redis servers of the run, with their default durability. */
export class Stores extends Context.Service<
  Stores,
  {
    /** Creates an empty PostgreSQL database. It is deleted at the end of the run. */
    readonly createDatabase: Effect.Effect<BenchDatabase>
    /** Returns the URL of an empty Redis database. */
    readonly createRedis: Effect.Effect<string>
    /** Process of the PostgreSQL server. */
    readonly postgresPid: number
    readonly description: string
  }
>()("effex/bench/Stores") {
  static readonly layer = Layer.effect(
    Stores,
    Effect.suspend(() => make)
  ).pipe(Layer.provide(Reactivity.layer))
}

export interface BenchDatabase {
  readonly url: string
  readonly connection: PgClient.PgClientConfig
}

const REDIS_DATABASES = 512

const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "effex-bench-" })
  const redis = yield* startRedis(folder)
  const postgres = yield* EmbeddedPostgres.acquire(folder)
  const admin = yield* PgClient.make({ ...postgres, maxConnections: 1 })
  const [server] = yield* admin<{ version: string }>`SHOW server_version`.pipe(
    Effect.map((rows) => rows.map((row) => ({ version: Object.values(row).join("") })))
  )
  const [backend] = yield* admin<{ pid: number }>`SELECT pg_backend_pid() AS pid`
  let databases = 0
  let redisDatabases = 0
  return Stores.of({
    createDatabase: Effect.gen(function* () {
      const database = `bench_${++databases}`
      yield* admin`CREATE DATABASE ${admin(database)}`
      return {
        url: `postgres:///${database}?user=${postgres.username}&host=${encodeURIComponent(path.dirname(postgres.path))}`,
        connection: { ...postgres, database }
      }
    }).pipe(Effect.orDie),
    createRedis: Effect.sync(() => `${redis.url}/${redisDatabases++ % REDIS_DATABASES}`),
    postgresPid: PostgresCpu.serverOf(backend?.pid ?? 0),
    description: `PostgreSQL ${server?.version}, fsync on; Redis ${redis.version}`
  })
})

const startRedis = Effect.fnUntraced(function* (folder: string) {
  if (!(yield* Processes.has("redis-server"))) {
    return yield* new Processes.ProcessFailed({
      program: "redis-server",
      detail:
        "not found on the PATH; the benchmark starts its own Redis (Debian: apt-get install redis-server)"
    })
  }
  const port = yield* Effect.promise(freePort)
  const version = (yield* Processes.output(["redis-server", "--version"])).match(/v=(\S+)/)?.[1]
  const options = { port, bind: "127.0.0.1", dir: folder, databases: REDIS_DATABASES }
  yield* Processes.start({
    command: [
      "redis-server",
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
    ],
    ready: /Ready to accept connections/
  })
  return { url: `redis://127.0.0.1:${port}`, version }
})
