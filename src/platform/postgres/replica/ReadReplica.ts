import { Clock, Duration, Effect, Exit, Metric, Option, Schema, type Scope } from "effect"
import type { SqlClient, SqlConnection, SqlError } from "effect/sql"
import * as Batcher from "../../Batcher.ts"
import * as DatabaseMetrics from "../../metrics/DatabaseMetrics.ts"
import * as ReplicaMetrics from "../../metrics/ReplicaMetrics.ts"
import { timed, trackInFlight } from "../../metrics/MetricSeries.ts"
import * as MonotonicClock from "../../MonotonicClock.ts"
import { DatabaseTimeout, withBackgroundCancellation } from "../DatabaseTimeout.ts"
import { failUnavailable } from "../SqlFailures.ts"
import type { SqlExecutor } from "../SqlExecutor.ts"
import { StoreUnavailable } from "../StoreUnavailable.ts"
import * as ReplicaMonitor from "./ReplicaMonitor.ts"
import * as WalPosition from "./WalPosition.ts"

/** Time of a read beyond the database timeout, for its repetition on the primary. */
const MAX_REPETITION_TIME = Duration.millis(1500)
const MAX_BATCH_SIZE = 1024
/** Queries for the position of the primary in flight. */
const CONCURRENT_POSITIONS = 4

/** The replica did not answer a read; the primary does. */
class NotAnswered extends Schema.TaggedError<NotAnswered>()("NotAnswered", {
  reason: Schema.Literals(["lagging", "unreachable", "failed"])
}) {}

/** Runs reads on a replica, or on the primary. */
export interface ReadReplica {
  /**
   * Runs statements that only read. They see everything that was committed before the call, on any node. Fails and dies like
   * `execute`.
   */
  readonly read: SqlExecutor["execute"]
  readonly health: () => ReplicaMonitor.ReplicaHealth
}

export interface ReadReplicaOptions {
  readonly primary: SqlExecutor
  /** Clients of the replica: for reads, and for the monitor. */
  readonly replica: SqlClient.SqlClient
  readonly monitored: SqlClient.SqlClient
  /** Longest time that a read waits for the replica. */
  readonly maxLag: Duration.Duration
}

/**
 * Makes a {@link ReadReplica}. A read first gets the position of the primary's log, in a query that concurrent reads share,
 * and then waits until the replica has replayed it, on the connection on which it reads. So no read misses an earlier write,
 * whichever node committed it, also behind a load balancer of replicas.
 */
export const make = Effect.fnUntraced(function* ({
  maxLag,
  monitored,
  primary,
  replica
}: ReadReplicaOptions): Effect.fn.Return<ReadReplica, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const timeout = yield* DatabaseTimeout
  const now = () => MonotonicClock.millisUnsafe(clock)
  const monitor = yield* ReplicaMonitor.make({ primary, replica: monitored, maxLag })

  const positions = yield* Batcher.make<void, WalPosition.WalPosition, StoreUnavailable>({
    handle: (batch) =>
      primary.execute(WalPosition.ofPrimary(primary.sql)).pipe(
        Effect.exit,
        Effect.map((exit) => batch.forEach(({ settle }) => settle(exit)))
      ),
    maxBatchSize: MAX_BATCH_SIZE,
    concurrency: CONCURRENT_POSITIONS,
    timeout,
    onTimeout: () => Exit.fail(new StoreUnavailable({ cause: "the position of the log could not be read" }))
  })

  /** Waits until the server behind a connection has replayed a position. */
  const waitFor = Effect.fnUntraced(function* (
    connection: SqlConnection.Connection,
    position: WalPosition.WalPosition
  ) {
    const startedAt = now()
    while (true) {
      const state = yield* WalPosition.ofReplica(connection)
      if (!state.isStreaming) return yield* new NotAnswered({ reason: "unreachable" })
      if (state.position >= position) return
      yield* Effect.sleep(Duration.millis(ReplicaMonitor.pauseAfter(now() - startedAt)))
    }
  })

  const connectionAt = (position: WalPosition.WalPosition) =>
    Effect.tap(replica.reserve, (connection) => waitFor(connection, position)).pipe(
      Effect.timeoutOrElse({
        duration: maxLag,
        orElse: () => Effect.fail(new NotAnswered({ reason: "lagging" }))
      })
    )

  const onReplica = <A, R>(statements: Effect.Effect<A, SqlError.SqlError, R>) =>
    Effect.gen(function* () {
      const connection = yield* connectionAt(yield* positions.run())
      // Statements run on the connection of the open transaction of their client, if there is one.
      return yield* Effect.provideService(statements, primary.sql.transactionService, [connection, 0])
    }).pipe(
      Effect.scoped,
      (read) =>
        withBackgroundCancellation(read, (result) =>
          Effect.raceFirst(
            result,
            Effect.andThen(monitor.lost, Effect.fail(new NotAnswered({ reason: "unreachable" })))
          ).pipe(Effect.timeoutOrElse({ duration: timeout, orElse: timedOut }))
        ),
      Effect.catchTag("SqlError", () => new NotAnswered({ reason: "failed" })),
      timed(DatabaseMetrics.callDuration),
      trackInFlight(DatabaseMetrics.callsInFlight)
    )

  const count = (answered: "replica" | "lagging" | "unreachable" | "failed") =>
    Metric.update(ReplicaMetrics.reads.of({ answered }), 1)

  const readOutside = <A, R>(statements: Effect.Effect<A, SqlError.SqlError, R>) =>
    Effect.suspend(() => {
      const reason = monitor.refusal()
      return reason === undefined
        ? Effect.tap(onReplica(statements), () => count("replica"))
        : Effect.fail(new NotAnswered({ reason }))
    }).pipe(
      Effect.catchTag("NotAnswered", ({ reason }) =>
        Effect.andThen(count(reason), primary.execute(statements))
      ),
      Effect.timeoutOrElse({ duration: Duration.sum(timeout, MAX_REPETITION_TIME), orElse: timedOut })
    )

  /** In a transaction, a read belongs to it. */
  const read: ReadReplica["read"] = (statements) =>
    Effect.flatMap(Effect.serviceOption(primary.sql.transactionService), (transaction) =>
      Option.isSome(transaction) ? primary.execute(statements) : readOutside(statements)
    )

  return { read, health: monitor.health }
})

const timedOut = () => failUnavailable("no response of the read replica in time", "deadline")
