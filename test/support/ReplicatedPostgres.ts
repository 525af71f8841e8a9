import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem } from "effect"
import * as EmbeddedPostgres from "../../src/platform/postgres/EmbeddedPostgres.ts"
import * as PostgresServer from "./PostgresServer.ts"

const FLAGS = ["-c fsync=off", "-c max_connections=100"]

/** Runs a primary and a streaming replica of it until the scope closes. `replicaFlags` are options of the replica. */
export const start = Effect.fnUntraced(function* (replicaFlags: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const makeFolder = Effect.flatMap(fs.makeTempDirectoryScoped({ prefix: "effex-own-" }), fs.realPath)
  const [primaryFolder, replicaFolder] = [yield* makeFolder, yield* makeFolder]
  // Without pg_basebackup: a copy of the files of a stopped server.
  yield* Effect.scoped(EmbeddedPostgres.acquire(primaryFolder, FLAGS))
  yield* fs.copy(`${primaryFolder}/postgres`, `${replicaFolder}/postgres`, { preserveTimestamps: true })
  yield* fs.chmod(`${replicaFolder}/postgres`, 0o700)
  yield* fs.writeFileString(`${replicaFolder}/postgres/standby.signal`, "")
  const primary = yield* PostgresServer.startIn(primaryFolder, FLAGS)
  yield* fs.writeFileString(
    `${replicaFolder}/postgres/postgresql.auto.conf`,
    `primary_conninfo = 'host=${primaryFolder}/postgres port=5432 user=${primary.connection.username}'\n`
  )
  const replica = yield* PostgresServer.startIn(replicaFolder, [...FLAGS, ...replicaFlags])
  return { primary, replica }
}, Effect.provide(NodeServices.layer))
