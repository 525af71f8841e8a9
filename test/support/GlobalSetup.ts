import { NodeServices } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Effect, Exit, Layer, Logger, Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { spawnSync } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import * as EmbeddedPostgres from "../../src/platform/postgres/EmbeddedPostgres.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as PostgresUrl from "./PostgresUrl.ts"
import * as RedisServer from "./RedisServer.ts"
import * as TestSettings from "./TestSettings.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Socket of the PostgreSQL server of this test run. */
    readonly postgres: string
    /** URL of the Redis server of this test run. Empty without Redis. */
    readonly redis: string
  }
}

/** Starts one PostgreSQL and one Redis server for the test run, and deletes their data afterwards. */
export default async function setup(project: TestProject) {
  const folder = await mkdtemp(join(tmpdir(), "effex-test-"))
  const scope = Scope.makeUnsafe()
  const server = await EmbeddedPostgres.acquire(folder, ["-c fsync=off", "-c max_connections=300"]).pipe(
    Scope.provide(scope),
    Effect.provide(NodeServices.layer),
    Effect.runPromise
  )
  await Effect.runPromise(migrateTemplate(server.path))
  project.provide("postgres", server.path)
  const redis = await startRedis(folder)
  project.provide("redis", redis.url)
  return async () => {
    redis.stop()
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await rm(folder, { recursive: true, force: true })
  }
}

/** Applies every migration once; tests clone the result. */
const migrateTemplate = Effect.fnUntraced(
  function* (socket: string) {
    const admin = yield* PgClient.makeClient({ path: socket, username: "effex", database: "postgres" })
    yield* admin`CREATE DATABASE ${admin(PostgresUrl.MIGRATED_TEMPLATE)}`
    const settings = TestSettings.layer({
      DATABASE_URL: PostgresUrl.make(socket, PostgresUrl.MIGRATED_TEMPLATE)
    })
    yield* Effect.scoped(Layer.build(Layer.provide(Database.layer, settings)))
  },
  Effect.scoped,
  Effect.provide([Reactivity.layer, Logger.layer([])])
)

async function startRedis(folder: string) {
  const found = spawnSync("redis-server", ["--version"])
  if (found.status !== 0) {
    const url = process.env["REDIS_URL"] ?? ""
    const help =
      "Redis tests need redis-server on the PATH (Debian: apt-get install redis-server), or REDIS_URL"
    if (url === "" && process.env["CI"] === "true") throw new Error(help)
    if (url === "") process.stderr.write(`${help}; they are skipped\n`)
    return { url, stop: () => {} }
  }
  const port = await RedisServer.freePort()
  const child = await RedisServer.run(folder, port)
  return { url: `redis://127.0.0.1:${port}`, stop: () => child.kill() }
}
