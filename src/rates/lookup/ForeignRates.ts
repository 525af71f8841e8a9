import { Clock, Duration, Effect, Metric } from "effect"
import * as RedisMetrics from "../../platform/metrics/RedisMetrics.ts"

/** Time for which a foreign rate counts as a sign that its writer is active, and between two log messages about it. */
const REPORT_INTERVAL = Duration.minutes(15)

/** Tracks rates in Redis that this deployment did not write. They are never used. */
export interface ForeignRates {
  /** Records a foreign rate, and logs the first one of each interval. */
  readonly report: (key: string, database: string | undefined) => Effect.Effect<void>
  /** Description of the writer seen in the last interval. Undefined if there was none. */
  readonly current: Effect.Effect<string | undefined>
}

export const make = (): ForeignRates => {
  let seen: { readonly writer: string; readonly at: bigint } | undefined
  let loggedAt: bigint | undefined

  const isRecent = (at: bigint | undefined, now: bigint): boolean =>
    at !== undefined && now - at < Duration.toNanosUnsafe(REPORT_INTERVAL)

  const report: ForeignRates["report"] = Effect.fnUntraced(function* (key, database) {
    const now = yield* Clock.monotonicTimeNanos
    const writer = describe(database)
    seen = { writer, at: now }
    yield* Metric.update(RedisMetrics.foreignValues, 1)
    if (isRecent(loggedAt, now)) return
    loggedAt = now
    yield* Effect.logWarning(
      `${writer} writes rates to the same Redis, such as ${key}; they are ignored. Give each deployment its own Redis database or REDIS_PREFIX`
    )
  })

  const current = Effect.map(Clock.monotonicTimeNanos, (now) =>
    isRecent(seen?.at, now) ? seen?.writer : undefined
  )

  return { report, current }
}

const describe = (database: string | undefined) =>
  database === undefined
    ? "An older version of effex, or another program,"
    : `Another deployment of effex (database ${database})`
