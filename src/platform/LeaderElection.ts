import { PgClient } from "@effect/sql-pg"
import { Context, Duration, Effect, Exit, Layer, LogLevel, Option, References, Schedule, Scope } from "effect"
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
import { type ClockComparison, ClockSkew, errorOf } from "./ClockSkew.ts"
import { DatabaseTimeout } from "./postgres/DatabaseTimeout.ts"
import { withReleaseTimeout } from "./ReleaseTimeout.ts"

/** Time after which the cluster takes the tasks of a node that stopped renewing its lock. */
const LOCK_EXPIRATION = Duration.seconds(15)

/** Identifies this process in the table of nodes. Nothing listens at the address: nodes exchange no messages. */
const address = new RunnerAddress.RunnerAddress({ host: hostname(), port: process.pid })

/** Interval of lock renewals, and the timeout of each: a busy machine must not lose its lock. */
export class LockRefreshInterval extends Context.Reference<Duration.Duration>(
  "effex/platform/LeaderElection/LockRefreshInterval",
  { defaultValue: () => Duration.seconds(5) }
) {}

const config = Layer.unwrap(
  Effect.map(LockRefreshInterval, (lockRefreshInterval) =>
    ShardingConfig.layer({
      runnerAddress: Option.some(address),
      // One node runs all tasks: there are too few of them to distribute.
      shardsPerGroup: 1,
      shardLockExpiration: LOCK_EXPIRATION,
      shardLockRefreshInterval: lockRefreshInterval,
      entityMessagePollInterval: Duration.seconds(1),
      refreshAssignmentsInterval: Duration.seconds(2)
    })
  )
)

/**
 * Makes every node compete for all shards, so that the lock in PostgreSQL elects the leader. With Effect's hash ring,
 * tasks would move whenever a node joins, and would wait for the heartbeat of a dead node to expire.
 */
const withLockElection = (storage: RunnerStorage.RunnerStorage["Service"]) =>
  RunnerStorage.RunnerStorage.of({
    ...storage,
    getRunners: Effect.succeed([[new Runner.Runner({ address, groups: ["default"], weight: 1 }), true]])
  })

/** A node whose clock is wrong takes no lock, and reports the locks that it holds as lost, which releases them. */
const withoutSkewedLeader = (storage: RunnerStorage.RunnerStorage["Service"], skew: ClockComparison) => {
  const unlessSkewed = <A, E>(locks: Effect.Effect<Array<A>, E>) =>
    Effect.suspend(() => (errorOf(skew) === undefined ? locks : Effect.succeed([])))
  return RunnerStorage.RunnerStorage.of({
    ...storage,
    acquire: (runner, shards) => unlessSkewed(storage.acquire(runner, shards)),
    refresh: (runner, shards) => unlessSkewed(storage.refresh(runner, shards))
  })
}

/** Uses separate connections, so that a busy pool cannot lose the lock and the lock does not keep the pool open. */
const layerConnections = Layer.unwrap(
  Effect.map(Effect.all([Settings, DatabaseTimeout]), ([{ databaseUrl }, connectTimeout]) =>
    PgClient.layer({
      url: Option.getOrUndefined(databaseUrl),
      applicationName: "effex cluster",
      maxConnections: 4,
      connectTimeout,
      keepAlive: Duration.seconds(10)
    })
  )
)

const layerStorage = Layer.effect(
  RunnerStorage.RunnerStorage,
  Effect.gen(function* () {
    return withoutSkewedLeader(
      withLockElection(yield* RunnerStorage.RunnerStorage),
      yield* Effect.service(ClockSkew)
    )
  })
).pipe(
  Layer.provide(SqlRunnerStorage.layerWith({ prefix: "effex_cluster" })),
  Layer.provide(layerConnections)
)

/** Logs only errors of the sharding runtime: one line about a lost lock is enough. */
const layerErrorsOnly = Layer.effect(
  References.MinimumLogLevel,
  Effect.map(References.MinimumLogLevel, (level) =>
    LogLevel.isGreaterThan(level, "Error") ? level : "Error"
  )
)

/** Maximum wait for the release of the lock at shutdown. If the database does not answer, the lock ends with the connection. */
const RELEASE_TIMEOUT = Duration.seconds(1)

const layerSharding = Sharding.layer.pipe(
  Layer.provide([Runners.layerNoop, layerStorage, RunnerHealth.layerNoop]),
  Layer.provide([MessageStorage.layerNoop, config, layerErrorsOnly])
)

/** Joins the cluster, and retries while the database is unavailable: requests are served without it. */
const join = Effect.fnUntraced(function* (cluster: Scope.Scope) {
  const attempt = Effect.gen(function* () {
    const scope = yield* Scope.fork(cluster)
    return yield* Layer.buildWithScope(Layer.fresh(layerSharding), scope).pipe(
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
  })
  return yield* attempt.pipe(
    Effect.catchDefect((defect) => (SqlError.isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect))),
    Effect.tapError((error) => Effect.logWarning(`Cannot join the cluster, retrying: ${error.message}`)),
    Effect.retry(Schedule.spaced("1 second"))
  )
})

/** Makes this process a node of the cluster of all processes with the same database. */
const layer = Layer.effectContext(Effect.flatMap(Effect.scope, join)).pipe(
  withReleaseTimeout(RELEASE_TIMEOUT)
)

/**
 * Runs an endless effect in the background on the leader, one node of the cluster. Moves it to another node when the
 * leader stops, hangs, or has a wrong clock. The cluster is all processes with the same `DATABASE_URL`. With the embedded database this
 * process is alone and always runs the effect.
 */
export const singleton = (name: string, effect: Effect.Effect<never>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { databaseUrl } = yield* Settings
      const task = restartOnDefect(name, effect)
      if (Option.isNone(databaseUrl)) return Layer.effectDiscard(Effect.forkScoped(task))
      return Singleton.make(name, task).pipe(Layer.provide(layer))
    })
  )

const restartOnDefect = (name: string, effect: Effect.Effect<never>) =>
  effect.pipe(
    Effect.catchDefect((defect) =>
      Effect.andThen(
        Effect.logError(`The ${name} crashed, restarting it in 5 seconds`, defect),
        Effect.sleep("5 seconds")
      )
    ),
    Effect.forever
  )
