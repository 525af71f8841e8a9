import { assert } from "@effect/vitest"
import { BigDecimal, Effect, Option } from "effect"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { Quarantine } from "../../../src/rates/guard/Quarantine.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { pairOf } from "../../support/RateTicks.ts"
import {
  acceptLast,
  newlyQuoted,
  operator,
  ownProcess,
  poll,
  pollGood,
  polls,
  quarantined,
  quarantinedText,
  quote,
  quotedAt,
  served,
  type Services,
  storePast,
  suite
} from "./GuardedRates.ts"

const TODAY = "2026-09-21T12:00:00.000Z"
const UNCHANGED = { GUARD_MAX_UNCHANGED: "7 hours" }

suite("RateGuard", (test) => {
  test("quarantines an inverted rate, however many polls repeat it", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: "0.00066667" })
      assert.deepStrictEqual(new Set(yield* polls(pair, 10)), new Set(["quarantined"]))
      assert.strictEqual(yield* served(pair), "1500")
      const found = yield* quarantinedText(pair)
      assert.strictEqual(found.at(-1), "0.00066667 inverted+jump 10 pending")
      assert.isTrue(found.every((text) => text.endsWith("pending")))
      yield* quote({ flutterwave: "1501" })
      assert.strictEqual(yield* poll(pair), "1501")
      const { sql } = yield* Database
      assert.deepStrictEqual(
        yield* sql`
        SELECT rate FROM exchange_rate WHERE source_currency = ${pair.from} ORDER BY id`,
        [{ rate: "1500" }, { rate: "1501" }]
      )
    }))

  test("does not compare real rates with sandbox rates", (pair) =>
    Effect.gen(function* () {
      yield* quote({ flutterwave: (base) => ({ ...base, provider: "sandbox" }) })
      assert.strictEqual(yield* poll(pair), "1500")
      yield* quote({ flutterwave: "2250" })
      assert.strictEqual(yield* poll(pair), "2250")
      yield* quote({ flutterwave: "1500" })
      assert.strictEqual(yield* poll(pair), "quarantined")
    }))

  test("quarantines a jump and serves the last good rate", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: "2250" })
      assert.strictEqual(yield* poll(pair), "quarantined")
      assert.strictEqual(yield* served(pair), "1500")
      yield* quote({ flutterwave: "1502" })
      assert.strictEqual(yield* poll(pair), "1502")
      assert.deepStrictEqual(yield* quarantinedText(pair), ["2250 jump 1 pending"])
    }))

  test("accepts a settled level after GUARD_CONFIRMATIONS new quotes over a day, and records the decisions", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: newlyQuoted("900") })
      const outcomes = [
        yield* poll(pair, "1 hour"),
        yield* poll(pair, "1 hour"),
        yield* poll(pair, "1 hour"),
        yield* poll(pair, "21 hours"),
        yield* poll(pair, "1 hour"),
        yield* poll(pair, "1 hour")
      ]
      assert.deepStrictEqual(outcomes.slice(0, 4), Array(4).fill("quarantined"))
      assert.deepStrictEqual(outcomes.slice(4), ["900", "900"])
      assert.strictEqual(yield* served(pair), "900")
      assert.deepStrictEqual(yield* quarantinedText(pair), [
        "900 jump 1 accepted by agreement",
        "900 jump 2 accepted by agreement",
        "900 jump 3 accepted by agreement",
        "900 jump 4 accepted by agreement",
        "900 jump 5 accepted by agreement"
      ])
      const repo = yield* RateRepo
      const ids = new Set((yield* quarantined(pair)).map(({ decision }) => decision?.rateId))
      assert.strictEqual(ids.size, 1)
      const [id] = ids
      const record = Option.getOrThrow(yield* repo.byId(id ?? assert.fail()))
      assert.strictEqual(record.providerRate, "1500")
    }))

  for (const [title, repeated] of [
    ["that has no quote time", () => "2250"],
    ["of one quote", () => quotedAt(TODAY, "2250")]
  ] as const)
    test(`never accepts a repeated rate ${title}`, (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        yield* quote({ flutterwave: repeated() })
        for (let day = 0; day < 6; day++) assert.strictEqual(yield* poll(pair, "1 day"), "quarantined")
        assert.strictEqual(yield* served(pair), "1500")
      }))

  for (const rate of ["14985", "150", "15000", "1.5", "1500000", "0.000667", "7600"])
    test(`never accepts new quotes of ${rate} after 1500`, (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        yield* quote({ flutterwave: newlyQuoted(rate) })
        for (let i = 0; i < 8; i++) assert.strictEqual(yield* poll(pair, "8 hours"), "quarantined")
        assert.strictEqual(yield* served(pair), "1500")
      }))

  test("restarts the count of agreeing polls after a good rate and after another level", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      for (const rate of ["2250", "2250", "1500", "2250", "2250", "3500", "3500"]) {
        yield* quote({ flutterwave: rate })
        assert.strictEqual(yield* poll(pair), rate === "1500" ? "1500" : "quarantined")
      }
      const counts = (yield* quarantined(pair)).map(({ agreeing }) => agreeing)
      assert.deepStrictEqual(counts, [1, 2, 1, 2, 1, 2])
    }))

  test("restarts the count after days without polls, and still rejects a rejected level", (pair) =>
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      yield* pollGood(pair)
      yield* quote({ flutterwave: "4500" })
      assert.deepStrictEqual(yield* polls(pair, 2), ["quarantined", "quarantined"])
      assert.strictEqual(yield* poll(pair, "2 days"), "quarantined")
      const last = (yield* quarantined(pair)).at(-1) ?? assert.fail()
      assert.strictEqual(last.agreeing, 1)
      yield* quarantine.reject(last.id, operator)
      assert.strictEqual(yield* poll(pair, "2 days"), "quarantined")
      assert.strictEqual((yield* quarantinedText(pair)).at(-1), "4500 jump 1 rejected by repetition")
    }))

  test("continues the count of quotes after a restart and in another process", (pair) =>
    Effect.gen(function* () {
      const inNewProcess = (body: Effect.Effect<string, never, Services>) =>
        Effect.scoped(Effect.provide(body, ownProcess()))
      yield* inNewProcess(pollGood(pair))
      yield* quote({ flutterwave: newlyQuoted("900") })
      const outcomes = yield* Effect.all(
        Array.from({ length: 3 }, () => inNewProcess(poll(pair, "12 hours")))
      )
      assert.deepStrictEqual(outcomes, ["quarantined", "quarantined", "900"])
    }))

  test(
    "accepts no level without an operator when GUARD_CONFIRMATIONS is off",
    (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        yield* quote({ flutterwave: "900" })
        assert.deepStrictEqual(new Set(yield* polls(pair, 5)), new Set(["quarantined"]))
      }),
    { GUARD_CONFIRMATIONS: "off" }
  )

  test("does not allow a larger jump for an older last good rate", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: "1801" })
      assert.strictEqual(yield* poll(pair, "3 days"), "quarantined")
      yield* quote({ flutterwave: "1799" })
      assert.strictEqual(yield* poll(pair, "3 days"), "1799")
    }))

  for (const percent of [1, 2, 3])
    test(`stops a drift of ${percent} % a poll at GUARD_MAX_DEVIATION`, (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        let rate = 1500
        for (let i = 0; i < 40; i++) {
          rate *= 1 + percent / 100
          yield* quote({ flutterwave: newlyQuoted(rate.toFixed(6)) })
          yield* poll(pair)
        }
        const last = BigDecimal.fromStringUnsafe(yield* served(pair))
        assert.isTrue(BigDecimal.isLessThanOrEqualTo(last, BigDecimal.make(1650n, 0)))
        assert.isTrue(BigDecimal.isGreaterThan(last, BigDecimal.make(1600n, 0)))
      }))

  test("allows one jump up to GUARD_MAX_JUMP in a week, and small changes around it", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      for (const rate of ["1530", "1740", "1760"]) {
        yield* quote({ flutterwave: rate })
        assert.strictEqual(yield* poll(pair), rate)
      }
      yield* quote({ flutterwave: "1980" })
      assert.strictEqual(yield* poll(pair), "quarantined")
    }))

  test("measures small changes from the rate of 7 days ago", (pair) =>
    Effect.gen(function* () {
      yield* storePast(pair, "1700", 10)
      yield* storePast(pair, "1760", 8)
      yield* storePast(pair, "1880", 1)
      yield* quote({ flutterwave: "1937" })
      assert.strictEqual(yield* poll(pair), "quarantined")
      yield* quote({ flutterwave: "1935" })
      assert.strictEqual(yield* poll(pair), "1935")
    }))

  test("limits drifts that follow each other to GUARD_MAX_JUMP in 30 days, until a rate is accepted", (pair) =>
    Effect.gen(function* () {
      yield* storePast(pair, "1500", 20)
      yield* storePast(pair, "1640", 16)
      yield* storePast(pair, "1780", 8)
      yield* quote({ flutterwave: "1800" })
      assert.strictEqual(yield* poll(pair), "1800")
      yield* quote({ flutterwave: "1801" })
      assert.strictEqual(yield* poll(pair), "quarantined")
      const [anomaly] = (yield* quarantined(pair)).at(-1)?.anomalies ?? []
      assert.deepInclude(anomaly, {
        reason: "jump",
        against: BigDecimal.make(1500n, 0),
        allowed: BigDecimal.make(2n, 1)
      })
      yield* acceptLast(pair)
      yield* quote({ flutterwave: "1900" })
      assert.strictEqual(yield* poll(pair), "1900")
    }))

  test(
    "falls back to the next provider after a quarantined answer",
    (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        yield* quote({ flutterwave: "2250", fixer: "1510" })
        assert.deepStrictEqual(yield* polls(pair, 3), ["1510", "1510", "1510"])
        assert.deepStrictEqual(yield* quarantinedText(pair), [
          "2250 jump+disagrees 1 pending",
          "2250 jump+disagrees 2 pending",
          "2250 jump+disagrees 3 pending"
        ])
      }),
    { GUARD_CONFIRMATIONS: "off" }
  )

  test("quarantines a rate that is timestamped too long ago or in the future", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      for (const time of ["2026-09-14T12:00:00.000Z", "2026-09-21T13:00:00.000Z"]) {
        yield* quote({ flutterwave: quotedAt(time) })
        assert.strictEqual(yield* poll(pair), "quarantined")
      }
      yield* quote({ flutterwave: quotedAt("2026-09-20T12:00:00.000Z") })
      assert.strictEqual(yield* poll(pair), "1500")
      assert.deepStrictEqual(yield* quarantinedText(pair), [
        "1500 outdated 1 pending",
        "1500 outdated 2 pending"
      ])
    }))

  test(
    "quarantines an unchanged rate, unless the pair is pegged or was not polled",
    (pair) =>
      Effect.gen(function* () {
        const pegged = pairOf("EUR", "XOF")
        yield* pollGood(pair)
        yield* quote({ flutterwave: "655.957" })
        yield* poll(pegged)
        for (let day = 1; day <= 7; day++) {
          yield* quote({ flutterwave: "1500" })
          assert.strictEqual(yield* poll(pair, "45 minutes"), "1500")
          yield* quote({ flutterwave: "655.957" })
          assert.strictEqual(yield* poll(pegged, "15 minutes"), "655.957")
        }
        assert.strictEqual(yield* poll(pegged, "15 minutes"), "655.957")
        yield* quote({ flutterwave: "1500" })
        assert.strictEqual(yield* poll(pair), "quarantined")
        assert.deepStrictEqual(yield* quarantinedText(pair), ["1500 unchanged 1 pending"])
        yield* quote({ flutterwave: "1500.01" })
        assert.strictEqual(yield* poll(pair), "1500.01")
        assert.strictEqual(yield* poll(pair, "8 hours"), "1500.01")
      }),
    UNCHANGED
  )

  test(
    "keeps quarantining an unchanged rate while another provider answers",
    (pair) =>
      Effect.gen(function* () {
        const daily = Effect.andThen(quote({ flutterwave: "1500" }), poll(pair, "1 hour"))
        const outcomes = yield* Effect.all(Array.from({ length: 24 }, () => daily))
        assert.deepStrictEqual(outcomes.slice(0, 7), Array(7).fill("1500"))
        assert.deepStrictEqual(outcomes.slice(7), Array(17).fill("quarantined"))
        for (const rate of ["1510", "1511", "1512"]) {
          yield* quote({ flutterwave: "1500", fixer: rate })
          assert.strictEqual(yield* poll(pair), rate)
        }
        yield* quote({ flutterwave: "1515", fixer: "1512" })
        assert.strictEqual(yield* poll(pair), "1515")
      }),
    UNCHANGED
  )
})
