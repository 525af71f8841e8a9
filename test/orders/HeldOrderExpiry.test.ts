import { assert, layer } from "@effect/vitest"
import { Effect, References } from "effect"
import { Database } from "../../src/platform/postgres/Database.ts"
import { HeldOrderDecisions } from "../../src/risk/HeldDecisions.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestReviews from "../support/TestReviews.ts"
import * as TestWallets from "../support/TestWallets.ts"

const { list, place, stateOf } = TestOrders

/** More than one page of the orders whose review has expired. */
const STUCK = 101

// Reviews expire by the time of the node.
layer(TestReviews.layer({ RISK_REVIEW_EXPIRY: "1 second" }), { excludeTestServices: true })(
  "The expiry of held orders",
  (it) => {
    it.effect("ends an order although many before it cannot be ended", () =>
      Effect.gen(function* () {
        yield* list("STUK", "10")
        const stuck = yield* TestWallets.user("stuck", { USD: "1000" })
        const late = yield* TestWallets.user("late", { USD: "100" })
        const { last } = yield* TestReviews.unpriced(
          Effect.gen(function* () {
            yield* Effect.replicateEffect(place(stuck, "buy", "STUK", "0.1"), STUCK, { discard: true })
            return { last: yield* place(late, "buy", "STUK", "1") }
          })
        )
        const { sql } = yield* Database
        yield* sql`
          CREATE FUNCTION refuse_stuck() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN RAISE EXCEPTION 'stuck' USING ERRCODE = 'restrict_violation'; END $$`
        yield* sql`
          CREATE TRIGGER stuck BEFORE UPDATE ON customer_order FOR EACH ROW
            WHEN (NEW.wallet_id = ${sql.literal(`'${stuck.id}'`)}) EXECUTE FUNCTION refuse_stuck()`
        const decisions = yield* HeldOrderDecisions
        // A warning for each order that is stuck.
        const expireDue = Effect.provideService(decisions.expireDue, References.MinimumLogLevel, "Error")
        // All are due once the last one is.
        while ((yield* expireDue) <= STUCK) yield* Effect.sleep("50 millis")
        assert.deepStrictEqual(yield* stateOf(last.order), ["failed", "review-expired", "0", "0"])
        yield* sql`DROP TRIGGER stuck ON customer_order`
        assert.strictEqual(yield* expireDue, STUCK)
        assert.strictEqual(yield* expireDue, 0)
        assert.strictEqual(yield* TestOrders.openHolds, 0)
      })
    )
  }
)
