import { DateTime, Effect, Schema } from "effect"
import { Database } from "../../../platform/postgres/Database.ts"

const Waiting = Schema.Struct({
  kind: Schema.Literals([
    "quarantine",
    "deposits",
    "withdrawals",
    "reviews",
    "adjustments",
    "dead_batches",
    "open_orders"
  ]),
  count: Schema.Int,
  oldestAt: Schema.NullOr(Schema.DateTimeUtcFromDate)
})
const decode = Schema.decodeUnknownEffect(Schema.Array(Waiting))

/** Items that wait, and since when. */
export interface Backlog {
  readonly count: number
  readonly oldestAt: DateTime.Utc | null
}

/** Everything that waits for an administrator or for a provider, by kind. */
export type Backlogs = Readonly<Record<(typeof Waiting.Type)["kind"], Backlog>>

const NOTHING: Backlog = { count: 0, oldestAt: null }

/** Counts what waits, in one statement. */
export const make = Effect.map(Database, ({ execute, sql }) =>
  Effect.gen(function* () {
    const now = DateTime.toDateUtc(yield* DateTime.now)
    const rows = yield* execute(sql`
      SELECT 'quarantine' AS kind, count(*)::int AS count, min(recorded_at) AS oldest_at
        FROM quarantined_rate WHERE status = 'pending'
      UNION ALL SELECT direction || 's', count(*)::int, min(requested_at)
        FROM funding_request WHERE state = 'pending' GROUP BY direction
      UNION ALL SELECT 'reviews', count(*)::int, min(decision.at)
        FROM risk_review AS review JOIN risk_decision AS decision ON decision.id = review.decision_id
        WHERE review.expires_at > ${now}
          AND NOT EXISTS (SELECT FROM risk_review_end AS ended WHERE ended.review_id = review.id)
      UNION ALL SELECT 'adjustments', count(*)::int, min(requested_at)
        FROM ledger_adjustment WHERE state = 'pending'
      UNION ALL SELECT 'dead_batches', count(*)::int, min(dead_at)
        FROM settlement_batch WHERE dead_at IS NOT NULL
      UNION ALL SELECT 'open_orders', count(*)::int, min(created_at)
        FROM customer_order WHERE state IN ('pending', 'aggregated', 'submitted')`)
    const found = new Map((yield* Effect.orDie(decode(rows))).map(({ kind, ...backlog }) => [kind, backlog]))
    const of = (kind: keyof Backlogs) => found.get(kind) ?? NOTHING
    const backlogs: Backlogs = {
      quarantine: of("quarantine"),
      deposits: of("deposits"),
      withdrawals: of("withdrawals"),
      reviews: of("reviews"),
      adjustments: of("adjustments"),
      dead_batches: of("dead_batches"),
      open_orders: of("open_orders")
    }
    return backlogs
  }).pipe(Effect.withSpan("Backlog.read"))
)
