import { Clock, Context, Duration, Effect, Layer } from "effect"
import { Settings } from "../../config/Settings.ts"
import * as ClockSkew from "../ClockSkew.ts"
import * as ClusterMetrics from "../metrics/ClusterMetrics.ts"
import { observe } from "../metrics/MetricSeries.ts"
import * as MonotonicClock from "../MonotonicClock.ts"
import { Database } from "./Database.ts"

// All nodes share the time of the database: it orders and expires what they store for each other. A node measures it
// once per interval, and continues it with its own monotonic clock. Its own time of day is only compared with it.

/** Interval between two measurements. */
const MEASURE_INTERVAL = Duration.seconds(10)
/** Interval of the checks whether the clock of this machine was set, or stood still during a suspension. */
const CHECK_INTERVAL = Duration.seconds(1)
/** Change of the time of day against the monotonic clock that starts a measurement at once. */
const STEP_MILLIS = 250

/** The time of day at one moment of the monotonic clock, both in milliseconds. */
interface Anchor {
  readonly time: number
  readonly monotonic: number
}

const make = Effect.gen(function* () {
  const { maxClockSkew } = yield* Settings
  const { execute, sql } = yield* Database
  const local = yield* Clock.Clock

  const monotonicNow = () => MonotonicClock.millisUnsafe(local)
  const timeAt = ({ monotonic, time }: Anchor, at: number) => time + (at - monotonic)

  /** Returns the earliest and the latest time that it can be now: the database read its clock during the round trip. */
  const measure = Effect.gen(function* () {
    const sentAt = monotonicNow()
    const [row] = yield* execute(sql<{ micros: bigint }>`
      SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS micros`)
    const receivedAt = monotonicNow()
    const earliest = Number(row?.micros ?? 0n) / 1000
    return { earliest, latest: earliest + (receivedAt - sentAt), receivedAt }
  })

  const first = yield* measure
  let anchor: Anchor = { time: (first.earliest + first.latest) / 2, monotonic: first.receivedAt }

  /** Moves the estimate by as little as the measurement requires, so that a slow response does not disturb it. */
  const adjust = Effect.map(measure, ({ earliest, latest, receivedAt }) => {
    const estimate = timeAt(anchor, receivedAt)
    anchor = { time: Math.min(latest, Math.max(earliest, estimate)), monotonic: receivedAt }
  })

  const currentTimeMillisUnsafe = () => Math.floor(timeAt(anchor, monotonicNow()))
  const currentTimeNanosUnsafe = () => BigInt(Math.floor(timeAt(anchor, monotonicNow()) * 1000)) * 1000n
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe,
    currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
    currentTimeNanosUnsafe,
    currentTimeNanos: Effect.sync(currentTimeNanosUnsafe),
    monotonicTimeNanosUnsafe: () => local.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: local.monotonicTimeNanos,
    sleep: (duration) => local.sleep(duration)
  }
  const skew: ClockSkew.ClockComparison = {
    millis: () => local.currentTimeMillisUnsafe() - currentTimeMillisUnsafe(),
    maxMillis: Duration.toMillis(maxClockSkew)
  }
  yield* observe(ClusterMetrics.clockSkew, () => skew.millis() / 1000)

  let isExcessive = false
  let isDegraded = false
  /** Logs when the skew becomes a problem, and when it ends. */
  const logChange = Effect.suspend(() => {
    const error = ClockSkew.errorOf(skew)
    const millis = skew.millis()
    const wasExcessive = isExcessive
    const wasDegraded = isDegraded
    isExcessive = error !== undefined
    isDegraded = Math.abs(millis) > Duration.toMillis(ClockSkew.DEGRADED_SKEW)
    if (error !== undefined && !wasExcessive)
      return Effect.logError(`Polls, conversions and quotes are refused: ${error.message}`)
    if (isDegraded && !wasDegraded)
      return Effect.logWarning(`${ClockSkew.describe(millis)}, which is used instead`)
    return wasDegraded && !isDegraded
      ? Effect.logInfo("The clock of this node agrees with the clock of the database again")
      : Effect.void
  })

  /** The difference changes when the clock is set, and when the machine was suspended. */
  const localOffset = () => local.currentTimeMillisUnsafe() - monotonicNow()
  let measuredAt = monotonicNow()
  let measuredOffset = localOffset()
  const watch = Effect.gen(function* () {
    const hasStepped = Math.abs(localOffset() - measuredOffset) > STEP_MILLIS
    const isDue = monotonicNow() - measuredAt >= Duration.toMillis(MEASURE_INTERVAL)
    if (hasStepped || isDue) {
      yield* adjust
      measuredAt = monotonicNow()
      measuredOffset = localOffset()
    }
  }).pipe(
    Effect.catch((error) => Effect.logDebug("The clock of the database could not be read", error)),
    Effect.catchDefect((defect) =>
      Effect.logError("Reading the clock of the database crashed, retrying", defect)
    ),
    Effect.andThen(logChange)
  )
  yield* logChange
  yield* watch.pipe(Effect.delay(CHECK_INTERVAL), Effect.forever, Effect.forkScoped)

  return Context.make(Clock.Clock, clock).pipe(Context.add(ClockSkew.ClockSkew, skew))
})

/**
 * Makes the time of the database the time of this process, for everything that is built on this layer. Durations follow
 * the monotonic clock as before.
 */
export const layer = Layer.effectContext(make)
