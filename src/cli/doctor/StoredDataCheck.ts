import { DateTime, Duration, Effect } from "effect"
import { Settings } from "../../config/Settings.ts"
import type { AssetCode, AssetKind } from "../../domain/money/Asset.ts"
import { AssetPair, keyOf } from "../../domain/money/AssetPair.ts"
import { PRICE_CURRENCY } from "../../domain/money/SupportedPairs.ts"
import * as Freshness from "../../domain/rates/Freshness.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { type CheckResult, ok, warning } from "./CheckResult.ts"

interface LatestRate {
  readonly from: AssetCode
  readonly to: AssetCode
  readonly isFuture: boolean
  readonly observedAt: Date
  readonly now: Date
}

/** Age of an unsealed conversion that causes a warning. */
const MAX_SEAL_DELAY = Duration.minutes(1)

/** Number of dead row versions of ledger accounts that causes a warning. Autovacuum starts at 1000. */
const MAX_DEAD_ROWS = 10_000

/** Age of a deposit or withdrawal without an outcome that causes a warning. */
const MAX_FUNDING_AGE = Duration.days(1)

/**
 * Checks the stored data: the rates are fresh, the audit is sealed, the accounts of the ledger are vacuumed, and deposits
 * and withdrawals are decided and real.
 */
export const run = Effect.gen(function* () {
  return [yield* checkRates, yield* checkAudit, yield* checkLedger, yield* checkFunding]
})

const checkFunding = Effect.gen(function* () {
  const { funding } = yield* Settings
  const { sql } = yield* Database
  const [row] = yield* sql<{ count: number; oldest: number; hasSandboxMoney: boolean }>`
    SELECT count(*)::int AS count,
      coalesce(extract(epoch FROM clock_timestamp() - min(requested_at)), 0)::float8 AS oldest,
      EXISTS (SELECT FROM funding_request WHERE provider = 'sandbox' AND state = 'completed') AS has_sandbox_money
    FROM funding_request WHERE state = 'pending'`
  if (funding !== "sandbox" && row?.hasSandboxMoney === true)
    return warning(
      "funding",
      "balances contain money of the sandbox, which was never paid",
      "Use a new database for real money, or correct the balances with adjustments"
    )
  const age = Duration.seconds(Math.floor(row?.oldest ?? 0))
  const found = `${row?.count ?? 0} deposits and withdrawals are pending`
  return Duration.isGreaterThan(age, MAX_FUNDING_AGE)
    ? warning(
        "funding",
        `${found}, the oldest for ${Duration.format(age)}`,
        "`effex funding list --state pending` shows them; confirm or refuse them"
      )
    : ok("funding", found)
})

const checkLedger = Effect.gen(function* () {
  const { sql } = yield* Database
  const [row] = yield* sql<{ dead: number; oldest: number }>`
    SELECT coalesce(pg_stat_get_dead_tuples('ledger_account'::regclass), 0)::int AS dead,
      coalesce((SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) FROM pg_stat_activity
        WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()), 0)::float8 AS oldest`
  const dead = row?.dead ?? 0
  const found = `${dead} dead row versions of ledger accounts`
  const age = Duration.format(Duration.seconds(Math.floor(row?.oldest ?? 0)))
  return dead > MAX_DEAD_ROWS
    ? warning(
        "ledger",
        `${found}, which slow every transfer down; the oldest transaction is ${age} old`,
        "End old transactions, check that autovacuum is on, and run VACUUM ledger_account"
      )
    : ok("ledger", found)
})

const checkRates = Effect.gen(function* () {
  const { pairs, staleAfter } = yield* Settings
  const { sql } = yield* Database
  const assets = yield* sql<{ code: AssetCode; kind: AssetKind; state: string }>`
    SELECT code, kind, state FROM asset WHERE kind <> 'currency'`
  const kinds = new Map(assets.map(({ code, kind }) => [code, kind]))
  const { ageAt } = Freshness.make(staleAfter, (code) => kinds.get(code) ?? "currency")
  const rows = yield* sql<LatestRate>`
    SELECT source_currency AS "from", destination_currency AS "to", is_future(observed_at) AS is_future, observed_at,
      clock_timestamp() AS now
    FROM latest_rate`
  const prices = assets.flatMap(({ code, state }) =>
    state === "listed" ? [keyOf(code, PRICE_CURRENCY)] : []
  )
  const supported = new Set([...pairs.all.map(({ key }) => key), ...prices])
  const known = rows
    .map((row) => ({ ...row, pair: keyOf(row.from, row.to) }))
    .filter(({ pair }) => supported.has(pair))
  const ages = known.map(({ from, now, observedAt, to }) =>
    Duration.toSeconds(
      ageAt(
        { pair: new AssetPair({ from, to }), observedAt: DateTime.fromDateUnsafe(observedAt) },
        DateTime.fromDateUnsafe(now)
      )
    )
  )
  const oldest = Duration.seconds(Math.floor(Math.max(0, ...ages)))
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
