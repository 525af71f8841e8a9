import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Duration } from "effect"
import { rulesOf } from "../../../src/config/settings/RiskSettings.ts"
import { LedgerAccountId } from "../../../src/domain/ledger/LedgerAccount.ts"
import { AssetCode } from "../../../src/domain/money/Asset.ts"
import * as Currency from "../../../src/domain/money/Currency.ts"
import { assess, remainingOf, type WalletState } from "../../../src/domain/risk/Assessment.ts"
import * as Denial from "../../../src/domain/risk/Denial.ts"
import type { MovementFacts } from "../../../src/domain/risk/MovementFacts.ts"
import type { RiskRules } from "../../../src/domain/risk/RiskRules.ts"
import * as Usage from "../../../src/domain/risk/Usage.ts"
import { WalletId } from "../../../src/domain/wallets/Wallet.ts"

const decimal = (text: string) => BigDecimal.fromStringUnsafe(text)
const NOW = DateTime.makeUnsafe("2026-11-30T10:59:59.999Z")
const HOUR = Usage.hourAt(NOW, [])
const USD = AssetCode.make("USD")
const DOLLAR = Currency.get(USD)

const RULES = rulesOf({
  hourCount: 3,
  dayCount: 5,
  hourValue: decimal("1000"),
  dayValue: decimal("2000"),
  assetHourCount: 1000,
  assetDayCount: 1000,
  assetHourValue: decimal("1000000"),
  assetDayValue: decimal("1000000"),
  unpriced: "review",
  reviewValue: decimal("100"),
  newAccountAge: Duration.days(1),
  newDeviceAge: Duration.hours(1),
  balanceShare: decimal("0.8"),
  depositWindow: Duration.minutes(10),
  circularWindow: Duration.hours(1),
  smallOrderValue: decimal("10"),
  smallOrders: 2,
  failedLogins: 5
})

const usage = (fields: Partial<Usage.Usage> = {}): Usage.Usage => ({
  asset: USD,
  hour: HOUR,
  hourCount: 0,
  hourValue: decimal("0"),
  hourSmallOrders: 0,
  dayCount: 0,
  dayValue: decimal("0"),
  previousDayValue: decimal("0"),
  dayAmount: decimal("0"),
  ...fields
})

const run = (
  facts: Partial<MovementFacts> & { readonly amount: BigDecimal.BigDecimal },
  state: Partial<WalletState> = {},
  rules: Partial<RiskRules> = {}
) => {
  const movement: MovementFacts = {
    kind: "transfer",
    wallet: WalletId.make("01900000-0000-7000-8000-000000000000"),
    account: LedgerAccountId.make("1"),
    asset: USD,
    value: facts.amount,
    counterparty: undefined,
    userSince: DateTime.makeUnsafe(0),
    deviceSince: undefined,
    failedLogins: undefined,
    ...facts
  }
  const complete: WalletState = {
    usages: [],
    available: decimal("1000000"),
    received: decimal("0"),
    returned: decimal("0"),
    deposited: decimal("0"),
    ...state
  }
  const { fired, outcome } = assess({ ...RULES, ...rules }, movement, complete, HOUR, NOW)
  return { outcome, rules: fired.map(({ detail, rule }) => `${rule} ${detail}`), fired }
}

const ago = (duration: Duration.Input) => DateTime.subtractDuration(NOW, duration)

describe("velocity", () => {
  it("allows up to a limit of value, and denies the smallest unit above it", () => {
    const usages = [usage({ hourCount: 1, hourValue: decimal("900"), dayCount: 1, dayValue: decimal("900") })]
    assert.strictEqual(run({ amount: decimal("100") }, { usages }).outcome, "allow")
    const denied = run({ amount: decimal("100.01") }, { usages })
    assert.deepInclude(denied, { outcome: "deny", rules: ["velocity hour_value"] })
    assert.deepInclude(Denial.ofRules(denied.fired, DOLLAR), {
      remaining: "100.00",
      unit: "USD",
      resetsAt: DateTime.makeUnsafe("2026-11-30T11:00:00Z")
    })
  })

  it("allows up to a limit of movements, and denies the next", () => {
    const usages = (hourCount: number) => [usage({ hourCount, dayCount: hourCount })]
    assert.strictEqual(run({ amount: decimal("1") }, { usages: usages(2) }).outcome, "allow")
    const denied = run({ amount: decimal("1") }, { usages: usages(3) })
    assert.deepInclude(denied, { outcome: "deny", rules: ["velocity hour_count"] })
    assert.strictEqual(remainingOf(denied.fired)?.unit, "count")
  })

  it("counts all assets together, and reports the limit that resets last", () => {
    const usages = [
      usage({ hourCount: 1, hourValue: decimal("500"), dayCount: 1, dayValue: decimal("1000") }),
      usage({
        asset: AssetCode.make("EUR"),
        hourCount: 1,
        hourValue: decimal("500"),
        dayCount: 1,
        dayValue: decimal("1000")
      })
    ]
    const denied = run({ amount: decimal("0.01") }, { usages })
    assert.deepStrictEqual(denied.rules, ["velocity hour_value", "velocity day_value"])
    assert.deepStrictEqual(remainingOf(denied.fired)?.resetsAt, DateTime.makeUnsafe("2026-12-01T00:00:00Z"))
  })

  it("limits each asset on its own", () => {
    const strict = { asset_velocity: { ...RULES.asset_velocity, hour_value: decimal("10") } }
    assert.deepStrictEqual(run({ amount: decimal("10") }, {}, strict).outcome, "allow")
    assert.deepStrictEqual(run({ amount: decimal("10.01") }, {}, strict).rules, ["asset_velocity hour_value"])
    const other = [
      usage({ asset: AssetCode.make("EUR"), hourCount: 1, hourValue: decimal("10"), dayCount: 1 })
    ]
    assert.strictEqual(run({ amount: decimal("10") }, { usages: other }, strict).outcome, "allow")
  })

  it("applies the configured outcome if the asset has no price", () => {
    const unpriced = { amount: decimal("1"), value: undefined }
    assert.strictEqual(run(unpriced).outcome, "review")
    for (const outcome of ["allow", "deny"] as const) {
      const rules = {
        velocity: { ...RULES.velocity, unpriced: outcome },
        asset_velocity: { ...RULES.asset_velocity, unpriced: outcome }
      }
      const found = run(unpriced, {}, rules)
      assert.strictEqual(found.outcome, outcome)
      // Recorded also if it is allowed.
      assert.strictEqual(found.fired.length, 2)
    }
  })
})

describe("new account and new device", () => {
  for (const [rule, fact] of [
    ["new_account", "userSince"],
    ["new_device", "deviceSince"]
  ] as const) {
    const age = rule === "new_account" ? "1 day" : "1 hour"
    const at = (since: DateTime.Utc, amount: string, state: Partial<WalletState> = {}) =>
      run({ amount: decimal(amount), [fact]: since }, { available: decimal("1000"), ...state })

    it(`${rule} is young up to ${age}`, () => {
      const young = DateTime.addDuration(ago(age), "1 millis")
      assert.deepInclude(at(young, "800"), { outcome: "review" })
      assert.match(at(young, "800").rules[0] ?? "", new RegExp(`^${rule} `))
      assert.strictEqual(at(ago(age), "800").outcome, "allow")
    })

    it(`${rule} fires from the share of the balance, also in parts`, () => {
      const young = ago("1 minute")
      assert.strictEqual(at(young, "799.99").outcome, "allow")
      assert.strictEqual(at(young, "800").outcome, "review")
      // 500 of 1000 left before: 300 more are 80 percent.
      const usages = [
        usage({
          hourCount: 1,
          dayCount: 1,
          hourValue: decimal("500"),
          dayValue: decimal("500"),
          dayAmount: decimal("500")
        })
      ]
      assert.strictEqual(at(young, "299.99", { usages, available: decimal("500") }).outcome, "allow")
      assert.strictEqual(at(young, "300", { usages, available: decimal("500") }).outcome, "review")
    })

    it(`${rule} ignores what is worth less than the smallest value`, () => {
      const young = ago("1 minute")
      assert.strictEqual(at(young, "99.99", { available: decimal("99.99") }).outcome, "allow")
      assert.strictEqual(at(young, "100", { available: decimal("100") }).outcome, "review")
    })
  }
})

describe("deposit followed by a withdrawal", () => {
  const withdraw = (amount: string, deposited: string) =>
    run({ kind: "withdrawal", amount: decimal(amount) }, { deposited: decimal(deposited) })

  it("fires from the share of the deposit", () => {
    assert.strictEqual(withdraw("399.99", "500").outcome, "allow")
    assert.deepInclude(withdraw("400", "500"), {
      outcome: "review",
      rules: ["deposit_withdrawal withdraws what was just deposited"]
    })
    assert.strictEqual(withdraw("400", "0").outcome, "allow")
    assert.strictEqual(withdraw("99.99", "100").outcome, "allow")
  })

  it("says nothing about the rule where it denies", () => {
    const denied = run(
      { kind: "withdrawal", amount: decimal("400") },
      { deposited: decimal("500") },
      { deposit_withdrawal: { ...RULES.deposit_withdrawal, outcome: "deny" } }
    )
    assert.strictEqual(denied.outcome, "deny")
    assert.deepInclude(Denial.ofRules(denied.fired, DOLLAR), {
      detail: "This movement is not allowed; ask the operator",
      remaining: null
    })
  })
})

describe("circular transfers", () => {
  it("counts only what was received", () => {
    const back = (amount: string, received: string) =>
      run({ amount: decimal(amount) }, { received: decimal(received) }).outcome
    assert.strictEqual(back("500", "99.99"), "allow")
    assert.strictEqual(back("500", "100"), "review")
    assert.strictEqual(back("99.99", "500"), "allow")
    assert.strictEqual(back("500", "0"), "allow")
  })

  it("counts what was returned before, until everything was returned", () => {
    const back = (amount: string, received: string, returned: string) =>
      run({ amount: decimal(amount) }, { received: decimal(received), returned: decimal(returned) }).outcome
    assert.strictEqual(back("50", "100", "49.99"), "allow")
    assert.strictEqual(back("50", "100", "50"), "review")
    assert.strictEqual(back("0.01", "500", "99.99"), "review")
    assert.strictEqual(back("50", "99.99", "50"), "allow")
    assert.strictEqual(back("50", "500", "500"), "allow")
  })
})

describe("small orders", () => {
  it("allows a number of small orders per hour, and any number of larger ones", () => {
    const order = (amount: string, hourSmallOrders: number) =>
      run({ kind: "order", amount: decimal(amount) }, { usages: [usage({ hourSmallOrders })] })
    assert.strictEqual(order("10", 1).outcome, "allow")
    assert.deepInclude(order("10", 2), {
      outcome: "deny",
      rules: ["small_orders too many small orders in an hour"]
    })
    assert.strictEqual(order("10.01", 2).outcome, "allow")
  })
})

describe("failed logins", () => {
  it("fires from the number of failures, for large movements out of the wallet", () => {
    const after = (failedLogins: number, amount: string, kind: MovementFacts["kind"] = "transfer") =>
      run({ kind, failedLogins, amount: decimal(amount) }).outcome
    assert.strictEqual(after(4, "100"), "allow")
    assert.strictEqual(after(5, "100"), "review")
    assert.strictEqual(after(5, "99.99"), "allow")
    assert.strictEqual(after(5, "100", "conversion"), "allow")
  })
})

describe("all rules", () => {
  it("the strictest outcome wins, and a rule that is off never fires", () => {
    const movement = { amount: decimal("1000.01"), failedLogins: 9 }
    assert.deepInclude(run(movement), {
      outcome: "deny",
      rules: ["velocity hour_value", "failed_logins 9 failed logins before"]
    })
    const off = { velocity: { ...RULES.velocity, enabled: false } }
    assert.strictEqual(run(movement, {}, off).outcome, "review")
  })
})

describe("Usage", () => {
  it("starts again with the hour, and with the day in UTC", () => {
    const used = usage({ hourCount: 2, hourValue: decimal("5"), dayCount: 3, dayValue: decimal("9") })
    const at = (time: string) => {
      const hour = Usage.hourAt(DateTime.makeUnsafe(time), [used])
      const { dayCount, hourCount } = Usage.total([used], hour)
      return [hourCount, dayCount]
    }
    assert.deepStrictEqual(at("2026-11-30T10:59:59.999Z"), [2, 3])
    assert.deepStrictEqual(at("2026-11-30T11:00:00.000Z"), [0, 3])
    assert.deepStrictEqual(at("2026-11-30T23:59:59.999Z"), [0, 3])
    assert.deepStrictEqual(at("2026-12-01T00:00:00.000Z"), [0, 0])
  })

  it("never counts for an earlier hour than another node", () => {
    const used = usage({ hourCount: 2, dayCount: 2 })
    const hour = Usage.hourAt(DateTime.makeUnsafe("2026-11-30T09:59:59.999Z"), [used])
    assert.strictEqual(hour, used.hour)
    assert.strictEqual(Usage.total([used], hour).hourCount, 2)
  })
})
