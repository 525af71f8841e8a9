import { DateTime, Duration, Effect } from "effect"
import { Settings } from "../../config/Settings.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { type Finding, ok, warning } from "./Finding.ts"

/** How long a conversion may wait for its seal before somebody should look. */
const LONGEST_WAIT = Duration.minutes(1)

/** Whether what is kept is as it should be: fresh rates, a sealed audit. */
export const examine = Effect.gen(function* () {
  return [yield* examineRates, yield* examineAudit]
})

const examineRates = Effect.gen(function* () {
  const { pairs, staleAfter } = yield* Settings
  const { sql } = yield* Database
  const rows = yield* sql<{ pair: string; observedAt: Date }>`
    SELECT source_currency || ':' || destination_currency AS pair, observed_at FROM latest_rate`
  const offered = new Set(pairs.all.map(({ key }) => key))
  const known = rows.filter(({ pair }) => offered.has(pair))
  const now = DateTime.toEpochMillis(yield* DateTime.now)
  const ages = known.map(({ observedAt }) => now - observedAt.getTime())
  const oldest = Duration.seconds(Math.floor(Math.max(0, ...ages) / 1000))
  const found = `${known.length} of ${offered.size} pairs have one`
  const advice = "`effex serve` polls them and `effex poll --once` does now; `effex poller` says how often"
  if (known.length < offered.size) return warning("rates", found, advice)
  return Duration.isGreaterThan(oldest, staleAfter)
    ? warning("rates", `the oldest is ${Duration.format(oldest)} old, and stale`, advice)
    : ok("rates", `${found}; the oldest is ${Duration.format(oldest)} old`)
})

const examineAudit = Effect.gen(function* () {
  const { sql } = yield* Database
  const [row] = yield* sql<{ count: number; since: Date | null }>`
    SELECT count(*)::int AS count, min(converted_at) AS since
    FROM audit_unsealed JOIN conversion_audit ON id = audit_id`
  const now = DateTime.toEpochMillis(yield* DateTime.now)
  const waits = Duration.millis(now - (row?.since?.getTime() ?? now))
  const found = `${row?.count ?? 0} conversions wait for their seal`
  const finding: Finding = Duration.isGreaterThan(waits, LONGEST_WAIT)
    ? warning(
        "audit",
        `${found}, the first for ${Duration.format(waits)}`,
        "`effex serve` seals them: is one running?"
      )
    : ok("audit", found)
  return finding
})
