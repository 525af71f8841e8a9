import { DateTime, Duration, Effect } from "effect"
import { Settings } from "../../config/Settings.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { type CheckResult, ok, warning } from "./CheckResult.ts"

/** Age of an unsealed conversion that causes a warning. */
const MAX_SEAL_DELAY = Duration.minutes(1)

/** Checks the stored data: the rates are fresh and the audit is sealed. */
export const run = Effect.gen(function* () {
  return [yield* checkRates, yield* checkAudit]
})

const checkRates = Effect.gen(function* () {
  const { pairs, staleAfter } = yield* Settings
  const { sql } = yield* Database
  const rows = yield* sql<{ pair: string; ageMillis: number; isFuture: boolean }>`
    SELECT source_currency || ':' || destination_currency AS pair, is_future(observed_at) AS is_future,
      (extract(epoch FROM clock_timestamp() - observed_at) * 1000)::float8 AS age_millis
    FROM latest_rate`
  const supported = new Set(pairs.all.map(({ key }) => key))
  const known = rows.filter(({ pair }) => supported.has(pair))
  const ages = known.map(({ ageMillis }) => ageMillis)
  const oldest = Duration.seconds(Math.floor(Math.max(0, ...ages) / 1000))
  const future = known.filter(({ isFuture }) => isFuture).map(({ pair }) => pair)
  if (future.length > 0)
    return warning(
      "rates",
      `the latest rates of ${future.length} pairs, such as ${future[0]}, are from the future, because a clock was wrong; they are not used`,
      "Poll, or run `effex rates repair`"
    )
  const found = `${known.length} of ${supported.size} supported pairs have a rate`
  const advice =
    "Run `effex serve` to poll, or `effex poll --once` to poll now; `effex poller` shows the schedule"
  if (known.length < supported.size) return warning("rates", found, advice)
  return Duration.isGreaterThan(oldest, staleAfter)
    ? warning("rates", `the oldest rate is stale: ${Duration.format(oldest)} old`, advice)
    : ok("rates", `${found}; the oldest rate is ${Duration.format(oldest)} old`)
})

const checkAudit = Effect.gen(function* () {
  const { sql } = yield* Database
  const [row] = yield* sql<{ count: number; since: Date | null }>`
    SELECT count(*)::int AS count, min(converted_at) AS since
    FROM audit_unsealed JOIN conversion_audit ON id = audit_id`
  const now = DateTime.toEpochMillis(yield* DateTime.now)
  const oldestWait = Duration.millis(now - (row?.since?.getTime() ?? now))
  const found = `${row?.count ?? 0} unsealed conversions`
  const result: CheckResult = Duration.isGreaterThan(oldestWait, MAX_SEAL_DELAY)
    ? warning(
        "audit",
        `${found}, the oldest waiting for ${Duration.format(oldestWait)}`,
        "Check that `effex serve` is running; it seals them"
      )
    : ok("audit", found)
  return result
})
