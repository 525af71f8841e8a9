import { assert } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { Quarantine } from "../../../src/rates/guard/Quarantine.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import { USD_NGN } from "../../support/SampleRates.ts"
import {
  operator,
  outcomeOf,
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
  suite
} from "./GuardedRates.ts"

const TODAY = "2026-11-21T12:00:00.000Z"

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

  test("detects that the first rate of a pair is inverted", (pair) =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      yield* quote({ flutterwave: "0.00066667" })
      assert.deepStrictEqual(
        yield* polls(pair, 5),
        Array.from({ length: 5 }, () => "quarantined")
      )
      assert.deepStrictEqual(yield* repo.latest(pair), Option.none())
      yield* quote({ flutterwave: "1500" })
      assert.strictEqual(yield* poll(pair), "1500")
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

  test("accepts a new level after GUARD_CONFIRMATIONS agreeing polls, and records the decisions", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: "900" })
      assert.deepStrictEqual(yield* polls(pair, 4), ["quarantined", "quarantined", "900", "900"])
      assert.strictEqual(yield* served(pair), "900")
      assert.deepStrictEqual(yield* quarantinedText(pair), [
        "900 jump 1 accepted by agreement",
        "900 jump 2 accepted by agreement",
        "900 jump 3 accepted by agreement"
      ])
      const repo = yield* RateRepo
      const ids = new Set((yield* quarantined(pair)).map(({ decision }) => decision?.rateId))
      assert.strictEqual(ids.size, 1)
      const [id] = ids
      const record = Option.getOrThrow(yield* repo.byId(id ?? assert.fail()))
      assert.strictEqual(record.providerRate, "900")
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
      assert.strictEqual(yield* poll(pair), "3500")
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

  test("continues the count after a restart and in another process", (pair) =>
    Effect.gen(function* () {
      const inNewProcess = (body: Effect.Effect<string, never, Services>) =>
        Effect.scoped(Effect.provide(body, ownProcess()))
      yield* inNewProcess(pollGood(pair))
      yield* quote({ flutterwave: "900" })
      const outcomes = yield* Effect.all(Array.from({ length: 3 }, () => inNewProcess(poll(pair))))
      assert.deepStrictEqual(outcomes, ["quarantined", "quarantined", "900"])
    }))

  test("does not count lookups as agreement while polling is on", (pair) =>
    Effect.gen(function* () {
      const ingest = yield* RateIngest
      yield* pollGood(pair)
      yield* quote({ flutterwave: "900" })
      for (let i = 0; i < 5; i++) assert.strictEqual(yield* outcomeOf(ingest.fetch(pair)), "quarantined")
      assert.deepStrictEqual(yield* polls(pair, 3), ["quarantined", "quarantined", "900"])
    }))

  test(
    "counts lookups as agreement while polling is off",
    (pair) =>
      Effect.gen(function* () {
        const ingest = yield* RateIngest
        yield* pollGood(pair)
        yield* quote({ flutterwave: "900" })
        const nextFetch = Effect.andThen(TestClock.adjust("1 minute"), outcomeOf(ingest.fetch(pair)))
        const outcomes = yield* Effect.all([nextFetch, nextFetch, nextFetch])
        assert.deepStrictEqual(outcomes, ["quarantined", "quarantined", "900"])
      }),
    { POLL_INTERVAL: "off" }
  )

  test("never accepts a change by more than a factor of 10 without an operator", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: "15001" })
      assert.deepStrictEqual(new Set(yield* polls(pair, 5)), new Set(["quarantined"]))
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

  test(
    "allows a larger jump for an older last good rate",
    (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        yield* quote({ flutterwave: "2200" })
        assert.strictEqual(yield* poll(pair, "1 day"), "quarantined")
        assert.strictEqual(yield* poll(pair, "1 day"), "2200")
      }),
    { GUARD_CONFIRMATIONS: "off" }
  )

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

  test("accepts a jump that another provider confirms, and records the decision", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: "900", fixer: "920" })
      assert.strictEqual(yield* poll(pair), "900")
      assert.deepStrictEqual(yield* quarantinedText(pair), ["900 jump 1 accepted by confirmation"])
      assert.strictEqual(yield* served(pair), "900")
    }))

  test("quarantines a rate that diverges from another provider, but not one that has long differed", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: "1700", fixer: "1500" })
      assert.strictEqual(yield* poll(pair), "1500")
      assert.deepStrictEqual(yield* quarantinedText(pair), ["1700 disagrees 1 pending"])
      yield* quote({ flutterwave: "1700" })
      assert.strictEqual(yield* poll(pair), "1700")
      yield* quote({ flutterwave: "1705", fixer: "1500" })
      assert.strictEqual(yield* poll(pair), "1705")
    }))

  test(
    "cross-checks only suspicious rates when GUARD_CROSS_CHECK is off",
    (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        yield* quote({ flutterwave: "1700", fixer: "1500" })
        assert.strictEqual(yield* poll(pair), "1700")
        yield* quote({ flutterwave: "2100", fixer: "1500" })
        assert.strictEqual(yield* poll(pair), "1500")
        assert.deepStrictEqual(yield* quarantinedText(pair), ["2100 jump 1 pending"])
      }),
    { GUARD_CROSS_CHECK: "off" }
  )

  test("does not fetch a current reference for a rate that has long differed", (pair) =>
    Effect.gen(function* () {
      let referenceCalls = 0
      yield* pollGood(pair)
      yield* quote({
        flutterwave: "1501",
        fixer: (base) => (referenceCalls++, quotedAt(TODAY, "1000")(base))
      })
      assert.strictEqual(yield* poll(pair), "1501")
      assert.strictEqual(referenceCalls, 1)
    }))

  test("accepts a small move of a provider that is close to the allowed deviation", (pair) =>
    Effect.gen(function* () {
      yield* quote({ flutterwave: "1640", fixer: "1500" })
      yield* poll(pair)
      yield* quote({ flutterwave: "1655", fixer: "1500" })
      assert.strictEqual(yield* poll(pair), "1655")
      assert.deepStrictEqual(yield* quarantinedText(pair), [])
    }))

  test("accepts a provider that recovers at its own level after a fallback at another level", (pair) =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      yield* pollGood(pair)
      yield* repo.insert({ ...(yield* tick(pair.from, pair.to, "1790")), provider: "fixer" })
      yield* TestClock.adjust("10 minutes")
      yield* repo.insert({ ...(yield* tick(pair.from, pair.to, "2000")), provider: "fixer" })
      assert.strictEqual(yield* poll(pair), "1500")
      assert.deepStrictEqual(yield* quarantinedText(pair), [])
    }))

  const bothProviders = {
    PROVIDERS: "flutterwave,fixer",
    FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-0123456789abcdef-X",
    FX_API_KEY: "0123456789abcdef0123456789abcdef"
  }

  test(
    "accepts the preferred provider's recovery if its fallback has always been at another level",
    (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        yield* quote({ fixer: "1050" })
        assert.deepStrictEqual(yield* polls(pair, 3), ["quarantined", "quarantined", "1050"])
        yield* quote({ flutterwave: "1505", fixer: "1050" })
        assert.strictEqual(yield* poll(pair), "1505")
      }),
    bothProviders
  )

  test(
    "quarantines the preferred provider's recovery at a level that its fallback has left",
    (pair) =>
      Effect.gen(function* () {
        yield* pollGood(pair)
        yield* quote({ fixer: "1510" })
        assert.strictEqual(yield* poll(pair), "1510")
        yield* quote({ fixer: "1050" })
        assert.deepStrictEqual(yield* polls(pair, 3), ["quarantined", "quarantined", "1050"])
        yield* quote({ flutterwave: "1505", fixer: "1050" })
        assert.strictEqual(yield* poll(pair), "1050")
      }),
    bothProviders
  )

  test("quarantines a rate that diverges from the cross rates of other pairs", () =>
    Effect.gen(function* () {
      for (const from of ["USD", "EUR"])
        for (const to of ["NGN", "KES", "GHS", "XOF"]) {
          yield* quote({ flutterwave: { NGN: "1500", KES: "130", GHS: "12", XOF: "564" }[to] ?? "1" })
          yield* poll(pairOf(from, to), "1 second")
        }
      yield* quote({ flutterwave: "1700" })
      assert.strictEqual(yield* poll(USD_NGN), "quarantined")
      assert.deepStrictEqual(yield* quarantinedText(USD_NGN), ["1700 triangle 1 pending"])
      // Cross rates older than an hour are ignored.
      assert.strictEqual(yield* poll(USD_NGN, "2 hours"), "1700")
    }))

  test("quarantines a rate that is timestamped too long ago or in the future", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      for (const time of ["2026-11-14T12:00:00.000Z", "2026-11-21T13:00:00.000Z"]) {
        yield* quote({ flutterwave: quotedAt(time) })
        assert.strictEqual(yield* poll(pair), "quarantined")
      }
      yield* quote({ flutterwave: quotedAt("2026-11-20T12:00:00.000Z") })
      assert.strictEqual(yield* poll(pair), "1500")
      assert.deepStrictEqual(yield* quarantinedText(pair), [
        "1500 outdated 1 pending",
        "1500 outdated 2 pending"
      ])
    }))

  test("quarantines an unchanged rate, unless the pair is pegged or was not polled", (pair) =>
    Effect.gen(function* () {
      const pegged = pairOf("EUR", "XOF")
      yield* pollGood(pair)
      yield* quote({ flutterwave: "655.957" })
      yield* poll(pegged)
      for (let day = 1; day <= 7; day++) {
        yield* quote({ flutterwave: "1500" })
        assert.strictEqual(yield* poll(pair, "23 hours"), "1500")
        yield* quote({ flutterwave: "655.957" })
        assert.strictEqual(yield* poll(pegged, "1 hour"), "655.957")
      }
      assert.strictEqual(yield* poll(pegged, "1 hour"), "655.957")
      yield* quote({ flutterwave: "1500" })
      assert.strictEqual(yield* poll(pair), "quarantined")
      assert.deepStrictEqual(yield* quarantinedText(pair), ["1500 unchanged 1 pending"])
      yield* quote({ flutterwave: "1500.01" })
      assert.strictEqual(yield* poll(pair), "1500.01")
      assert.strictEqual(yield* poll(pair, "8 days"), "1500.01")
    }))

  test("keeps quarantining an unchanged rate while another provider answers", (pair) =>
    Effect.gen(function* () {
      const daily = Effect.andThen(quote({ flutterwave: "1500" }), poll(pair, "1 day"))
      const outcomes = yield* Effect.all(Array.from({ length: 24 }, () => daily))
      assert.deepStrictEqual(outcomes.slice(0, 7), Array(7).fill("1500"))
      assert.deepStrictEqual(outcomes.slice(7), Array(17).fill("quarantined"))
      for (const rate of ["1510", "1511", "1512"]) {
        yield* quote({ flutterwave: "1500", fixer: rate })
        assert.strictEqual(yield* poll(pair), rate)
      }
      yield* quote({ flutterwave: "1515", fixer: "1512" })
      assert.strictEqual(yield* poll(pair), "1515")
    }))
})
