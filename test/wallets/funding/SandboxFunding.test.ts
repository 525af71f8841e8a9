import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Metric } from "effect"
import { TestClock } from "effect/testing"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import { Ledger } from "../../../src/ledger/Ledger.ts"
import * as DatabaseMetrics from "../../../src/platform/metrics/DatabaseMetrics.ts"
import { FundingClient } from "../../../src/wallets/funding/FundingClient.ts"
import { FundingRepo } from "../../../src/wallets/funding/FundingRepo.ts"
import { FundingSettler } from "../../../src/wallets/funding/FundingSettler.ts"
import { Statement } from "../../../src/wallets/Statement.ts"
import * as TestFunding from "../../support/TestFunding.ts"
import * as TestWallets from "../../support/TestWallets.ts"

/** Lets the settler run once after some seconds. */
const settleAfter = Effect.fnUntraced(function* (seconds: number) {
  yield* TestClock.adjust(seconds * 1000)
  yield* (yield* FundingSettler).settleDue
})

/** Waits until no call is in progress: it would time out when the clock moves. */
const awaitDatabase = Effect.gen(function* () {
  while ((yield* Metric.value(DatabaseMetrics.callsInFlight)).value > 0)
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
})

layer(TestFunding.layer(FundingClient.layerSandbox))("The sandbox of payments", (it) => {
  it.effect("credits a deposit and pays a withdrawal at once, from and to the account funding", () =>
    Effect.gen(function* () {
      const ann = yield* TestWallets.user("ann")
      const { request: deposit } = yield* TestFunding.request(ann, "deposit", "10.5", { note: "salary" })
      assert.deepInclude(deposit, { state: "completed", reference: `sandbox:${deposit.id}`, settledBy: null })
      const { request: withdrawal } = yield* TestFunding.request(ann, "withdrawal", "4")
      assert.strictEqual(withdrawal.state, "completed")
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["USD 6.5"])
      const trial = yield* (yield* Ledger).trialBalance(undefined)
      assert.deepStrictEqual(
        trial.map(({ asset, balance, role }) => `${asset} ${role} ${Decimal.format(balance)}`),
        ["USD funding -6.5", "USD user 6.5"]
      )
      const rows = yield* (yield* Statement).transaction(ann.id, deposit.transferId ?? assert.fail())
      assert.deepStrictEqual(
        rows.map(({ kind, note, reference }) => ({ kind, note, reference })),
        [{ kind: "deposit", note: "salary", reference: deposit.reference }]
      )
    })
  )

  it.effect("later: pending, and completed by the settler after the time", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("later")
      const { request } = yield* TestFunding.request(user, "deposit", "1", { note: "sandbox:later 10" })
      assert.strictEqual(request.state, "pending")
      yield* settleAfter(9)
      assert.strictEqual((yield* TestFunding.stored(request)).state, "pending")
      yield* settleAfter(10)
      assert.strictEqual((yield* TestFunding.stored(request)).state, "completed")
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 1"])
    })
  )

  it.effect("never: stays pending, and is asked less and less often", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("never", { USD: "1" })
      const { request } = yield* TestFunding.request(user, "withdrawal", "1", { note: "sandbox:never" })
      const { settleDue } = yield* FundingSettler
      let asked = 0
      for (let second = 0; second < 600; second += 10) {
        yield* TestClock.adjust("10 seconds")
        asked += yield* settleDue
      }
      assert.strictEqual((yield* TestFunding.stored(request)).state, "pending")
      assert.isAbove(asked, 5)
      assert.isBelow(asked, 30)
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 0"])
    })
  )

  it.effect("fail and unknown notes: failed with a reason, and the hold is released", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("fail", { USD: "1" })
      for (const [note, reason] of [
        ["sandbox:fail", /asked to fail/],
        ["sandbox:fial", /sandbox:fail/]
      ] as const) {
        const { request } = yield* TestFunding.request(user, "withdrawal", "1", { note })
        assert.strictEqual(request.state, "failed")
        assert.match(request.reason ?? "", reason)
        assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 1"])
        const { request: deposit } = yield* TestFunding.request(user, "deposit", "1", { note })
        assert.deepInclude(deposit, { state: "failed", transferId: null })
      }
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 1"])
    })
  )

  it.effect("lost: an answer that is lost after the payment is not a failure, and moves the money once", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("lost", { USD: "5" })
      const note = "sandbox:lost"
      const { request: deposit } = yield* TestFunding.request(user, "deposit", "1", { note })
      const { request: withdrawal } = yield* TestFunding.request(user, "withdrawal", "2", { note })
      assert.deepStrictEqual([deposit.state, withdrawal.state], ["pending", "pending"])
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 3"])
      yield* settleAfter(3)
      yield* settleAfter(3)
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 4"])
      assert.strictEqual((yield* TestFunding.stored(withdrawal)).state, "completed")
    })
  )

  it.effect("down: unknown answers keep the request pending until the provider answers again", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("down")
      const { request } = yield* TestFunding.request(user, "deposit", "1", { note: "sandbox:down 8" })
      yield* settleAfter(4)
      assert.strictEqual((yield* TestFunding.stored(request)).state, "pending")
      yield* settleAfter(6)
      assert.strictEqual((yield* TestFunding.stored(request)).state, "completed")
    })
  )

  it.effect("twice: the same answer to the settler and to the request moves the money once", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("twice")
      const { page } = yield* FundingRepo
      const pending = page({ wallet: user.id }, undefined, 1)
      const running = yield* Effect.forkChild(
        TestFunding.request(user, "deposit", "1", { note: "sandbox:twice" })
      )
      while ((yield* pending).length === 0) yield* Effect.yieldNow
      yield* awaitDatabase
      yield* settleAfter(3)
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 1"])
      yield* TestClock.adjust("1 second")
      const { request } = yield* Fiber.join(running)
      assert.strictEqual(request.state, "completed")
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 1"])
    })
  )
})
