import { assert, describe, it } from "@effect/vitest"
import type { Overview } from "../../src/client/promise/admin/OperationValues.ts"
import { concernsOf } from "../../web/src/admin/Attention.ts"

const NOTHING = { count: 0, oldestAt: null }
const since = (day: number) => ({ count: 2, oldestAt: new Date(Date.UTC(2026, 10, day)) })

const CALM = {
  quarantine: NOTHING,
  deposits: NOTHING,
  withdrawals: NOTHING,
  reviews: NOTHING,
  adjustments: NOTHING,
  deadBatches: NOTHING,
  openOrders: since(30)
}

const overview = (
  backlog: Partial<NonNullable<Overview["backlog"]>> | null,
  alerts: Overview["alerts"] = [],
  funding: "sandbox" | "manual" = "manual"
): Pick<Overview, "alerts" | "backlog" | "instance"> => ({
  alerts,
  backlog: backlog === null ? null : { ...CALM, ...backlog },
  instance: { version: "0", sandbox: false, funding, exchange: "off" }
})

const keysOf = (state: Parameters<typeof concernsOf>[0]) =>
  concernsOf(state).map(({ key, severity }) => `${severity} ${key.split(" ")[0]}`)

describe("concernsOf", () => {
  it("is empty while nothing waits for an administrator, also with open orders", () => {
    assert.deepStrictEqual(concernsOf(overview({})), [])
  })

  it("puts critical alerts first, then warnings, then what waits, the oldest first", () => {
    const alerts: Overview["alerts"] = [
      {
        alert: "EffexRatesQuarantined",
        severity: "warning",
        summary: "2 quarantined rates await a decision"
      },
      { alert: "EffexDatabaseFails", severity: "critical", summary: "The database does not respond" }
    ]
    const state = overview({ reviews: since(29), deposits: since(28), quarantine: since(27) }, alerts)
    assert.deepStrictEqual(keysOf(state), [
      "critical EffexDatabaseFailsThe",
      "warning quarantine",
      "waiting deposits",
      "waiting reviews"
    ])
  })

  it("keeps the alerts of a backlog that could not be read", () => {
    const alerts: Overview["alerts"] = [
      { alert: "EffexSettlementDead", severity: "critical", summary: "1 batch was given up" }
    ]
    assert.deepStrictEqual(keysOf(overview(null, alerts)), ["critical EffexSettlementDead1"])
    assert.deepStrictEqual(keysOf(overview({ deadBatches: since(30) }, alerts)), ["critical deadBatches"])
  })

  it("does not ask for decisions that the sandbox makes", () => {
    assert.deepStrictEqual(
      concernsOf(overview({ deposits: since(1), withdrawals: since(1) }, [], "sandbox")),
      []
    )
  })

  it("leads to the page of each concern", () => {
    const [concern] = concernsOf(overview({ deadBatches: { count: 1, oldestAt: new Date() } }))
    assert.deepInclude(concern, { path: "/admin/orders?show=dead", title: "1 batch of orders was given up" })
  })
})
