import { Clock, Duration, Effect, Latch, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as ReplicaMetrics from "../../metrics/ReplicaMetrics.ts"
import { observe } from "../../metrics/MetricSeries.ts"
import * as MonotonicClock from "../../MonotonicClock.ts"
import * as ConnectionFailure from "../ConnectionFailure.ts"
import * as DatabaseIdentity from "../DatabaseIdentity.ts"
import { withBackgroundCancellation } from "../DatabaseTimeout.ts"
import type { SqlExecutor } from "../SqlExecutor.ts"
import * as WalPosition from "./WalPosition.ts"

/** Interval between two measurements of the lag. */
const PROBE_INTERVAL = Duration.millis(250)
/** Time without an answer after which the replica counts as unreachable. */
export const PROBE_TIMEOUT = Duration.seconds(1)

/** The replica cannot serve reads. */
class ReplicaUnusable extends Schema.TaggedError<ReplicaUnusable>()("ReplicaUnusable", {
  detail: Schema.String
}) {}

/** State of the replica, for the health check. */
export interface ReplicaHealth {
  readonly status: "ok" | "degraded"
  /** Reason for which reads go to the primary. */
  readonly detail?: string
  readonly lagSeconds: number
}

/** Knows at any time if the replica can serve reads. */
export interface ReplicaMonitor {
  /** Reason for which reads go to the primary now; undefined while the replica serves them. */
  readonly refusal: () => "lagging" | "unreachable" | undefined
  /** Completes when the replica cannot be reached. */
  readonly lost: Effect.Effect<void>
  readonly health: () => ReplicaHealth
}

export interface MonitorOptions {
  readonly primary: Pick<SqlExecutor, "execute" | "sql">
  /** A client for the monitor alone, because it must not wait for the reads of others. */
  readonly replica: SqlClient.SqlClient
  readonly maxLag: Duration.Duration
}

/** Pause before a replica that is behind is asked again, in milliseconds: short at first. */
export const pauseAfter = (waitedMillis: number): number => Math.min(50, Math.max(2, waitedMillis / 4))

/**
 * Measures the lag in the background until the scope closes: the time from reading the position of the primary until the
 * replica has replayed it.
 */
export const make = Effect.fnUntraced(function* ({ maxLag, primary, replica }: MonitorOptions) {
  const clock = yield* Clock.Clock
  const now = () => MonotonicClock.millisUnsafe(clock)
  const unreachable = Latch.makeUnsafe(true)
  let problem: string | undefined = "it has not been reached yet"
  let ownIdentity: string | undefined
  let lastLag = 0
  /** The position that the replica has to replay next, and when the primary had it. */
  let target: { readonly position: WalPosition.WalPosition; readonly at: number } | undefined
  /** Last moment at which the replica could be measured. */
  let measuredAt = now()

  const lagMillis = () =>
    problem === undefined
      ? Math.max(lastLag, target === undefined ? 0 : now() - target.at)
      : lastLag + now() - measuredAt

  const ask = <A>(statements: Effect.Effect<A, SqlError.SqlError>) =>
    withBackgroundCancellation(statements, (result) =>
      Effect.timeoutOrElse(result, {
        duration: PROBE_TIMEOUT,
        orElse: () => Effect.fail(new ReplicaUnusable({ detail: "it does not respond" }))
      })
    ).pipe(
      Effect.catchTag("SqlError", (error) => {
        const reason = ConnectionFailure.reasonOf(error)
        const detail = "it cannot be reached"
        return new ReplicaUnusable({ detail: reason === undefined ? detail : `${detail}: ${reason}` })
      })
    )

  const readState = ask(Effect.scoped(Effect.flatMap(replica.reserve, WalPosition.ofReplica))).pipe(
    Effect.filterOrFail(
      ({ isStreaming }) => isStreaming,
      () => new ReplicaUnusable({ detail: "it does not receive the log of a primary" })
    )
  )

  const identify = Effect.gen(function* () {
    ownIdentity ??= yield* DatabaseIdentity.read(primary)
    if ((yield* ask(DatabaseIdentity.of(replica))) !== ownIdentity)
      return yield* new ReplicaUnusable({ detail: "DATABASE_READ_URL is not a replica of DATABASE_URL" })
  })

  const probe = Effect.gen(function* () {
    const current = target ?? {
      at: now(),
      position: yield* primary.execute(WalPosition.ofPrimary(primary.sql))
    }
    const { position } = yield* readState
    if (problem !== undefined) yield* identify
    target = position < current.position ? current : undefined
    lastLag = target === undefined ? now() - current.at : lastLag
    measuredAt = now()
    yield* setProblem(undefined)
  })

  const setProblem = (next: string | undefined) =>
    Effect.suspend(() => {
      const previous = problem
      problem = next
      if (next === undefined) unreachable.closeUnsafe()
      else {
        target = undefined
        unreachable.openUnsafe()
      }
      if (next === previous) return Effect.void
      return next === undefined
        ? Effect.logInfo("The read replica can be reached")
        : Effect.logWarning(`Reads go to the primary, because the read replica cannot be used: ${next}`)
    })

  const watch = probe.pipe(
    Effect.catchTags({
      ReplicaUnusable: ({ detail }) => setProblem(detail),
      StoreUnavailable: (error) => Effect.logDebug("The position of the primary could not be read", error)
    }),
    Effect.catchDefect((defect) => Effect.logError("Measuring the read replica crashed, retrying", defect)),
    Effect.andThen(
      Effect.suspend(() =>
        Effect.sleep(target === undefined ? PROBE_INTERVAL : Duration.millis(pauseAfter(now() - target.at)))
      )
    )
  )
  yield* watch.pipe(Effect.forever, Effect.forkScoped)

  const isLagging = () => lagMillis() > Duration.toMillis(maxLag)
  const refusal = () =>
    problem !== undefined ? ("unreachable" as const) : isLagging() ? ("lagging" as const) : undefined
  const health = (): ReplicaHealth => {
    const lagSeconds = Math.round(lagMillis()) / 1000
    if (problem !== undefined)
      return { status: "degraded", detail: `Reads go to the primary: ${problem}`, lagSeconds }
    return isLagging()
      ? { status: "degraded", detail: "Reads go to the primary: the replica lags", lagSeconds }
      : { status: "ok", lagSeconds }
  }

  yield* observe(ReplicaMetrics.lag, () => lagMillis() / 1000)
  yield* observe(ReplicaMetrics.isServing, () => (refusal() === undefined ? 1 : 0))
  const monitor: ReplicaMonitor = { refusal, lost: unreachable.await, health }
  return monitor
})
