import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Result } from "effect"
import { inspect } from "node:util"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import { AdminActions } from "../../src/accounts/AdminActions.ts"
import { AuditId } from "../../src/domain/conversion/AuditId.ts"
import type { TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { RateIngest } from "../../src/rates/RateIngest.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import { ReviewDecisions } from "../../src/risk/ReviewDecisions.ts"
import { Reviews } from "../../src/risk/Reviews.ts"
import { WalletConversions } from "../../src/wallets/WalletConversions.ts"
import { pairOf, tick } from "../support/RateTicks.ts"
import * as TestReviews from "../support/TestReviews.ts"
import * as TestRisk from "../support/TestRisk.ts"
import * as TestWallets from "../support/TestWallets.ts"
import * as Requests from "../support/WalletConversionRequests.ts"

const { convertHeld, decide, heldConversion: held } = TestReviews
const { balances } = TestWallets

const reviewOf = (id: TransferId) =>
  Effect.flatMap(Reviews, ({ find }) => Effect.map(find(id), Option.getOrThrow))

// Holds expire by the time of the database.
const LIVE = { excludeTestServices: true }

layer(TestReviews.layer({ RISK_REVIEW_EXPIRY: "1 second", CONVERSION_MARGIN: "0" }), LIVE)(
  "Held conversions that expire",
  (it) => {
    it.effect("free their money without being ended, and are not approved afterwards", () =>
      Effect.gen(function* () {
        yield* Requests.setRate("1500")
        const { id, wallet } = yield* held("slow")
        assert.deepStrictEqual(yield* balances(wallet), ["USD 60"])
        while ((yield* reviewOf(id)).state === "pending") yield* Effect.sleep("50 millis")
        for (const how of ["approve", "reject"] as const)
          assert.include(yield* Effect.flip(decide(how, id)), { _tag: "ReviewDecided", state: "expired" })
        assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
        assert.deepStrictEqual(yield* Requests.recordsOf(wallet), [])
      })
    )
  }
)

layer(TestReviews.layer({ CONVERSION_MARGIN: "0" }), LIVE)("Held conversions", (it) => {
  it.effect("hold the amount, and have no record before the approval", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { id, review, wallet } = yield* held("waiting", { reference: "rent" })
      assert.deepStrictEqual(yield* balances(wallet), ["USD 60"])
      assert.deepStrictEqual(yield* Requests.recordsOf(wallet), [])
      assert.include(review, { state: "pending", order: null })
      assert.deepInclude(
        { ...review.conversion },
        {
          to: AssetCode.make("NGN"),
          amount: "40",
          amount_type: "source",
          output_amount: "60000.00",
          quote_id: null,
          reference: "rent"
        }
      )
      const { stateOf } = yield* WalletConversions
      assert.deepStrictEqual(yield* stateOf(wallet, id), Option.some({ review }))
      const stranger = yield* TestWallets.user("stranger")
      assert.deepStrictEqual(yield* stateOf(stranger, id), Option.none())
      yield* decide("reject", id)
    })
  )

  it.effect("are exchanged at the latest rate after the approval, with a record of the user", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("100")
      const { id, wallet } = yield* held("approved", { pair: pairOf("USD", "KES"), reference: "rent" })
      const { insert } = yield* RateRepo
      yield* (yield* RateIngest).publish(yield* insert(yield* tick("USD", "KES", "110")))
      const { state, transfer } = yield* decide("approve", id)
      assert.strictEqual(state, "approved")
      assert(transfer !== null)
      assert.deepStrictEqual(yield* balances(wallet), ["KES 4400", "USD 60"])
      const [record, ...others] = yield* Requests.recordsOf(wallet)
      assert.deepStrictEqual(others, [])
      assert.deepInclude(record, {
        audit_id: AuditId.make(transfer),
        input_amount: "40.00",
        output_amount: "4400.00",
        reference: "rent"
      })
      const { byId } = yield* WalletConversions
      const found = Option.getOrThrow(yield* byId(wallet, AuditId.make(transfer)))
      assert.deepStrictEqual(
        found.rows.map(({ asset, kind }) => [kind, asset]),
        [
          ["conversion", "USD"],
          ["conversion", "KES"]
        ]
      )
      assert.deepStrictEqual(yield* Requests.imbalances, [])
    })
  )

  it.effect("use a quote that is still open", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const wallet = yield* TestWallets.user("quoted", { USD: "100" })
      const quoteId = yield* Requests.quote(wallet, "40")
      const { review } = yield* convertHeld(wallet, { quoteId })
      yield* decide("approve", review.id)
      const [record] = yield* Requests.recordsOf(wallet)
      assert.strictEqual(record?.quote_id, quoteId)
      assert.deepStrictEqual(yield* balances(wallet), ["NGN 60000", "USD 60"])
    })
  )

  it.effect("use a quote once: the approval of another conversion with it is refused", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const wallet = yield* TestWallets.user("quoted-twice", { USD: "100" })
      const quoteId = yield* Requests.quote(wallet, "40")
      const first = yield* convertHeld(wallet, { quoteId, key: "first" })
      const second = yield* convertHeld(wallet, { quoteId, key: "second" })
      yield* decide("approve", first.review.id)
      assert.deepInclude(yield* Effect.flip(decide("approve", second.review.id)), {
        _tag: "ReviewRefused",
        message: "The quote of the conversion was used by another one; reject the review"
      })
      assert.deepStrictEqual(yield* balances(wallet), ["NGN 60000", "USD 20"])
      yield* decide("reject", second.review.id)
      assert.deepStrictEqual(yield* balances(wallet), ["NGN 60000", "USD 60"])
      assert.strictEqual((yield* Requests.recordsOf(wallet)).length, 1)
    })
  )

  it.effect("exchange what is held, also if a target was requested", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const wallet = yield* TestWallets.user("target", { USD: "100" })
      const { review } = yield* convertHeld(wallet, { amountType: "target" }, "30000")
      assert.deepStrictEqual(yield* balances(wallet), ["USD 80"])
      assert.deepInclude({ ...review.conversion }, { amount: "30000", amount_type: "target" })
      yield* decide("approve", review.id)
      assert.deepStrictEqual(yield* balances(wallet), ["NGN 30000", "USD 80"])
    })
  )

  it.effect("give the money back after the rejection", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { id, wallet } = yield* held("rejected")
      assert.include(yield* decide("reject", id), { state: "rejected" })
      assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
      assert.deepStrictEqual(yield* Requests.recordsOf(wallet), [])
      assert.include(yield* Effect.flip(decide("approve", id)), { _tag: "ReviewDecided", state: "rejected" })
    })
  )

  it.effect("are the outcome of their key, before and after the decision", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { id, wallet } = yield* held("again", { key: "key" })
      const again = Requests.request(wallet, "40", { key: "key" })
      for (const state of ["pending", "approved"] as const) {
        if (state === "approved") yield* decide("approve", id)
        const replay = yield* again
        assert("review" in replay && replay.replayed)
        assert.include(replay.review, { id, state })
      }
      assert.deepStrictEqual(yield* balances(wallet), ["NGN 60000", "USD 60"])
    })
  )

  it.effect("are decided on once by twenty administrators on two nodes", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { id, wallet } = yield* held("race")
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
      const isApproved = winner.success.state === "approved"
      assert.deepStrictEqual(yield* balances(wallet), isApproved ? ["NGN 60000", "USD 60"] : ["USD 100"])
      assert.strictEqual((yield* Requests.recordsOf(wallet)).length, isApproved ? 1 : 0)
    })
  )

  it.effect("stay held as a whole if a step of the decision fails", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const broken = Layer.effect(
        AdminActions,
        Effect.map(AdminActions, (actions) =>
          AdminActions.of({ ...actions, record: () => Effect.die("killed") })
        )
      )
      const { id, wallet } = yield* held("killed")
      const decisions = yield* Effect.provide(
        ReviewDecisions,
        ReviewDecisions.layer.pipe(Layer.provide(broken), Layer.fresh)
      )
      const exit = yield* Effect.exit(
        decisions.approve({ id, principal: "user:administrator", reason: "why" })
      )
      assert.strictEqual(exit._tag, "Failure")
      assert.include(yield* reviewOf(id), { state: "pending" })
      assert.deepStrictEqual(yield* balances(wallet), ["USD 60"])
      assert.deepStrictEqual(yield* Requests.recordsOf(wallet), [])
      yield* decide("approve", id)
      assert.deepStrictEqual(yield* balances(wallet), ["NGN 60000", "USD 60"])
    })
  )

  it.effect("are not approved by an earlier version, which knows no record", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { sql } = yield* Database
      const { id } = yield* held("outdated")
      const error = yield* Effect.flip(sql`
        INSERT INTO risk_review_end (review_id, outcome, principal, reason, at, transfer_id)
        VALUES (${id}, 'approved', 'user:administrator', 'by an earlier version', now(), ${id})`)
      assert.include(inspect(error, { depth: 10 }), "without its record in the audit")
      assert.include(yield* reviewOf(id), { state: "pending" })
      yield* decide("reject", id)
    })
  )

  it.effect("count for the limits when they are held, and not again when they are approved", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { id, wallet } = yield* held("counted")
      const usage = yield* TestRisk.usageOf(wallet)
      assert.strictEqual(usage[0]?.hourCount, 1)
      yield* decide("approve", id)
      assert.deepStrictEqual(yield* TestRisk.usageOf(wallet), usage)
    })
  )

  it.effect("leave a ledger that verifies", () =>
    Effect.gen(function* () {
      const { verify } = yield* Effect.provide(LedgerVerifier, LedgerVerifier.layer)
      assert.include(yield* verify, { ok: true })
    })
  )
})
