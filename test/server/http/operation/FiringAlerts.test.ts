import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration } from "effect"
import { readFileSync } from "node:fs"
import * as FiringAlerts from "../../../../src/server/http/operation/FiringAlerts.ts"

const NOW = DateTime.makeUnsafe("2026-11-30T12:00:00Z")
const NOTHING = { count: 0, oldestAt: null }
const since = (duration: Duration.Input) => ({ count: 2, oldestAt: DateTime.subtractDuration(NOW, duration) })
const OK = { status: "ok" } as const

const HEALTHY: FiringAlerts.AlertFacts = {
  now: NOW,
  readiness: {
    status: "ok",
    checks: {
      database: OK,
      redis: { status: "off" },
      provider: { name: "flutterwave", ...OK },
      rates: { ...OK, known: 44, expected: 44, oldestAgeSeconds: 30 },
      clock: { ...OK, skewSeconds: 0.1 },
      audit: OK,
      providers: [{ name: "flutterwave", ...OK }]
    }
  },
  staleAfter: Duration.minutes(10),
  pollInterval: Duration.minutes(10),
  latestPolls: [{ succeeded: 44 }, { succeeded: 0 }, { succeeded: 0 }],
  backlogs: {
    quarantine: since("10 minutes"),
    deposits: since("2 hours"),
    withdrawals: NOTHING,
    reviews: since("5 hours"),
    adjustments: since("30 days"),
    dead_batches: NOTHING,
    open_orders: since("2 minutes")
  },
  oldestUnsealedSeconds: 1,
  isLedgerBroken: false
}

const withChecks = (checks: Partial<FiringAlerts.AlertFacts["readiness"]["checks"]>) => ({
  ...HEALTHY,
  readiness: { ...HEALTHY.readiness, checks: { ...HEALTHY.readiness.checks, ...checks } }
})

const withBacklog = (backlog: Partial<NonNullable<FiringAlerts.AlertFacts["backlogs"]>>) => ({
  ...HEALTHY,
  ...(HEALTHY.backlogs === undefined ? {} : { backlogs: { ...HEALTHY.backlogs, ...backlog } })
})

const cases: ReadonlyArray<readonly [string, FiringAlerts.AlertFacts]> = [
  ["EffexRatesStale", withChecks({ rates: { ...OK, known: 44, expected: 44, oldestAgeSeconds: 1801 } })],
  ["EffexRatesMissing", withChecks({ rates: { ...OK, known: 40, expected: 44, oldestAgeSeconds: 30 } })],
  ["EffexPollsFail", { ...HEALTHY, latestPolls: [{ succeeded: 0 }, { succeeded: 0 }, { succeeded: 0 }] }],
  ["EffexProviderFails", withChecks({ providers: [{ name: "fixer", status: "degraded", detail: "401" }] })],
  ["EffexClockSkew", withChecks({ clock: { ...OK, skewSeconds: -3 } })],
  ["EffexRatesQuarantined", withBacklog({ quarantine: since("31 minutes") })],
  ["EffexDatabaseFails", withChecks({ database: { status: "down" } })],
  ["EffexRedisDown", withChecks({ redis: { status: "down" } })],
  ["EffexAuditSealRefused", withChecks({ audit: { status: "degraded" } })],
  ["EffexAuditNotSealed", { ...HEALTHY, oldestUnsealedSeconds: 61 }],
  ["EffexLedgerBroken", { ...HEALTHY, isLedgerBroken: true }],
  ["EffexSettlementDead", withBacklog({ dead_batches: since("1 minute") })],
  ["EffexOrdersUnsettled", withBacklog({ open_orders: since("31 minutes") })],
  ["EffexReviewsWaiting", withBacklog({ reviews: since("25 hours") })],
  ["EffexFundingPending", withBacklog({ withdrawals: since("25 hours") })]
]

describe("FiringAlerts", () => {
  it("returns nothing for a healthy service with work that waits", () => {
    assert.deepStrictEqual(FiringAlerts.of(HEALTHY), [])
    const isOff = { ...withChecks({ rates: { ...OK, known: 40, expected: 44, oldestAgeSeconds: 9000 } }) }
    assert.deepStrictEqual(FiringAlerts.of({ ...isOff, pollInterval: undefined }), [])
  })

  it.each(cases)("returns %s while its condition holds", (alert, facts) => {
    assert.deepStrictEqual(
      FiringAlerts.of(facts).map((firing) => firing.alert),
      [alert]
    )
  })

  it("returns critical alerts first, with the names and severities that Prometheus has", () => {
    const all = FiringAlerts.of({
      ...withChecks({ database: { status: "down" }, redis: { status: "down" } }),
      isLedgerBroken: true
    })
    assert.deepStrictEqual(
      all.map(({ severity }) => severity),
      ["critical", "critical", "warning"]
    )
    const rules = readFileSync(new URL("../../../../ops/prometheus/alerts.yml", import.meta.url), "utf8")
    for (const [name, facts] of cases) {
      const rule = rules.split(/^ +- alert: /m).find((text) => text.startsWith(`${name}\n`))
      const severity = /severity: (\w+)/.exec(rule ?? "")?.[1]
      assert.strictEqual(FiringAlerts.of(facts)[0]?.severity, severity, name)
    }
  })
})
