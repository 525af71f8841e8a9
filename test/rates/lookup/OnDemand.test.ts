import { assert, layer } from "@effect/vitest"
import { DateTime, Duration, Effect, Option } from "effect"
import { RateLimitExceeded } from "../../../src/domain/access/RateLimit.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import type { RateUnavailable } from "../../../src/domain/rates/Rate.ts"
import { RateProvider } from "../../../src/providers/RateProvider.ts"
import { Rates } from "../../../src/rates/lookup/Rates.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import * as FakeFlutterwave from "../../support/FakeFlutterwave.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { onNode } from "./OnDemandRates.ts"

// Tests share a database, so that each uses its own pairs.

const lookup = (from: string, to: string) => Effect.flatMap(Rates, (rates) => rates.lookup(pairOf(from, to)))

const unavailable = (from: string, to: string) =>
  Effect.flip(lookup(from, to)).pipe(
    Effect.flatMap((error) =>
      error._tag === "RateUnavailable" ? Effect.succeed<RateUnavailable>(error) : Effect.die(error)
    )
  )

layer(TestDatabase.layer(), { excludeTestServices: true })("A pair that is not polled", (it) => {
  it.effect("is fetched once when it is asked for, and then served from memory", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "NGN:USD": "0.00064" })
      yield* Effect.gen(function* () {
        const first = yield* lookup("NGN", "USD")
        assert.strictEqual(Decimal.format(first.rate.rate), "0.00064")
        assert.deepStrictEqual([first.source, first.rate.provider], ["provider", "flutterwave"])
        assert.strictEqual((yield* lookup("NGN", "USD")).source, "memory")
        const listed = yield* Effect.flatMap(Rates, (rates) => rates.list(Option.some(first.rate.pair.from)))
        assert.deepStrictEqual(
          listed.map(({ rate }) => rate.id),
          [first.rate.id]
        )
      }).pipe((test) => onNode(test, flutterwave.url))
      assert.deepStrictEqual(flutterwave.requests, ["NGN:USD"])
      // A node that starts later finds it in the database.
      const restarted = yield* onNode(lookup("NGN", "USD"), flutterwave.url)
      assert.deepStrictEqual([restarted.source, Decimal.format(restarted.rate.rate)], ["database", "0.00064"])
      assert.lengthOf(flutterwave.requests, 1)
    })
  )

  it.effect("is derived from two legs that the provider quotes, and names them", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "KES:USD": "0.008", "USD:GHS": "12.5" })
      yield* Effect.gen(function* () {
        const repo = yield* RateRepo
        const { rate } = yield* lookup("KES", "GHS")
        assert.strictEqual(Decimal.format(rate.rate), "0.1")
        assert.strictEqual(rate.provider, "flutterwave")
        const record = Option.getOrThrow(yield* repo.byId(rate.id))
        const legs = yield* Effect.forEach(record.derivedFrom, (id) =>
          Effect.map(repo.byId(id), Option.getOrThrow)
        )
        assert.deepStrictEqual(
          legs.map(({ rate }) => [rate.pair.key, Decimal.format(rate.rate)]),
          [
            ["KES:USD", "0.008"],
            ["USD:GHS", "12.5"]
          ]
        )
        const observed = legs.map((leg) => DateTime.toEpochMillis(leg.rate.observedAt))
        assert.strictEqual(DateTime.toEpochMillis(rate.observedAt), Math.min(...observed))
        for (const { raw } of legs) assert.include(record.raw, raw)
        // A leg is the rate in force of its pair.
        assert.strictEqual((yield* lookup("KES", "USD")).rate.id, record.derivedFrom[0])
      }).pipe((test) => onNode(test, flutterwave.url))
      assert.deepStrictEqual(flutterwave.requests, ["KES:GHS", "KES:USD", "USD:GHS"])
      const restarted = yield* onNode(lookup("KES", "GHS"), flutterwave.url)
      assert.deepStrictEqual([restarted.source, Decimal.format(restarted.rate.rate)], ["database", "0.1"])
      assert.lengthOf(flutterwave.requests, 3)
    })
  )

  it.effect("is derived through EUR if it has no legs through USD", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "UGX:EUR": "0.00025", "EUR:ZMW": "25.6" })
      const found = yield* onNode(lookup("UGX", "ZMW"), flutterwave.url)
      assert.strictEqual(Decimal.format(found.rate.rate), "0.0064")
      assert.deepStrictEqual(flutterwave.requests, ["UGX:ZMW", "UGX:USD", "UGX:EUR", "EUR:ZMW"])
    })
  )

  it.effect("is derived from a fresh stored leg without asking for it again", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "MAD:USD": "0.1" })
      yield* Effect.gen(function* () {
        const repo = yield* RateRepo
        const stored = yield* repo.insert(yield* tick("USD", "EGP", "50"))
        const { rate } = yield* lookup("MAD", "EGP")
        assert.strictEqual(Decimal.format(rate.rate), "5")
        const record = Option.getOrThrow(yield* repo.byId(rate.id))
        assert.strictEqual(record.derivedFrom[1], stored.id)
        assert.strictEqual(rate.provider, "flutterwave+test")
      }).pipe((test) => onNode(test, flutterwave.url))
      assert.deepStrictEqual(flutterwave.requests, ["MAD:EGP", "MAD:USD"])
    })
  )

  it.effect("is never derived from the opposite pair, or from more than two quotes", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({
        "USD:XOF": "500",
        "XOF:XAF": "1",
        "XAF:EUR": "0.0016",
        "EUR:USD": "1.25"
      })
      yield* Effect.gen(function* () {
        const { message } = yield* unavailable("XOF", "USD")
        assert.strictEqual(
          message,
          "No XOF:USD rate is available: flutterwave does not quote XOF:USD, nor legs through EUR"
        )
        // XAF:USD is derived, so that it is no leg of XAF:GBP.
        yield* lookup("XAF", "USD")
        flutterwave.quote({ "USD:GBP": "0.8" })
        assert.include((yield* unavailable("XAF", "GBP")).message, "does not quote XAF:GBP")
      }).pipe((test) => onNode(test, flutterwave.url))
    })
  )

  it.effect("makes one request per leg for 100 concurrent callers", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "ETB:USD": "0.00625", "USD:ZAR": "16" })
      flutterwave.delayBy(50)
      const found = yield* onNode(
        Effect.forEach(Array.from({ length: 100 }), () => lookup("ETB", "ZAR"), { concurrency: "unbounded" }),
        flutterwave.url
      )
      assert.strictEqual(new Set(found.map(({ rate }) => rate.id)).size, 1)
      assert.strictEqual(found[0] && Decimal.format(found[0].rate.rate), "0.1")
      assert.deepStrictEqual(flutterwave.requests.toSorted(), ["ETB:USD", "ETB:ZAR", "USD:ZAR"])
    })
  )

  it.effect("shares a leg with concurrent callers of other pairs", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({
        "ZMW:USD": "0.04",
        "USD:KES": "125",
        "USD:UGX": "4000"
      })
      flutterwave.delayBy(50)
      const found = yield* onNode(
        Effect.all([lookup("ZMW", "KES"), lookup("ZMW", "UGX")], { concurrency: "unbounded" }),
        flutterwave.url
      )
      assert.deepStrictEqual(
        found.map(({ rate }) => Decimal.format(rate.rate)),
        ["5", "160"]
      )
      assert.strictEqual(flutterwave.requestsFor("ZMW:USD"), 1)
    })
  )

  it.effect("that no provider quotes is unavailable with the reason, and not asked for again", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({})
      yield* Effect.gen(function* () {
        const provider = yield* RateProvider
        for (let attempt = 0; attempt < 3; attempt++) {
          const { message } = yield* unavailable("GHS", "ETB")
          assert.strictEqual(
            message,
            "No GHS:ETB rate is available: flutterwave does not quote GHS:ETB, nor legs through USD or EUR"
          )
        }
        assert.deepStrictEqual(flutterwave.requests, ["GHS:ETB", "GHS:USD", "GHS:EUR"])
        // The leg is known not to be quoted, also for another pair.
        yield* unavailable("GHS", "MAD")
        assert.deepStrictEqual(flutterwave.requests.slice(3), ["GHS:MAD"])
        const [health] = yield* provider.health
        assert.strictEqual(health.consecutiveFailures, 0)
      }).pipe((test) => onNode(test, flutterwave.url))
    })
  )

  it.effect("is asked for again after an outage, which is not a refusal", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "ZAR:NGN": "80" })
      flutterwave.failWith(403)
      yield* Effect.gen(function* () {
        const { message } = yield* unavailable("ZAR", "NGN")
        assert.strictEqual(message, "No ZAR:NGN rate is available yet, and no provider returned one")
        flutterwave.failWith(undefined)
        yield* Effect.sleep("1100 millis")
        assert.strictEqual(Decimal.format((yield* lookup("ZAR", "NGN")).rate.rate), "80")
      }).pipe((test) => onNode(test, flutterwave.url))
      assert.deepStrictEqual(flutterwave.requests, ["ZAR:NGN", "ZAR:NGN"])
    })
  )
})

layer(TestDatabase.layer(), { excludeTestServices: true })("A refresh of a pair that is not polled", (it) => {
  const exceeded = new RateLimitExceeded({
    kind: "refreshes",
    limit: 1,
    window: Duration.minutes(1),
    cost: 1,
    remaining: 0,
    retryAfter: Duration.seconds(7)
  })
  const lookupWith = (from: string, to: string, permit: Effect.Effect<void, RateLimitExceeded>) =>
    Effect.flatMap(Rates, (rates) => rates.lookup(pairOf(from, to), { permit }))

  it.effect("counts against the limit of its caller, and a polled pair does not", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "NGN:USD": "0.00064", "USD:NGN": "1600" })
      yield* Effect.gen(function* () {
        let counted = 0
        const permit = Effect.sync(() => {
          counted++
        })
        yield* lookupWith("NGN", "USD", permit)
        yield* lookupWith("NGN", "USD", permit)
        yield* lookupWith("USD", "NGN", permit)
        assert.strictEqual(counted, 1)
      }).pipe((test) => onNode(test, flutterwave.url))
    })
  )

  it.effect("is not made for a caller that has used up its limit, who gets what is known", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "KES:USD": "0.008" })
      yield* Effect.gen(function* () {
        const repo = yield* RateRepo
        const error = yield* Effect.flip(lookupWith("KES", "USD", Effect.fail(exceeded)))
        assert.strictEqual(
          error.message,
          "No KES:USD rate is available: The limit is 1 refreshes in 1m; retry in 7 s"
        )
        yield* repo.insert(yield* tick("GHS", "USD", "0.08", "2026-01-01T00:00:00Z"))
        const found = yield* lookupWith("GHS", "USD", Effect.fail(exceeded))
        assert.deepStrictEqual([Decimal.format(found.rate.rate), found.stale], ["0.08", true])
        assert.deepStrictEqual(flutterwave.requests, [])
      }).pipe((test) => onNode(test, flutterwave.url))
    })
  )

  it.effect("derives nothing with RATE_ON_DEMAND=false", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "USD:EUR": "0.8", "EUR:ZAR": "20" })
      const { message } = yield* onNode(unavailable("USD", "ZAR"), flutterwave.url, {
        RATE_ON_DEMAND: "false"
      })
      assert.strictEqual(message, "No USD:ZAR rate is available: flutterwave does not quote USD:ZAR")
      assert.deepStrictEqual(flutterwave.requests, ["USD:ZAR"])
    })
  )

  it.effect("derives a polled pair that no provider quotes, too", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "USD:EUR": "0.8", "EUR:ZMW": "20" })
      const found = yield* onNode(lookup("USD", "ZMW"), flutterwave.url)
      assert.strictEqual(Decimal.format(found.rate.rate), "16")
    })
  )
})

layer(TestDatabase.layer(), { excludeTestServices: true })("All pairs of all offered currencies", (it) => {
  it.effect("cost a limited number of provider calls, and a polled pair is still refreshed", () =>
    Effect.gen(function* () {
      const flutterwave = yield* FakeFlutterwave.listen({ "USD:NGN": "1600" })
      const codes = [
        "USD",
        "CAD",
        "GBP",
        "EUR",
        "XOF",
        "XAF",
        "EGP",
        "ETB",
        "GHS",
        "KES",
        "MAD",
        "NGN",
        "ZAR"
      ]
      yield* Effect.gen(function* () {
        const walk = codes.flatMap((from) =>
          codes
            .filter((to) => to !== from && !(from === "USD" && to === "NGN"))
            .map((to) => [from, to] as const)
        )
        const onDemand = walk.filter(
          ([from, to]) => !codes.slice(0, 4).includes(from) || codes.slice(0, 4).includes(to)
        )
        yield* Effect.forEach(onDemand, ([from, to]) => unavailable(from, to), { concurrency: 20 })
        const last = yield* unavailable("MAD", "ZAR")
        assert.match(last.message, /used up its provider calls|does not quote/)
        const polled = flutterwave.requests.filter((pair) =>
          /^(USD|CAD|GBP|EUR):(?!USD|CAD|GBP|EUR)/.test(pair)
        )
        assert.lengthOf(flutterwave.requests, 25 + polled.length)
        assert.strictEqual(Decimal.format((yield* lookup("USD", "NGN")).rate.rate), "1600")
      }).pipe((test) => onNode(test, flutterwave.url, { ON_DEMAND_LIMIT: "25/hour" }))
    })
  )
})
