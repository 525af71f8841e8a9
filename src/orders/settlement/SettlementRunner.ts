import { Clock, DateTime, Duration, Effect, Layer, Metric, Schema } from "effect"
import * as LeaderElection from "../../platform/LeaderElection.ts"
import { LeaderTerms } from "../../platform/LeaderTerms.ts"
import * as ClusterMetrics from "../../platform/metrics/ClusterMetrics.ts"
import { trackInFlight } from "../../platform/metrics/MetricSeries.ts"
import * as OrderMetrics from "../../platform/metrics/OrderMetrics.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { Settlement } from "./Settlement.ts"
import { SettlementSignal } from "./SettlementSignal.ts"

/** Longest time between two rounds. Orders of other nodes send no signal. */
const INTERVAL = Duration.seconds(1)
const MEASURE_INTERVAL = Duration.seconds(15)
/** Minimum time that a superseded process leaves settling to the new leader. */
const SUPERSEDED_COOLDOWN = Duration.seconds(30)
const RETRY_INTERVAL = Duration.seconds(5)

/** Name of the leader term for settling orders. */
const SETTLEMENT = "settlement"

/**
 * Updates the metrics of orders and batches that are not settled. An order that was held for review is as old as its release, the
 * second of its events.
 */
export const measure = Effect.gen(function* () {
  const { execute, sql } = yield* Database
  const now = DateTime.toDateUtc(yield* DateTime.now)
  const [{ oldest, unsettled }] = yield* Effect.flatMap(
    execute(sql`
      SELECT count(*)::int AS unsettled,
        coalesce(extract(epoch FROM ${now}::timestamptz - least(
          min(updated_at) FILTER (WHERE state <> 'submitted'),
          min(created_at) FILTER (WHERE state = 'submitted' AND version = 2),
          (SELECT min(at) FROM customer_order AS released JOIN order_event ON order_id = released.id AND order_event.version = 2
            WHERE released.state = 'submitted' AND released.version > 2))), 0)::float8 AS oldest
      FROM customer_order WHERE state IN ('pending', 'aggregated', 'submitted')`),
    (rows) => Effect.orDie(decodeOrders(rows))
  )
  yield* Metric.update(OrderMetrics.unsettled, unsettled)
  yield* Metric.update(OrderMetrics.oldestUnsettled, Math.max(0, oldest))
  const batches = yield* Effect.flatMap(
    execute(sql`
      SELECT state, (count(*) FILTER (WHERE dead_at IS NULL))::int AS open, (count(*) FILTER (WHERE dead_at IS NOT NULL))::int AS dead
      FROM settlement_batch WHERE state <> 'allocated' GROUP BY state`),
    (rows) => Effect.orDie(decodeBatches(rows))
  )
  for (const state of ["reserved", "sent", "filled", "rejected"]) {
    const found = batches.find((batch) => batch.state === state)
    yield* Metric.update(OrderMetrics.batches.of({ state }), found?.open ?? 0)
  }
  yield* Metric.update(
    OrderMetrics.deadBatches,
    batches.reduce((total, { dead }) => total + dead, 0)
  )
}).pipe(Effect.withSpan("SettlementRunner.measure"))

/** Settles orders on the leader of the cluster: after each order of this process, and every second. */
export const layerBackground = Layer.unwrap(
  Effect.gen(function* () {
    const { settleDue } = yield* Settlement
    const { startTerm } = yield* LeaderTerms
    const { wait } = yield* SettlementSignal
    const database = yield* Database
    const clock = yield* Clock.Clock

    const settleInTerm = Effect.gen(function* () {
      const leader = yield* startTerm(SETTLEMENT)
      let measuredAt = -Infinity
      const round = Effect.gen(function* () {
        yield* settleDue(leader)
        const now = MonotonicClock.millisUnsafe(clock)
        if (now - measuredAt < Duration.toMillis(MEASURE_INTERVAL)) return
        yield* Effect.provideService(measure, Database, database)
        measuredAt = now
      }).pipe(
        Effect.catchTag("StoreUnavailable", (error) =>
          Effect.logWarning("Orders cannot be settled now; retrying", error)
        )
      )
      return yield* round.pipe(Effect.andThen(Effect.timeoutOption(wait, INTERVAL)), Effect.forever)
    }).pipe(
      Effect.catchTags({
        Superseded: (error) =>
          Effect.andThen(Effect.logWarning(error.message), Effect.sleep(SUPERSEDED_COOLDOWN)),
        StoreUnavailable: (error) =>
          Effect.andThen(
            Effect.logWarning("The settlement could not start a term; retrying", error),
            Effect.sleep(RETRY_INTERVAL)
          )
      }),
      Effect.forever
    )
    return LeaderElection.singleton(
      SETTLEMENT,
      settleInTerm.pipe(trackInFlight(ClusterMetrics.isLeader.of({ task: SETTLEMENT })))
    )
  })
)

const decodeOrders = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.Struct({ unsettled: Schema.Int, oldest: Schema.Finite })])
)
const decodeBatches = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ state: Schema.String, open: Schema.Int, dead: Schema.Int }))
)
