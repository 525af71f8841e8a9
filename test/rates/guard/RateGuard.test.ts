import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { Quarantine } from "../../../src/rates/guard/Quarantine.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import {
  begin,
  good,
  layerOver,
  NAIRA,
  operator,
  outcome,
  poll,
  polls,
  putAside,
  quotedAt,
  say,
  type Services,
  served,
  short,
  test
} from "./GuardedRates.ts"

const TODAY = "2026-11-21T12:00:00.000Z"

describe("RateGuard", () => {
  test(
    "puts amounts that are the other way round aside, however many polls bring them",
    Effect.gen(function* () {
      yield* good
      yield* say({ flutterwave: "0.00066667" })
      assert.deepStrictEqual(new Set(yield* polls(10)), new Set(["put aside"]))
      assert.strictEqual(yield* served(NAIRA), "1500")
      const found = yield* short(NAIRA)
      assert.strictEqual(found.at(-1), "0.00066667 inverted+jump 10 pending")
      assert.isTrue(found.every((one) => one.endsWith("pending")))
      yield* say({ flutterwave: "1501" })
      assert.strictEqual(yield* poll(NAIRA), "1501")
      const { sql } = yield* Database
      assert.deepStrictEqual(yield* sql`SELECT rate FROM exchange_rate ORDER BY id`, [
        { rate: "1500" },
        { rate: "1501" }
      ])
    })
  )

  test(
    "does not hold real rates against made-up ones",
    Effect.gen(function* () {
      yield* say({ flutterwave: (made) => ({ ...made, provider: "sandbox" }) })
      assert.strictEqual(yield* poll(NAIRA), "1500")
      yield* say({ flutterwave: "2250" })
      assert.strictEqual(yield* poll(NAIRA), "2250")
      yield* say({ flutterwave: "1500" })
      assert.strictEqual(yield* poll(NAIRA), "put aside")
    })
  )

  test(
    "knows which way round the first rate of a pair is",
    Effect.gen(function* () {
      const repo = yield* RateRepo
      yield* say({ flutterwave: "0.00066667" })
      assert.deepStrictEqual(
        yield* polls(5),
        Array.from({ length: 5 }, () => "put aside")
      )
      assert.deepStrictEqual(yield* repo.latest(NAIRA), Option.none())
      yield* say({ flutterwave: "1500" })
      assert.strictEqual(yield* poll(NAIRA), "1500")
    })
  )

  test(
    "puts a jump aside once, and serves the last good rate",
    Effect.gen(function* () {
      yield* good
      yield* say({ flutterwave: "2250" })
      assert.strictEqual(yield* poll(NAIRA), "put aside")
      assert.strictEqual(yield* served(NAIRA), "1500")
      yield* say({ flutterwave: "1502" })
      assert.strictEqual(yield* poll(NAIRA), "1502")
      assert.deepStrictEqual(yield* short(NAIRA), ["2250 jump 1 pending"])
    })
  )

  test(
    "takes a level that as many polls bring as GUARD_CONFIRMATIONS says, with a trail",
    Effect.gen(function* () {
      yield* good
      yield* say({ flutterwave: "900" })
      assert.deepStrictEqual(yield* polls(4), ["put aside", "put aside", "900", "900"])
      assert.strictEqual(yield* served(NAIRA), "900")
      assert.deepStrictEqual(yield* short(NAIRA), [
        "900 jump 1 accepted by agreement",
        "900 jump 2 accepted by agreement",
        "900 jump 3 accepted by agreement"
      ])
      const repo = yield* RateRepo
      const ids = new Set((yield* putAside(NAIRA)).map(({ decision }) => decision?.rateId))
      assert.strictEqual(ids.size, 1)
      const [id] = ids
      const record = Option.getOrThrow(yield* repo.byId(id ?? assert.fail()))
      assert.strictEqual(record.providerRate, "900")
    })
  )

  test(
    "begins to count anew after a good rate, and after a change of level",
    Effect.gen(function* () {
      yield* good
      for (const rate of ["2250", "2250", "1500", "2250", "2250", "3500", "3500"]) {
        yield* say({ flutterwave: rate })
        assert.strictEqual(yield* poll(NAIRA), rate === "1500" ? "1500" : "put aside")
      }
      const counts = (yield* putAside(NAIRA)).map(({ agreeing }) => agreeing)
      assert.deepStrictEqual(counts, [1, 2, 1, 2, 1, 2])
      assert.strictEqual(yield* poll(NAIRA), "3500")
    })
  )

  test(
    "begins to count anew after a silence of days, and still knows what was rejected",
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      yield* good
      yield* say({ flutterwave: "4500" })
      assert.deepStrictEqual(yield* polls(2), ["put aside", "put aside"])
      assert.strictEqual(yield* poll(NAIRA, "2 days"), "put aside")
      const last = (yield* putAside(NAIRA)).at(-1) ?? assert.fail()
      assert.strictEqual(last.agreeing, 1)
      yield* quarantine.reject(last.id, operator)
      assert.strictEqual(yield* poll(NAIRA, "2 days"), "put aside")
      assert.strictEqual((yield* short(NAIRA)).at(-1), "4500 jump 1 rejected by repetition")
    })
  )

  it.effect("goes on counting after a restart, and in another process", () =>
    Effect.gen(function* () {
      yield* begin
      const url = yield* TestDatabase.create
      const inAnotherProcess = (body: Effect.Effect<string, never, Services>) =>
        Effect.scoped(Effect.provide(body, layerOver(url)))
      yield* inAnotherProcess(good)
      yield* say({ flutterwave: "900" })
      const outcomes = yield* Effect.all(Array.from({ length: 3 }, () => inAnotherProcess(poll(NAIRA))))
      assert.deepStrictEqual(outcomes, ["put aside", "put aside", "900"])
    })
  )

  test(
    "does not count what lookups ask for, while there are polls",
    Effect.gen(function* () {
      const intake = yield* RateIngest
      yield* good
      yield* say({ flutterwave: "900" })
      for (let i = 0; i < 5; i++) assert.strictEqual(yield* outcome(intake.take(NAIRA)), "put aside")
      assert.deepStrictEqual(yield* polls(3), ["put aside", "put aside", "900"])
    })
  )

  test(
    "counts what lookups ask for where nobody polls",
    Effect.gen(function* () {
      const intake = yield* RateIngest
      yield* good
      yield* say({ flutterwave: "900" })
      const later = Effect.andThen(TestClock.adjust("1 minute"), outcome(intake.take(NAIRA)))
      const taken = yield* Effect.all([later, later, later])
      assert.deepStrictEqual(taken, ["put aside", "put aside", "900"])
    }),
    { POLL_INTERVAL: "off" }
  )

  test(
    "never takes by itself what is beyond a factor of 10",
    Effect.gen(function* () {
      yield* good
      yield* say({ flutterwave: "15001" })
      assert.deepStrictEqual(new Set(yield* polls(5)), new Set(["put aside"]))
    })
  )

  test(
    "takes nothing by itself with GUARD_CONFIRMATIONS=off",
    Effect.gen(function* () {
      yield* good
      yield* say({ flutterwave: "900" })
      assert.deepStrictEqual(new Set(yield* polls(5)), new Set(["put aside"]))
    }),
    { GUARD_CONFIRMATIONS: "off" }
  )

  test(
    "allows more the older the last good rate is",
    Effect.gen(function* () {
      yield* good
      yield* say({ flutterwave: "2200" })
      assert.strictEqual(yield* poll(NAIRA, "1 day"), "put aside")
      assert.strictEqual(yield* poll(NAIRA, "1 day"), "2200")
    }),
    { GUARD_CONFIRMATIONS: "off" }
  )

  test(
    "asks the next provider where it does not believe one",
    Effect.gen(function* () {
      yield* good
      yield* say({ flutterwave: "2250", fixer: "1510" })
      assert.deepStrictEqual(yield* polls(3), ["1510", "1510", "1510"])
      assert.deepStrictEqual(yield* short(NAIRA), [
        "2250 jump+disagrees 1 pending",
        "2250 jump+disagrees 2 pending",
        "2250 jump+disagrees 3 pending"
      ])
    }),
    { GUARD_CONFIRMATIONS: "off" }
  )

  test(
    "takes a jump that another provider makes as well, with a trail",
    Effect.gen(function* () {
      yield* good
      yield* say({ flutterwave: "900", fixer: "920" })
      assert.strictEqual(yield* poll(NAIRA), "900")
      assert.deepStrictEqual(yield* short(NAIRA), ["900 jump 1 accepted by confirmation"])
      assert.strictEqual(yield* served(NAIRA), "900")
    })
  )

  test(
    "suspects who leaves what another provider says, and not one that has been away for long",
    Effect.gen(function* () {
      yield* good
      yield* say({ flutterwave: "1700", fixer: "1500" })
      assert.strictEqual(yield* poll(NAIRA), "1500")
      assert.deepStrictEqual(yield* short(NAIRA), ["1700 disagrees 1 pending"])
      yield* say({ flutterwave: "1700" })
      assert.strictEqual(yield* poll(NAIRA), "1700")
      yield* say({ flutterwave: "1705", fixer: "1500" })
      assert.strictEqual(yield* poll(NAIRA), "1705")
    })
  )

  test(
    "asks another provider only about what is suspect with GUARD_CROSS_CHECK=off",
    Effect.gen(function* () {
      yield* good
      yield* say({ flutterwave: "1700", fixer: "1500" })
      assert.strictEqual(yield* poll(NAIRA), "1700")
      yield* say({ flutterwave: "2100", fixer: "1500" })
      assert.strictEqual(yield* poll(NAIRA), "1500")
      assert.deepStrictEqual(yield* short(NAIRA), ["2100 jump 1 pending"])
    }),
    { GUARD_CROSS_CHECK: "off" }
  )

  test(
    "asks another provider no second time for what has been away from it for long",
    Effect.gen(function* () {
      let asked = 0
      yield* good
      yield* say({ flutterwave: "1501", fixer: (made) => (asked++, quotedAt(TODAY, "1000")(made)) })
      assert.strictEqual(yield* poll(NAIRA), "1501")
      assert.strictEqual(asked, 1)
    })
  )

  test(
    "lets a provider move a little that is nearly too far from another one",
    Effect.gen(function* () {
      yield* say({ flutterwave: "1640", fixer: "1500" })
      yield* poll(NAIRA)
      yield* say({ flutterwave: "1655", fixer: "1500" })
      assert.strictEqual(yield* poll(NAIRA), "1655")
      assert.deepStrictEqual(yield* short(NAIRA), [])
    })
  )

  test(
    "lets a provider come back to where it was, after another one at another level",
    Effect.gen(function* () {
      const repo = yield* RateRepo
      yield* good
      yield* repo.insert({ ...(yield* tick("USD", "NGN", "1790")), provider: "fixer" })
      yield* TestClock.adjust("10 minutes")
      yield* repo.insert({ ...(yield* tick("USD", "NGN", "2000")), provider: "fixer" })
      assert.strictEqual(yield* poll(NAIRA), "1500")
      assert.deepStrictEqual(yield* short(NAIRA), [])
    })
  )

  const both = {
    PROVIDERS: "flutterwave,fixer",
    FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-0123456789abcdef-X",
    FX_API_KEY: "0123456789abcdef0123456789abcdef"
  }

  test(
    "lets the first provider come back at once from one that has always been at another level",
    Effect.gen(function* () {
      yield* good
      yield* say({ fixer: "1050" })
      assert.deepStrictEqual(yield* polls(3), ["put aside", "put aside", "1050"])
      yield* say({ flutterwave: "1505", fixer: "1050" })
      assert.strictEqual(yield* poll(NAIRA), "1505")
    }),
    both
  )

  test(
    "does not let it come back to a level that the other one has left since",
    Effect.gen(function* () {
      yield* good
      yield* say({ fixer: "1510" })
      assert.strictEqual(yield* poll(NAIRA), "1510")
      yield* say({ fixer: "1050" })
      assert.deepStrictEqual(yield* polls(3), ["put aside", "put aside", "1050"])
      yield* say({ flutterwave: "1505", fixer: "1050" })
      assert.strictEqual(yield* poll(NAIRA), "1050")
    }),
    both
  )

  test(
    "suspects a pair that leaves what the other pairs come to",
    Effect.gen(function* () {
      for (const from of ["USD", "EUR"])
        for (const to of ["NGN", "KES", "GHS", "XOF"]) {
          yield* say({ flutterwave: { NGN: "1500", KES: "130", GHS: "12", XOF: "564" }[to] ?? "1" })
          yield* poll(pairOf(from, to), "1 second")
        }
      yield* say({ flutterwave: "1700" })
      assert.strictEqual(yield* poll(NAIRA), "put aside")
      assert.deepStrictEqual(yield* short(NAIRA), ["1700 triangle 1 pending"])
      // What is older than an hour tells nothing.
      assert.strictEqual(yield* poll(NAIRA, "2 hours"), "1700")
    })
  )

  test(
    "does not believe what was quoted long ago, or has not come yet",
    Effect.gen(function* () {
      yield* good
      for (const moment of ["2026-11-14T12:00:00.000Z", "2026-11-21T13:00:00.000Z"]) {
        yield* say({ flutterwave: quotedAt(moment) })
        assert.strictEqual(yield* poll(NAIRA), "put aside")
      }
      yield* say({ flutterwave: quotedAt("2026-11-20T12:00:00.000Z") })
      assert.strictEqual(yield* poll(NAIRA), "1500")
      assert.deepStrictEqual(yield* short(NAIRA), ["1500 outdated 1 pending", "1500 outdated 2 pending"])
    })
  )

  test(
    "notices a feed that is dead, unless the pair is pegged or nobody has listened",
    Effect.gen(function* () {
      const franc = pairOf("EUR", "XOF")
      yield* good
      yield* say({ flutterwave: "655.957" })
      yield* poll(franc)
      for (let day = 1; day <= 7; day++) {
        yield* say({ flutterwave: "1500" })
        assert.strictEqual(yield* poll(NAIRA, "23 hours"), "1500")
        yield* say({ flutterwave: "655.957" })
        assert.strictEqual(yield* poll(franc, "1 hour"), "655.957")
      }
      assert.strictEqual(yield* poll(franc, "1 hour"), "655.957")
      yield* say({ flutterwave: "1500" })
      assert.strictEqual(yield* poll(NAIRA), "put aside")
      assert.deepStrictEqual(yield* short(NAIRA), ["1500 unchanged 1 pending"])
      yield* say({ flutterwave: "1500.01" })
      assert.strictEqual(yield* poll(NAIRA), "1500.01")
      assert.strictEqual(yield* poll(NAIRA, "8 days"), "1500.01")
    })
  )

  test(
    "goes on to disbelieve a dead feed while another provider answers, and for as long as it is heard",
    Effect.gen(function* () {
      const daily = Effect.andThen(say({ flutterwave: "1500" }), poll(NAIRA, "1 day"))
      const outcomes = yield* Effect.all(Array.from({ length: 24 }, () => daily))
      assert.deepStrictEqual(outcomes.slice(0, 7), Array(7).fill("1500"))
      assert.deepStrictEqual(outcomes.slice(7), Array(17).fill("put aside"))
      for (const rate of ["1510", "1511", "1512"]) {
        yield* say({ flutterwave: "1500", fixer: rate })
        assert.strictEqual(yield* poll(NAIRA), rate)
      }
      yield* say({ flutterwave: "1515", fixer: "1512" })
      assert.strictEqual(yield* poll(NAIRA), "1515")
    })
  )
})
