import { Context, Duration, Effect, Layer, Metric, Schema } from "effect"
import * as LeaderElection from "../platform/LeaderElection.ts"
import * as ClusterMetrics from "../platform/metrics/ClusterMetrics.ts"
import * as LedgerMetrics from "../platform/metrics/LedgerMetrics.ts"
import { trackInFlight } from "../platform/metrics/MetricSeries.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { LedgerVerifier } from "./LedgerVerifier.ts"

/** Pause between two rounds of ending expired holds. Their money is free before that, because postings and reads look at the time. */
const INTERVAL = Duration.seconds(1)
/** Pause between two counts of dead row versions and open holds. */
const MEASURE_INTERVAL = Duration.seconds(15)
/** Pause between two verifications, which can take hours in a large ledger. */
const VERIFY_INTERVAL = Duration.hours(1)
/** Accounts whose expired holds one statement ends. */
const MAX_ACCOUNTS = 256
/** Time for which the outcome of an idempotency key is stored. */
export const OUTCOME_RETENTION = Duration.days(90)
/** Outcomes that one statement deletes. */
const MAX_DELETED = 1000

const NAME = "ledger"

/** Makes the background work: it never ends, and repeats what failed. */
export const makeLoop = Effect.gen(function* () {
  const { deleteOutcomes, expireHolds, measure } = yield* LedgerMaintenance
  const { verify } = yield* LedgerVerifier

  const check = Effect.andThen(
    deleteOutcomes,
    Effect.tap(verify, (verification) =>
      verification.ok
        ? Effect.void
        : Effect.logError(
            `The ledger is wrong at ${subjectOf(verification)}: ${verification.reason}. Stop movements, and run effex ledger verify`
          )
    )
  )

  const repeat = (work: Effect.Effect<unknown, StoreUnavailable>, pause: Duration.Duration) =>
    logFailure(work).pipe(Effect.andThen(Effect.sleep(pause)), Effect.forever)

  // Verifying takes long: holds are ended and measured meanwhile.
  return Effect.all(
    [repeat(expireHolds, INTERVAL), repeat(measure, MEASURE_INTERVAL), repeat(check, VERIFY_INTERVAL)],
    { concurrency: "unbounded", discard: true }
  ).pipe(Effect.andThen(Effect.never))
})

/** Background work of the ledger: ends expired holds, deletes old outcomes, measures, and verifies. */
export class LedgerMaintenance extends Context.Service<
  LedgerMaintenance,
  {
    /** Ends all expired holds, and returns their number. */
    readonly expireHolds: Effect.Effect<number, StoreUnavailable>
    /** Deletes outcomes older than {@link OUTCOME_RETENTION}, and returns their number. */
    readonly deleteOutcomes: Effect.Effect<number, StoreUnavailable>
    /** Updates the metrics of dead row versions and open holds. */
    readonly measure: Effect.Effect<void, StoreUnavailable>
  }
>()("effex/ledger/LedgerMaintenance") {
  static readonly layer = Layer.effect(
    LedgerMaintenance,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database

      /** Repeats a statement until it has nothing left to do. */
      const repeatUntilDone = Effect.fnUntraced(function* (
        statement: Effect.Effect<number, StoreUnavailable>
      ) {
        let total = 0
        for (;;) {
          const count = yield* statement
          total += count
          if (count === 0) return total
        }
      })

      const expireHolds = repeatUntilDone(
        Effect.flatMap(execute(sql`SELECT ledger_expire_holds(${MAX_ACCOUNTS}) AS count`), (rows) =>
          Effect.map(Effect.orDie(decodeCount(rows)), ([{ count }]) => count)
        )
      ).pipe(Effect.withSpan("LedgerMaintenance.expireHolds"))

      const deleteOutcomes = repeatUntilDone(
        Effect.map(
          execute(sql`
            DELETE FROM ledger_outcome WHERE (principal, key) IN (
              SELECT principal, key FROM ledger_outcome
              WHERE created_at < clock_timestamp() - make_interval(secs => ${Duration.toSeconds(OUTCOME_RETENTION)})
              ORDER BY created_at LIMIT ${MAX_DELETED})
            RETURNING 1`),
          (rows) => rows.length
        )
      ).pipe(Effect.withSpan("LedgerMaintenance.deleteOutcomes"))

      const measure = Effect.gen(function* () {
        const rows = yield* execute(sql`
          SELECT coalesce(pg_stat_get_dead_tuples('ledger_account'::regclass), 0)::int AS dead,
            (SELECT count(*) FROM ledger_open_hold)::int AS holds,
            coalesce((SELECT extract(epoch FROM clock_timestamp() - min(transfer.posted_at)) FROM ledger_open_hold AS open
              JOIN ledger_hold AS hold ON hold.id = open.hold_id
              JOIN ledger_transfer AS transfer ON transfer.id = hold.transfer_id), 0)::float8 AS oldest`)
        const [{ dead, holds, oldest }] = yield* Effect.orDie(decodeMeasurement(rows))
        yield* Metric.update(LedgerMetrics.deadAccountRows, dead)
        yield* Metric.update(LedgerMetrics.openHolds, holds)
        yield* Metric.update(LedgerMetrics.oldestHold, Math.max(0, oldest))
      }).pipe(Effect.withSpan("LedgerMaintenance.measure"))

      return LedgerMaintenance.of({ expireHolds, deleteOutcomes, measure })
    })
  )

  /** Runs the background work on the leader of the cluster. */
  static readonly layerBackground = Layer.unwrap(
    Effect.map(makeLoop, (loop) =>
      LeaderElection.singleton(NAME, loop.pipe(trackInFlight(ClusterMetrics.isLeader.of({ task: NAME }))))
    )
  )
}

const subjectOf = ({
  account,
  transfer
}: {
  readonly account: string | null
  readonly transfer: string | null
}) => (account !== null ? `account ${account}` : transfer !== null ? `transfer ${transfer}` : "the totals")

const logFailure = <A, R>(work: Effect.Effect<A, StoreUnavailable, R>) =>
  Effect.catch(Effect.asVoid(work), (error) =>
    Effect.logWarning("Background work of the ledger failed; retrying", error)
  )

const decodeCount = Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ count: Schema.Int })]))
const decodeMeasurement = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.Struct({ dead: Schema.Int, holds: Schema.Int, oldest: Schema.Finite })])
)
