import { assert, layer } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as TestRisk from "../support/TestRisk.ts"
import * as TestWallets from "../support/TestWallets.ts"

const { changeRules, decisionsOf, send } = TestRisk

const LIMITS = {
  RISK_HOUR_VALUE: "1000000",
  RISK_DAY_VALUE: "1000000",
  RISK_REVIEW_VALUE: "100"
}
const REVIEW = "review circular_transfer returns money to its sender"

layer(TestRisk.layer(LIMITS))("Circular transfers", (it) => {
  it.effect("hold the part with which a return reaches the limit, one after the other", () =>
    Effect.gen(function* () {
      const sender = yield* TestWallets.user("sender", { USD: "1000" })
      const other = yield* TestWallets.user("other", { USD: "1000" })
      yield* TestWallets.user("third")
      yield* send(sender, "other", "60")
      yield* send(sender, "other", "60")
      // Money for others is not returned.
      assert.isFalse((yield* send(other, "third", "99")).isHeld)
      for (const amount of ["40", "40", "19.99"])
        assert.isFalse((yield* send(other, "sender", amount)).isHeld, amount)
      assert.isTrue((yield* send(other, "sender", "0.01")).isHeld)
      assert.deepStrictEqual(yield* decisionsOf(other), [REVIEW])
    })
  )

  it.effect("hold it too if the parts are sent at once", () =>
    Effect.gen(function* () {
      const giver = yield* TestWallets.user("giver", { USD: "500" })
      const taker = yield* TestWallets.user("taker", { USD: "1000" })
      yield* send(giver, "taker", "99")
      yield* send(giver, "taker", "99")
      const sent = yield* Effect.forEach(["30", "30", "30", "30"], (part) => send(taker, "giver", part), {
        concurrency: "unbounded"
      })
      assert.strictEqual(sent.filter(({ isHeld }) => isHeld).length, 1)
      assert.deepStrictEqual(yield* decisionsOf(taker), [REVIEW])
    })
  )

  // The clock stands at midnight.
  it.effect("hold a return in parts before and after midnight, whichever window the rule has", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      for (const [name, days, hours] of [
        ["day", 1, 1],
        ["week", 7, 72]
      ] as const) {
        yield* changeRules(({ circular_transfer }) => ({
          circular_transfer: { ...circular_transfer, window: Duration.days(days) }
        }))
        const debtor = yield* TestWallets.user(`${name}-debtor`, { USD: "1000" })
        const lender = yield* TestWallets.user(`${name}-lender`, { USD: "1000" })
        yield* send(lender, `${name}-debtor`, "200")
        assert.isFalse((yield* send(debtor, `${name}-lender`, "60")).isHeld)
        yield* sql`UPDATE risk_usage SET hour = hour - make_interval(hours => ${hours})`
        assert.isFalse((yield* send(debtor, `${name}-lender`, "39")).isHeld)
        assert.isTrue((yield* send(debtor, `${name}-lender`, "1")).isHeld)
        assert.deepStrictEqual(yield* decisionsOf(debtor), [REVIEW])
      }
    })
  )
})
