import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Layer, Metric, Option, Result } from "effect"
import { ApiKeyRepo } from "../../src/access/ApiKeyRepo.ts"
import { ApiKeys } from "../../src/access/ApiKeys.ts"
import { AdminActions } from "../../src/accounts/AdminActions.ts"
import type { TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import * as RiskMetrics from "../../src/platform/metrics/RiskMetrics.ts"
import { Reviews } from "../../src/risk/Reviews.ts"
import { Statement } from "../../src/wallets/Statement.ts"
import { Wallets } from "../../src/wallets/Wallets.ts"
import * as Callers from "../support/Callers.ts"
import * as TestReviews from "../support/TestReviews.ts"
import * as TestRisk from "../support/TestRisk.ts"
import * as TestWallets from "../support/TestWallets.ts"

const { changeRules, decisionsOf, send } = TestRisk
const { decide } = TestReviews

/** A user whose transfer of 200 USD to another is held. */
const held = Effect.fnUntraced(function* (name: string, key?: string, apiKey?: string) {
  const from = yield* TestWallets.user(name, { USD: "500" })
  const to = yield* TestWallets.user(`${name}-friend`)
  const test = yield* TestRisk.TestFacts
  test.facts = { failedLogins: 5 }
  const sent = yield* send(from, `${name}-friend`, "200", {
    ...(key === undefined ? {} : { key }),
    ...(apiKey === undefined ? {} : { owner: `${apiKey} for ${from.userId}`, requestedBy: apiKey })
  })
  test.facts = {}
  assert.isTrue(sent.isHeld)
  return { from, to, id: sent.id }
})

const stateOf = (id: TransferId) =>
  Effect.flatMap(Reviews, ({ find }) => Effect.map(find(id), (review) => Option.getOrThrow(review).state))

// Holds expire by the time of the database.
const LIVE = { excludeTestServices: true }

layer(TestReviews.layer({ RISK_REVIEW_VALUE: "100", RISK_REVIEW_EXPIRY: "1 second" }), LIVE)(
  "Reviews that expire",
  (it) => {
    it.effect("free the money, and end for whoever decides afterwards", () =>
      Effect.gen(function* () {
        const { from, id, to } = yield* held("expired")
        assert.strictEqual(yield* stateOf(id), "pending")
        while ((yield* stateOf(id)) === "pending") yield* Effect.sleep("50 millis")
        for (const how of ["approve", "reject"] as const)
          assert.include(yield* Effect.flip(decide(how, id)), { _tag: "ReviewDecided", state: "expired" })
        assert.deepStrictEqual(yield* TestWallets.balances(to), [])
        assert.deepStrictEqual(yield* TestWallets.balances(from), ["USD 500"])
      })
    )
  }
)

layer(TestReviews.layer({ RISK_REVIEW_VALUE: "100" }), LIVE)("Reviews", (it) => {
  it.effect("an approved transfer moves the held money, with the note and parties of the request", () =>
    Effect.gen(function* () {
      const { from, id, to } = yield* held("approved")
      assert.deepStrictEqual(yield* TestWallets.balances(from), ["USD 300"])
      assert.deepStrictEqual(yield* TestWallets.balances(to), [])
      const review = yield* decide("approve", id)
      assert.include(review, { state: "approved", decidedBy: "user:administrator", reason: "approve it" })
      assert.deepStrictEqual(yield* TestWallets.balances(from), ["USD 300"])
      assert.deepStrictEqual(yield* TestWallets.balances(to), ["USD 200"])
      assert(review.transfer !== null)
      const [row] = yield* (yield* Statement).transaction(to.id, review.transfer)
      assert(row !== undefined)
      assert.deepStrictEqual([row.kind, row.counterparty, row.id], ["transfer", "approved", review.transfer])
      assert.deepStrictEqual(yield* decisionsOf(from), ["review failed_logins 5 failed logins before"])
      const [action] = yield* (yield* AdminActions).list({ subject: id, before: undefined, limit: 1 })
      assert.deepInclude(action, { action: "risk.review.approve", reason: "approve it" })
    })
  )

  it.effect("a rejected transfer releases the money", () =>
    Effect.gen(function* () {
      const { from, id, to } = yield* held("rejected")
      assert.include(yield* decide("reject", id), { state: "rejected" })
      assert.deepStrictEqual(yield* TestWallets.balances(from), ["USD 500"])
      assert.deepStrictEqual(yield* TestWallets.balances(to), [])
      const again = yield* Effect.flip(decide("approve", id))
      assert.include(again, { _tag: "ReviewDecided", state: "rejected" })
    })
  )

  it.effect("of twenty concurrent decisions on two nodes, one counts", () =>
    Effect.gen(function* () {
      const { from, id, to } = yield* held("race")
      const second = yield* Layer.build(Layer.fresh(TestReviews.node))
      const results = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, n) => n),
        (n) => {
          const one = Effect.result(decide(n % 3 === 0 ? "reject" : "approve", id))
          return n % 2 === 0 ? one : Effect.provideContext(one, second)
        },
        { concurrency: "unbounded" }
      )
      const [winner, ...others] = results.filter(Result.isSuccess)
      assert(winner !== undefined && others.length === 0)
      for (const result of results.filter(Result.isFailure))
        assert.deepInclude(result.failure, { _tag: "ReviewDecided", state: winner.success.state })
      const moved = winner.success.state === "approved"
      assert.deepStrictEqual(yield* TestWallets.balances(from), [moved ? "USD 300" : "USD 500"])
      assert.deepStrictEqual(yield* TestWallets.balances(to), moved ? ["USD 200"] : [])
    })
  )

  it.effect("a held transfer is the outcome of its key, before and after the decision", () =>
    Effect.gen(function* () {
      const { from, id } = yield* held("key", "key")
      assert.deepStrictEqual(yield* send(from, "key-friend", "200", { key: "key" }), {
        id,
        isHeld: true,
        replayed: true
      })
      yield* decide("approve", id)
      assert.deepStrictEqual(yield* send(from, "key-friend", "200", { key: "key" }), {
        id,
        isHeld: true,
        replayed: true
      })
      assert.deepStrictEqual(yield* TestWallets.balances(from), ["USD 300"])
    })
  )

  it.effect("nobody decides on a movement from or to their own wallet", () =>
    Effect.gen(function* () {
      const { from, id, to } = yield* held("own")
      for (const { userId } of [from, to])
        for (const how of ["approve", "reject"] as const)
          assert.strictEqual((yield* Effect.flip(decide(how, id, `user:${userId}`)))._tag, "OwnReview")
      assert.strictEqual(yield* stateOf(id), "pending")
    })
  )

  it.effect("an API key does not decide on what it requested for a user", () =>
    Effect.gen(function* () {
      const { from, id } = yield* held("keyed", undefined, "key-1")
      for (const how of ["approve", "reject"] as const)
        assert.strictEqual((yield* Effect.flip(decide(how, id, "key-1")))._tag, "OwnReview")
      assert.include(yield* decide("reject", id, "key-2"), { state: "rejected" })
      assert.deepStrictEqual(yield* TestWallets.balances(from), ["USD 500"])
    })
  )

  it.effect(
    "the owner of an API key does not decide on what it requested with another key of the same name",
    () =>
      Effect.gen(function* () {
        const [requester, renewed, other] = [
          yield* Callers.withScopes("wallets"),
          yield* Callers.withScopes("wallets"),
          yield* Callers.withScopes("admin")
        ]
        const { from, id } = yield* held("renewed", undefined, requester.id)
        for (const how of ["approve", "reject"] as const)
          assert.strictEqual((yield* Effect.flip(decide(how, id, renewed.id)))._tag, "OwnReview")
        assert.include(yield* decide("reject", id, other.id), { state: "rejected" })
        assert.deepStrictEqual(yield* TestWallets.balances(from), ["USD 500"])
      }).pipe(Effect.provide(ApiKeys.layer.pipe(Layer.provide(ApiKeyRepo.layer))))
  )

  it.effect("a frozen account keeps the review pending", () =>
    Effect.gen(function* () {
      const { from, id, to } = yield* held("frozen")
      const { setFrozen } = yield* Ledger
      const [account] = yield* (yield* Wallets).accountsOf(from.id)
      assert(account !== undefined)
      yield* setFrozen(account.id, true)
      assert.strictEqual((yield* Effect.flip(decide("approve", id)))._tag, "ReviewRefused")
      assert.strictEqual(yield* stateOf(id), "pending")
      yield* setFrozen(account.id, false)
      yield* decide("approve", id)
      assert.deepStrictEqual(yield* TestWallets.balances(to), ["USD 200"])
    })
  )

  it.effect("what exceeds the balance is refused, not held", () =>
    Effect.gen(function* () {
      const poor = yield* TestWallets.user("poor", { USD: "150" })
      yield* TestWallets.user("poor-friend")
      const test = yield* TestRisk.TestFacts
      test.facts = { failedLogins: 5 }
      assert.strictEqual((yield* Effect.flip(send(poor, "poor-friend", "200")))._tag, "InsufficientFunds")
      test.facts = {}
      assert.deepStrictEqual(yield* decisionsOf(poor), [])
    })
  )

  it.effect("returning a large amount to its sender is held, and a repayment of another is not", () =>
    Effect.gen(function* () {
      const lender = yield* TestWallets.user("lender", { USD: "1000" })
      const borrower = yield* TestWallets.user("borrower", { USD: "1000" })
      yield* TestWallets.user("stranger")
      yield* send(lender, "borrower", "150")
      assert.isFalse((yield* send(borrower, "stranger", "150")).isHeld)
      assert.isFalse((yield* send(borrower, "lender", "99")).isHeld)
      assert.isTrue((yield* send(borrower, "lender", "150")).isHeld)
      yield* changeRules(({ circular_transfer }) => ({
        circular_transfer: { ...circular_transfer, window: Duration.seconds(1) }
      }))
      yield* Effect.sleep("1100 millis")
      assert.isFalse((yield* send(borrower, "lender", "150")).isHeld)
    })
  )

  it.effect("lists reviews by state, newest first, and measures those that wait", () =>
    Effect.gen(function* () {
      const { measure, page } = yield* Reviews
      const pending = yield* page("pending", undefined, 100)
      assert.isTrue(pending.length > 0 && pending.every(({ state }) => state === "pending"))
      const [first, ...rest] = yield* page(undefined, undefined, 100)
      assert(first !== undefined)
      assert.deepStrictEqual(
        (yield* page(undefined, first.id, 100)).map(({ id }) => id),
        rest.map(({ id }) => id)
      )
      yield* measure
      assert.isAbove(yield* Metric.value(RiskMetrics.openReviews).pipe(Effect.map(({ value }) => value)), 0)
    })
  )

  it.effect("leaves a ledger that verifies", () =>
    Effect.gen(function* () {
      const { verify } = yield* Effect.provide(LedgerVerifier, LedgerVerifier.layer)
      assert.include(yield* verify, { ok: true })
    })
  )
})
