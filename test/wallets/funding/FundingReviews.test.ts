import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { TransferId } from "../../../src/domain/ledger/LedgerPosting.ts"
import type { FundingRequest } from "../../../src/domain/wallets/Funding.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { ReviewDecisions } from "../../../src/risk/ReviewDecisions.ts"
import { Reviews } from "../../../src/risk/Reviews.ts"
import { FundingRepo } from "../../../src/wallets/funding/FundingRepo.ts"
import { FundingSettler } from "../../../src/wallets/funding/FundingSettler.ts"
import * as TestFunding from "../../support/TestFunding.ts"
import * as TestReviews from "../../support/TestReviews.ts"
import * as TestRisk from "../../support/TestRisk.ts"
import * as TestWallets from "../../support/TestWallets.ts"

/** A withdrawal of 200 US dollars that waits for a review. */
const held = Effect.fnUntraced(function* (name: string) {
  const user = yield* TestWallets.user(name, { USD: "500" })
  const test = yield* TestRisk.TestFacts
  test.facts = { failedLogins: 5 }
  const { request } = yield* TestFunding.request(user, "withdrawal", "200")
  test.facts = {}
  assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 300"])
  return { request, user }
})

const decisionOn = ({ id }: FundingRequest) => ({
  id: TransferId.make(id),
  principal: "user:administrator",
  reason: "checked"
})

/** Asks for the outcome of all pending requests now. */
const settle = Effect.gen(function* () {
  const { execute, sql } = yield* Database
  yield* execute(sql`UPDATE funding_request SET check_at = requested_at WHERE state = 'pending'`)
  yield* (yield* FundingSettler).settleDue
})

/** Reads every review as it is after its expiry, although an administrator has decided. */
const outdated = Layer.effect(
  Reviews,
  Effect.map(Reviews, (reviews) =>
    Reviews.of({
      ...reviews,
      find: (id) =>
        Effect.map(
          reviews.find(id),
          Option.map((review) => ({ ...review, state: "expired" as const }))
        )
    })
  )
)

layer(
  TestFunding.node.pipe(
    Layer.provideMerge(Layer.mergeAll(TestFunding.ScriptedProvider.layer, FundingRepo.layer)),
    Layer.provideMerge(TestReviews.layer({ RISK_REVIEW_VALUE: "100" }))
  ),
  { excludeTestServices: true }
)("Withdrawals that wait for a review", (it) => {
  it.effect("keep their money if the review is approved while the settler takes it for expired", () =>
    Effect.gen(function* () {
      const { request, user } = yield* held("raced")
      yield* (yield* ReviewDecisions).approve(decisionOn(request))
      yield* Effect.provide(settle, FundingSettler.layer.pipe(Layer.provide(outdated), Layer.fresh))
      assert.strictEqual((yield* TestFunding.stored(request)).state, "pending")
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 300"])
      const provider = yield* TestFunding.ScriptedProvider
      provider.find = () => Effect.succeedSome({ state: "completed", reference: "PAID" })
      yield* settle
      assert.strictEqual((yield* TestFunding.stored(request)).state, "completed")
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 300"])
    })
  )

  it.effect("get it back if the review is rejected", () =>
    Effect.gen(function* () {
      const { request, user } = yield* held("rejected")
      yield* settle
      assert.strictEqual((yield* TestFunding.stored(request)).state, "pending")
      yield* (yield* ReviewDecisions).reject(decisionOn(request))
      yield* settle
      assert.deepInclude(yield* TestFunding.stored(request), {
        state: "failed",
        reason: "The withdrawal was rejected"
      })
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 500"])
    })
  )
})
