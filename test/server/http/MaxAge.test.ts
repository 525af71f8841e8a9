import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Callers from "../../support/Callers.ts"
import { rate, TestProvider } from "../../support/TestProvider.ts"
import { get, TestServer } from "../../support/TestServer.ts"
import { ServerClock, setForward } from "./ServerClock.ts"

const lookUp = (to: string, maxAge: string, address: string, caller = Callers.ANONYMOUS) =>
  get(`/api/v1/rates?from=USD&to=${to}&max_age=${encodeURIComponent(maxAge)}`, {
    headers: {
      "x-forwarded-for": address,
      ...(caller.authorization === undefined ? {} : { authorization: caller.authorization })
    }
  })

/** Runs an effect, and returns the number of provider calls that it caused. */
const callsOf = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const { calls } = yield* TestProvider
  const before = yield* calls
  yield* effect
  return (yield* calls) - before
})

const server = TestServer.layer({
  TRUSTED_PROXIES: "127.0.0.1",
  RATE_LIMIT_REFRESHES: "2/hour",
  STALE_AFTER: "10 minutes"
}).pipe(Layer.provideMerge(ServerClock.layer))

layer(server, { excludeTestServices: true })("max_age", (it) => {
  it.effect("of a caller without a key is at least MAX_AGE_FLOOR", () =>
    Effect.gen(function* () {
      yield* get("/api/v1/rates?from=USD&to=NGN")
      const demands = Effect.gen(function* () {
        for (let i = 0; i < 20; i++) {
          yield* setForward("1 second")
          const { headers, status } = yield* lookUp("NGN", "1 millis", "192.0.2.1")
          assert.deepStrictEqual([status, headers.get("x-rate-source")], [200, "memory"])
        }
      })
      assert.strictEqual(yield* callsOf(demands), 0)
      yield* setForward("11 seconds")
      const refreshed = yield* lookUp("NGN", "1 millis", "192.0.2.1")
      assert.strictEqual(refreshed.headers.get("x-rate-source"), "provider")
    })
  )

  it.effect(
    "returns 503 with Retry-After when a caller has used up its refreshes, which others have not",
    () =>
      Effect.gen(function* () {
        const shop = yield* Callers.withScopes("rates:read")
        const other = yield* Callers.withScopes("convert")
        yield* get("/api/v1/rates?from=USD&to=KES")
        for (const _ of [1, 2]) {
          yield* setForward("2 seconds")
          const { headers } = yield* lookUp("KES", "1 second", "192.0.2.2", shop)
          assert.strictEqual(headers.get("x-rate-source"), "provider")
        }
        yield* setForward("2 seconds")
        const calls = yield* callsOf(
          Effect.gen(function* () {
            const rejected = yield* lookUp("KES", "1 second", "192.0.2.2", shop)
            assert.deepInclude(rejected.json, { status: 503, code: "rate-too-old", retryable: true })
            assert.match(
              String(rejected.json["detail"]),
              /at most 1 seconds are allowed.*The limit is 2 refreshes in 1h; retry in \d+ s$/
            )
            assert.isAbove(Number(rejected.headers.get("retry-after")), 1000)
            // A rate that is recent enough needs no refresh.
            assert.strictEqual((yield* lookUp("KES", "1 minute", "192.0.2.2", shop)).status, 200)
          })
        )
        assert.strictEqual(calls, 0)
        const { headers } = yield* lookUp("KES", "1 second", "192.0.2.2", other)
        assert.strictEqual(headers.get("x-rate-source"), "provider")
      })
  )

  it.effect("of all callers without a key is limited, and never delays the refresh of a stale rate", () =>
    Effect.gen(function* () {
      yield* get("/api/v1/rates?from=USD&to=GHS")
      let refused = 0
      const demands = Effect.gen(function* () {
        for (let i = 0; i < 12; i++) {
          yield* setForward("31 seconds")
          const { status } = yield* lookUp("GHS", "1 millis", `198.51.100.${i}`)
          if (status === 503) refused++
        }
      })
      // Six in an hour; one was used by the test of the floor.
      assert.isAtMost(yield* callsOf(demands), 6)
      assert.isAtLeast(refused, 6)
      yield* (yield* TestProvider).respondWith(rate("1501"))
      yield* setForward("11 minutes")
      for (const maxAge of ["1 millis", "1 hour"]) {
        const { headers, json } = yield* lookUp("GHS", maxAge, "198.51.100.1")
        assert.strictEqual(json["rate"], "1501")
        assert.strictEqual(headers.get("x-rate-source"), maxAge === "1 millis" ? "provider" : "memory")
      }
    })
  )

  it.effect("counts one refresh for concurrent demands of one pair", () =>
    Effect.gen(function* () {
      const caller = yield* Callers.withScopes("admin")
      yield* get("/api/v1/rates?from=USD&to=ZAR")
      yield* setForward("2 seconds")
      // A busy machine takes longer for them than the second that the rate is fresh.
      yield* (yield* ServerClock).stop
      const calls = yield* callsOf(
        Effect.gen(function* () {
          const responses = yield* Effect.all(
            Array.from({ length: 10 }, () => lookUp("ZAR", "1 second", "192.0.2.4", caller)),
            { concurrency: "unbounded" }
          )
          assert.deepStrictEqual(new Set(responses.map(({ status }) => status)), new Set([200]))
        })
      )
      assert.strictEqual(calls, 1)
    })
  )
})

const guarded = TestServer.layer(
  { POLL_INTERVAL: "off", MAX_AGE_FLOOR: "0 millis", RATE_LIMIT_REFRESHES: "off" },
  { isGuarded: true }
).pipe(Layer.provideMerge(ServerClock.layer))

layer(guarded, { excludeTestServices: true })("Lookups while polling is off", (it) => {
  it.effect("do not confirm a wrong level within an hour, however many demand it", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* provider.respondWith(rate("1500"))
      assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=NGN")).json["rate"], "1500")
      yield* provider.respondWith(rate("150000"))
      for (let i = 0; i < 60; i++) {
        yield* setForward("1 minute")
        const { json } = yield* get("/api/v1/rates?from=USD&to=NGN&max_age=1+millis")
        assert.strictEqual(json["code"], "rate-too-old")
      }
      assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=NGN&max_age=1+day")).json["rate"], "1500")
    })
  )
})
