import { assert, layer } from "@effect/vitest"
import { BigDecimal, Cause, DateTime, Duration, Effect, Exit, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { Database } from "../../src/platform/postgres/Database.ts"
import { RiskRuleSettings } from "../../src/risk/RiskRuleSettings.ts"
import * as TestRisk from "../support/TestRisk.ts"
import * as TestWallets from "../support/TestWallets.ts"

const { changeRules, decisionsOf, send, usageOf } = TestRisk

/** Runs effects with the services of another node on the same database. */
const secondNode = Effect.map(
  Layer.build(Layer.fresh(TestRisk.node)),
  (context) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.provideContext(effect, context)
)

const LIMITS = {
  RISK_HOUR_VALUE: "1000",
  RISK_DAY_VALUE: "3000",
  RISK_HOUR_COUNT: "30",
  RISK_REVIEW_VALUE: "100000"
}

layer(TestRisk.layer(LIMITS))("RiskGate", (it) => {
  it.effect("never exceeds a limit, with 20 concurrent transfers at 90 % of it on two nodes", () =>
    Effect.gen(function* () {
      const ann = yield* TestWallets.user("ann", { USD: "10000", EUR: "10000" })
      yield* TestWallets.user("ben")
      const { prices } = yield* TestRisk.TestFacts
      prices.set("EUR", "1")
      const second = yield* secondNode
      yield* send(ann, "ben", "850")
      const results = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, n) => n),
        (n) => {
          // Two assets, so that the accounts alone would not serialize the transfers.
          const one = Effect.result(send(ann, "ben", "100", { asset: n % 3 === 0 ? "EUR" : "USD" }))
          return n % 2 === 0 ? one : second(one)
        },
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter(Result.isSuccess).length, 1)
      for (const result of results.filter(Result.isFailure))
        assert.include(result.failure, { _tag: "MovementDenied", remaining: "50.00", unit: "USD" })
      const usage = yield* usageOf(ann)
      assert.strictEqual(
        usage.reduce((sum, { hourValue }) => sum + Number(hourValue), 0),
        950
      )
      yield* send(ann, "ben", "50")
      assert.include(yield* Effect.flip(send(ann, "ben", "0.01")), { remaining: "0.00" })
    })
  )

  it.effect("does not count what fails, also if it is in one batch with the others", () =>
    Effect.gen(function* () {
      const poor = yield* TestWallets.user("poor", { USD: "501" })
      yield* TestWallets.user("rich")
      // Finds the accounts, so that the others are posted together.
      yield* send(poor, "rich", "1")
      // The first one exceeds the balance; if it counted, the others would exceed the limit.
      const results = yield* Effect.forEach(
        ["900", "100", "100", "100", "100", "100"],
        (amount) => Effect.result(send(poor, "rich", amount)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        results.map((result) => (Result.isSuccess(result) ? "Sent" : result.failure._tag)),
        ["InsufficientFunds", "Sent", "Sent", "Sent", "Sent", "Sent"]
      )
      assert.deepStrictEqual(yield* usageOf(poor), [
        { asset: "USD", hourCount: 6, hourValue: "501", dayCount: 6, dayValue: "501" }
      ])
      assert.deepStrictEqual(yield* decisionsOf(poor), [])
    })
  )

  it.effect("allows as many movements as the limit, and tells when there are more", () =>
    Effect.gen(function* () {
      const many = yield* TestWallets.user("many", { USD: "100" })
      yield* TestWallets.user("few")
      const results = yield* Effect.forEach(
        Array.from({ length: 40 }),
        () => Effect.result(send(many, "few", "1")),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter(Result.isSuccess).length, 30)
      const denied = results.find(Result.isFailure)
      assert.include(denied?.failure, { _tag: "MovementDenied", remaining: "0", unit: "movements" })
      yield* TestClock.adjust("1 hour")
      yield* send(many, "few", "1")
    })
  )

  it.effect("denials are the outcome of their key, and posted transfers stay posted", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("sticky", { USD: "5000" })
      yield* TestWallets.user("target")
      const first = yield* send(user, "target", "1000", { key: "posted" })
      const denied = yield* Effect.flip(send(user, "target", "500", { key: "denied" }))
      assert.strictEqual(denied._tag, "MovementDenied")
      yield* TestClock.adjust("1 hour")
      // The limit would allow it now.
      assert.deepStrictEqual(yield* Effect.flip(send(user, "target", "500", { key: "denied" })), denied)
      assert.deepStrictEqual(
        yield* (yield* secondNode)(Effect.flip(send(user, "target", "500", { key: "denied" }))),
        denied
      )
      yield* send(user, "target", "1000", { key: "another" })
      // A limit that is used up does not change the outcome of a key.
      assert.deepStrictEqual(yield* send(user, "target", "1000", { key: "posted" }), {
        ...first,
        replayed: true
      })
      assert.strictEqual(
        (yield* Effect.flip(send(user, "target", "1", { key: "denied" })))._tag,
        "IdempotencyMismatch"
      )
      assert.deepStrictEqual(yield* decisionsOf(user), ["deny velocity hour_value"])
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 3000"])
    })
  )

  it.effect("one key sent at once to two nodes has one outcome, also if it is denied", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("twins", { USD: "5000" })
      yield* TestWallets.user("parent")
      const second = yield* secondNode
      for (const amount of ["1000", "1"]) {
        const results = yield* Effect.forEach(
          Array.from({ length: 10 }, (_, n) => n),
          (n) => {
            const one = Effect.result(send(user, "parent", amount, { key: `key ${amount}` }))
            return n % 2 === 0 ? one : second(one)
          },
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(results.map(({ _tag }) => _tag)).size, 1, amount)
      }
      assert.deepStrictEqual(yield* decisionsOf(user), ["deny velocity hour_value"])
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 4000"])
    })
  )

  it.effect("starts a new day at midnight in UTC, and counts for the later hour if a clock is behind", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const user = yield* TestWallets.user("night", { USD: "20000" })
      yield* TestWallets.user("day")
      const now = yield* DateTime.now
      /** Moves what was counted by hours. */
      const shift = (hours: number) =>
        sql`UPDATE risk_usage SET hour = hour + make_interval(hours => ${hours}) WHERE wallet_id = ${user.id}`
      const hourOfDay = DateTime.getPartUtc(now, "hour")
      yield* send(user, "day", "1000")
      yield* sql`UPDATE risk_usage SET day_value = 3000 WHERE wallet_id = ${user.id}`
      // Counted in the hour after this one, by a node whose clock is ahead.
      yield* shift(1)
      assert.include(yield* Effect.flip(send(user, "day", "1")), { remaining: "0.00" })
      // Counted in the first hour of today.
      yield* shift(-1 - hourOfDay)
      const denied = yield* Effect.flip(send(user, "day", "1"))
      assert.include(denied, { _tag: "MovementDenied", remaining: "0.00" })
      const midnight = DateTime.add(DateTime.startOf(now, "day"), { days: 1 })
      assert.include(String(denied), `until ${DateTime.formatIso(midnight)}`)
      // Counted in the last hour of yesterday.
      yield* shift(-1)
      yield* send(user, "day", "1000")
      assert.deepStrictEqual(yield* usageOf(user), [
        { asset: "USD", hourCount: 1, hourValue: "1000", dayCount: 1, dayValue: "1000" }
      ])
    })
  )

  it.effect("a crash between the count and the commit leaves neither", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const user = yield* TestWallets.user("crash", { USD: "100" })
      yield* TestWallets.user("survivor")
      yield* sql`
        CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.day_amount = 77 THEN RAISE 'crash after the count'; END IF;
          RETURN NEW;
        END $$`
      yield* sql`CREATE TRIGGER crash AFTER INSERT ON risk_usage FOR EACH ROW EXECUTE FUNCTION crash()`
      const exit = yield* Effect.exit(send(user, "survivor", "77", { key: "crash" }))
      assert.isTrue(Exit.isFailure(exit) && Cause.pretty(exit.cause).includes("crash after the count"))
      assert.deepStrictEqual(yield* usageOf(user), [])
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 100"])
      yield* sql`DROP TRIGGER crash ON risk_usage`
      yield* send(user, "survivor", "77", { key: "crash" })
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 23"])
    })
  )

  it.effect(
    "an asset without a price is held by default, and passes only if it is configured, with a record",
    () =>
      Effect.gen(function* () {
        const user = yield* TestWallets.user("unpriced", { GBP: "100" })
        yield* TestWallets.user("priceless")
        assert.isTrue((yield* send(user, "priceless", "1", { asset: "GBP" })).isHeld)
        for (const [unpriced, expected] of [
          ["deny", "MovementDenied"],
          ["allow", false]
        ] as const) {
          yield* changeRules((rules) => ({
            velocity: { ...rules.velocity, unpriced },
            asset_velocity: { ...rules.asset_velocity, unpriced }
          }))
          const result = yield* Effect.result(send(user, "priceless", "1", { asset: "GBP" }))
          assert.strictEqual(Result.isSuccess(result) ? result.success.isHeld : result.failure._tag, expected)
        }
        const text = "velocity the asset has no price, asset_velocity the asset has no price"
        assert.deepStrictEqual(
          yield* decisionsOf(user),
          ["review", "deny", "allow"].map((outcome) => `${outcome} ${text}`)
        )
        yield* changeRules((rules) => ({ velocity: { ...rules.velocity, unpriced: "review" } }))
      })
  )

  it.effect("rules changed on one node apply on the others within seconds", () =>
    Effect.gen(function* () {
      const second = yield* secondNode
      const user = yield* TestWallets.user("change", { USD: "1000" })
      yield* TestWallets.user("changed")
      const limit = (text: string) =>
        changeRules((rules) => ({
          velocity: { ...rules.velocity, hour_value: BigDecimal.fromStringUnsafe(text) }
        }))
      yield* limit("10")
      const { active, current } = yield* second(RiskRuleSettings)
      while (String(current().velocity.hour_value) !== "BigDecimal(10)") {
        yield* TestClock.adjust(Duration.seconds(1))
        yield* active
      }
      assert.strictEqual((yield* Effect.flip(second(send(user, "changed", "11"))))._tag, "MovementDenied")
      yield* limit("20")
      yield* send(user, "changed", "11")
      yield* limit("1000")
    })
  )

  it.effect("decisions are immutable", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      for (const statement of [
        sql`UPDATE risk_decision SET outcome = 'allow'`,
        sql`DELETE FROM risk_decision`,
        sql`TRUNCATE risk_decision CASCADE`,
        sql`DELETE FROM risk_review`
      ])
        assert.include(String((yield* Effect.flip(statement)).reason.cause), "is refused")
    })
  )
})
