import * as NodeServices from "@effect/platform-node/NodeServices"
import { PgClient } from "@effect/sql-pg"
import { Context, Duration, Effect, Layer, Metric, Option, type Redacted, String } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { Settings } from "../../config/Settings.ts"
import * as DatabaseMetrics from "../metrics/DatabaseMetrics.ts"
import { withReleaseTimeout } from "../ReleaseTimeout.ts"
import * as AdvisoryLock from "./AdvisoryLock.ts"
import { DatabaseTimeout } from "./DatabaseTimeout.ts"
import { EmbeddedPostgres } from "./EmbeddedPostgres.ts"
import { migrate } from "./Migrations.ts"
import { maintainPartitions } from "./Partitions.ts"
import * as ReadReplica from "./replica/ReadReplica.ts"
import { PROBE_TIMEOUT, type ReplicaHealth } from "./replica/ReplicaMonitor.ts"
import * as SqlExecutor from "./SqlExecutor.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

const MAX_CONNECTIONS = 8

const poolConfig: PgClient.PgPoolConfig = {
  applicationName: "effex",
  transformQueryNames: String.camelToSnake,
  transformResultNames: String.snakeToCamel,
  multiplex: true,
  maxConnections: MAX_CONNECTIONS,
  keepAlive: Duration.seconds(10)
}

/** Closing the pool waits for open transactions, which may never end when the network drops all packets. */
const poolAt = (config: PgClient.PgPoolConfig) =>
  Layer.unwrap(
    Effect.map(DatabaseTimeout, (timeout) =>
      PgClient.layer({ ...poolConfig, connectTimeout: timeout, ...config }).pipe(withReleaseTimeout(timeout))
    )
  )

/** Connects to `DATABASE_URL`, or to the embedded PostgreSQL when it is not set. */
const layerClient = Layer.unwrap(
  Effect.gen(function* () {
    const { databaseUrl } = yield* Settings
    if (Option.isSome(databaseUrl)) return poolAt({ url: databaseUrl.value })
    return Layer.unwrap(Effect.map(EmbeddedPostgres, poolAt)).pipe(Layer.provide(EmbeddedPostgres.layer))
  })
)

const fromClient = (sql: SqlClient.SqlClient): Database["Service"] => {
  const executor = SqlExecutor.make(sql)
  const withLock = AdvisoryLock.make(executor)
  return {
    ...executor,
    withLock,
    pipeline: pipelineOf(sql),
    read: executor.execute,
    replicaHealth: Effect.succeedNone
  }
}

const pipelineOf = (sql: SqlClient.SqlClient): Database["Service"]["pipeline"] => {
  const { tryExecute } = SqlExecutor.make(sql)
  return (statement) => tryExecute(statement(sql))
}

/** Gives the pipeline a connection of its own. */
const withPipeline = Effect.fnUntraced(function* (database: Database["Service"]) {
  const { config } = yield* PgClient.PgClient
  const context = yield* Layer.build(poolAt({ ...config, maxConnections: 1 }))
  return { ...database, pipeline: pipelineOf(Context.get(context, SqlClient.SqlClient)) }
})

const READ_CONNECTIONS = 8

/** Connects to the server at `DATABASE_READ_URL`. */
export const replicaClient = (url: Redacted.Redacted, maxConnections: number) =>
  Effect.map(
    Layer.build(poolAt({ url, maxConnections, connectTimeout: PROBE_TIMEOUT })),
    Context.get(SqlClient.SqlClient)
  )

/** Lets reads go to the replica at `DATABASE_READ_URL`, if it is set. */
const withReplica = Effect.fnUntraced(function* (database: Database["Service"]) {
  const { databaseReadMaxLag, databaseReadUrl } = yield* Settings
  if (Option.isNone(databaseReadUrl)) return database
  const url = databaseReadUrl.value
  const { health, read } = yield* ReadReplica.make({
    primary: database,
    replica: yield* replicaClient(url, READ_CONNECTIONS),
    monitored: yield* replicaClient(url, 1),
    maxLag: databaseReadMaxLag
  })
  return { ...database, read, replicaHealth: Effect.sync(() => Option.some(health())) }
})

const make = Effect.gen(function* () {
  yield* migrate
  const database = yield* withReplica(yield* withPipeline(fromClient(yield* SqlClient.SqlClient)))
  yield* Metric.update(DatabaseMetrics.poolSize, MAX_CONNECTIONS + 1)
  yield* maintainPartitions(database)
  return database
})

/** PostgreSQL, with a timeout on every call. */
export class Database extends Context.Service<
  Database,
  SqlExecutor.SqlExecutor & {
    /**
     * Runs an effect in at most one process at a time, by lock name. Returns none when another process holds the lock.
     * The lock is released with its connection: at once when the process dies, within seconds when it is stopped. If the
     * lock is lost, the effect is interrupted and the result is `StoreUnavailable`.
     */
    readonly withLock: AdvisoryLock.WithLock
    /**
     * Runs a single statement on a connection of its own, like `tryExecute`. Statements run in order, each sent without waiting for
     * the previous one. While one waits for a lock, it delays only those after it.
     */
    readonly pipeline: <A, R>(
      statement: (sql: SqlClient.SqlClient) => Effect.Effect<A, SqlError.SqlError, R>
    ) => Effect.Effect<A, StoreUnavailable | SqlError.SqlError, R>
    /**
     * Runs statements that only read, on the replica at `DATABASE_READ_URL` if it can serve them, otherwise like `execute`. They
     * see everything that was committed before the call, on any node.
     */
    readonly read: SqlExecutor.SqlExecutor["execute"]
    /** State of the replica. None without one. */
    readonly replicaHealth: Effect.Effect<Option.Option<ReplicaHealth>>
  }
>()("effex/platform/postgres/Database") {
  /** Migrates the schema and maintains its partitions; the connection pool is a requirement. */
  static readonly layerNoDeps = Layer.effect(Database, make)

  /** The database of the settings, migrated. Also provides the SQL client. */
  static readonly layer = Database.layerNoDeps.pipe(
    Layer.provideMerge(layerClient),
    Layer.provide(NodeServices.layer)
  )

  /** The database of the settings with its schema left as it is. */
  static readonly layerUnmigrated = Layer.effect(Database, Effect.map(SqlClient.SqlClient, fromClient)).pipe(
    Layer.provideMerge(layerClient),
    Layer.provide(NodeServices.layer)
  )
}
