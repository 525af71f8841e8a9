import { PgClient } from "@effect/sql-pg"
import { Duration, Effect, Exit, Layer, LogLevel, Option, References, Schedule, Scope } from "effect"
import {
  MessageStorage,
  Runner,
  RunnerAddress,
  RunnerHealth,
  Runners,
  RunnerStorage,
  Sharding,
  ShardingConfig,
  Singleton,
  SqlRunnerStorage
} from "effect/cluster"
import { SqlError } from "effect/sql"
import { hostname } from "node:os"
import { Settings } from "../config/Settings.ts"
import { DEADLINE } from "./postgres/Database.ts"
import { releasedWithin } from "./ReleaseTimeout.ts"

/** How long a node that no longer answers keeps what it leads. */
const LOCK_EXPIRATION = Duration.seconds(15)

/** Names this process in the table of nodes. Nothing listens there: nodes send each other no messages. */
const address = new RunnerAddress.RunnerAddress({ host: hostname(), port: process.pid })

const config = ShardingConfig.layer({
  runnerAddress: Option.some(address),
  // What leads, leads all: there is too little of it to be spread.
  shardsPerGroup: 1,
  shardLockExpiration: LOCK_EXPIRATION,
  // Also how long one refresh may take: a machine that is busy must not lose what it leads.
  shardLockRefreshInterval: Duration.seconds(5),
  entityMessagePollInterval: Duration.seconds(1),
  refreshAssignmentsInterval: Duration.seconds(2)
})

/**
 * Each node lays claim to everything, and the lock in Postgres decides. Shared out over a ring of nodes, what is led
 * would move whenever a node joins, and would wait for the heartbeat of a dead one to expire.
 */
const contended = (storage: RunnerStorage.RunnerStorage["Service"]) =>
  RunnerStorage.RunnerStorage.of({
    ...storage,
    getRunners: Effect.succeed([[new Runner.Runner({ address, groups: ["default"], weight: 1 }), true]])
  })

/** Connections of its own, so that a lock is never lost to a pool that is busy, nor a pool kept open by a lock. */
const connections = Layer.unwrap(
  Effect.map(Settings, ({ databaseUrl }) =>
    PgClient.layer({
      url: Option.getOrUndefined(databaseUrl),
      applicationName: "effex cluster",
      maxConnections: 4,
      connectTimeout: DEADLINE,
      keepAlive: Duration.seconds(10)
    })
  )
)

const storage = Layer.effect(
  RunnerStorage.RunnerStorage,
  Effect.map(RunnerStorage.RunnerStorage, contended)
).pipe(Layer.provide(SqlRunnerStorage.layerWith({ prefix: "effex_cluster" })), Layer.provide(connections))

/** One line when the lock is lost is enough: what is led says by itself how it fares. */
const quiet = Layer.effect(
  References.MinimumLogLevel,
  Effect.map(References.MinimumLogLevel, (level) =>
    LogLevel.isGreaterThan(level, "Error") ? level : "Error"
  )
)

/** How long a node takes its leave, from a database that may not answer: its lock goes with the connection anyway. */
const LEAVE = Duration.seconds(1)

const sharding = Sharding.layer.pipe(
  Layer.provide([Runners.layerNoop, storage, RunnerHealth.layerNoop]),
  Layer.provide([MessageStorage.layerNoop, config, quiet])
)

/** A database that is gone again since this process has reached it is waited for: what is served goes on without it. */
const join = Effect.fnUntraced(function* (cluster: Scope.Scope) {
  const attempt = Effect.gen(function* () {
    const scope = yield* Scope.fork(cluster)
    return yield* Layer.buildWithScope(Layer.fresh(sharding), scope).pipe(
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
  })
  return yield* attempt.pipe(
    Effect.catchDefect((defect) => (SqlError.isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect))),
    Effect.tapError((error) => Effect.logWarning(`The cluster cannot be joined yet: ${error.message}`)),
    Effect.retry(Schedule.spaced("1 second"))
  )
})

/** This process as a node of the cluster of those that share its database. */
const layer = Layer.effectContext(Effect.flatMap(Effect.scope, join)).pipe(releasedWithin(LEAVE))

/**
 * Runs an effect without end in the background: in one of the processes that share the database of `DATABASE_URL`, and
 * in another one soon after that is gone or answers no more; always where this process has a database of its own.
 */
export const singleton = (name: string, effect: Effect.Effect<never>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { databaseUrl } = yield* Settings
      const lasting = startedAgain(name, effect)
      if (Option.isNone(databaseUrl)) return Layer.effectDiscard(Effect.forkScoped(lasting))
      return Singleton.make(name, lasting).pipe(Layer.provide(layer))
    })
  )

/** Nobody would see that it has ended. */
const startedAgain = (name: string, effect: Effect.Effect<never>) =>
  effect.pipe(
    Effect.catchDefect((defect) =>
      Effect.andThen(
        Effect.logError(`The ${name} broke, and is started again`, defect),
        Effect.sleep("5 seconds")
      )
    ),
    Effect.forever
  )
