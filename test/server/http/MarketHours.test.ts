import { assert, layer } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Layer, Option } from "effect"
import { AssetCatalog } from "../../../src/assets/AssetCatalog.ts"
import * as UsMarketCalendar from "../../../src/domain/markets/UsMarketCalendar.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { ProviderError, Untraded } from "../../../src/providers/ProviderError.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { pairOf, tick } from "../../support/RateTicks.ts"
import { TestProvider } from "../../support/TestProvider.ts"
import { get, TestServer } from "../../support/TestServer.ts"
import { ServerClock, setForward } from "./ServerClock.ts"

const DAY = Duration.toMillis("1 day")

/** Returns the next close that is followed by a pause in trading of more than some days, or by exactly one holiday. */
const nextPause = (from: number, isPause: (days: number) => boolean) => {
  const sessions = Array.from({ length: 366 }, (_, day) =>
    UsMarketCalendar.sessionOf(from + day * DAY)
  ).filter((session) => session !== undefined)
  for (const [index, { close }] of sessions.entries()) {
    const next = sessions[index + 1]
    if (close > from + DAY && next !== undefined && isPause((next.open - close) / DAY))
      return { close, open: next.open }
  }
  return assert.fail("no pause")
}

const nextWeekend = (from: number) => nextPause(from, (days) => days > 2)
/** One day without trading in the week. */
const nextHoliday = (from: number) => nextPause(from, (days) => days > 1 && days < 2)

const setTime = (millis: number) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => setForward(Duration.millis(millis - now)))

layer(
  TestServer.layer({ RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN", STALE_AFTER: "1 minute" }).pipe(
    Layer.provideMerge(ServerClock.layer)
  ),
  { excludeTestServices: true }
)("The price of a stock", (it) => {
  const lookup = Effect.map(get("/api/v1/rates?from=AAPL&to=USD"), ({ json, status }) => ({
    status,
    stale: json["stale"]
  }))
  const listed = Effect.map(get("/api/v1/rates/all?base=AAPL"), ({ json }) => json["rates"])
  const ready = Effect.map(get("/health/ready"), ({ json }) => JSON.stringify(json["checks"]))
  const oldestAge = Effect.map(get("/metrics"), ({ text }) =>
    Number(/^effex_rate_oldest_age_seconds (\S+)$/m.exec(text)?.[1])
  )

  it.effect("does not age while the market is closed, in lookups, lists, health checks and metrics", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const repo = yield* RateRepo
      const cache = yield* RateCache
      const catalog = yield* AssetCatalog
      const provider = yield* TestProvider
      yield* sql`
        INSERT INTO asset (code, kind, name, decimals, updated_by) VALUES ('AAPL', 'stock', 'Apple', 9, 'test')`
      yield* catalog.refresh
      const { close, open } = nextWeekend(yield* Clock.currentTimeMillis)

      yield* setTime(close - 30_000)
      const stored = yield* repo.insert(yield* tick("AAPL", "USD", "250"))
      yield* cache.put(stored)
      yield* setTime(close + 1.5 * DAY)
      yield* get("/api/v1/rates?from=USD&to=NGN")
      const calls = yield* provider.calls
      assert.deepStrictEqual(yield* lookup, { status: 200, stale: false })
      assert.match(JSON.stringify(yield* listed), /"stale":false/)
      assert.match(
        yield* ready,
        /"rates":\{"status":"ok","known":2,"expected":2,"oldest_age_seconds":[23]\d\}/
      )
      assert.isBelow(yield* oldestAge, 60)
      assert.strictEqual(yield* provider.calls, calls)

      // Another process has no price in memory: it reads PostgreSQL, and calls no provider.
      yield* cache.evict(stored.pair, stored.id)
      assert.deepStrictEqual(yield* lookup, { status: 200, stale: false })
      assert.isTrue(Option.isSome(cache.peek(stored.pair)))
      assert.strictEqual(yield* provider.calls, calls)

      yield* setTime(open + 300_000)
      assert.deepStrictEqual(yield* lookup, { status: 200, stale: true })
      assert.match(JSON.stringify(yield* listed), /"stale":true/)
      assert.match(yield* ready, /"rates":\{"status":"degraded"/)
      assert.isAtLeast(yield* oldestAge, 300)
    })
  )

  it.effect("does not age over a holiday", () =>
    Effect.gen(function* () {
      const cache = yield* RateCache
      const { close, open } = nextHoliday(yield* Clock.currentTimeMillis)
      yield* setTime(close - 30_000)
      const known = Option.getOrThrow(cache.peek(pairOf("AAPL", "USD")))
      const beforeClose = DateTime.makeUnsafe(close - 30_000)
      // A holiday can be months ahead, and the database rejects rates from its future.
      cache.putLocal({ ...known, observedAt: beforeClose })
      yield* setTime(close + DAY)
      assert.deepStrictEqual(yield* lookup, { status: 200, stale: false })
      yield* setTime(open + 300_000)
      assert.deepStrictEqual(yield* lookup, { status: 200, stale: true })
    })
  )
})

layer(TestServer.layer({ RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN", STALE_AFTER: "1 minute" }), {
  excludeTestServices: true
})("A price that is halted at its provider", (it) => {
  it.effect("is unavailable with the reason, although an old one is known", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      const provider = yield* TestProvider
      const known = yield* tick("USD", "NGN", "1500")
      yield* repo.insert({ ...known, observedAt: DateTime.subtract(known.observedAt, { hours: 1 }) })
      yield* provider.respondWith((pair) =>
        Effect.fail(
          new ProviderError({
            provider: "test",
            pair,
            reason: new Untraded({ detail: "no trade for an hour" })
          })
        )
      )
      const { json, status } = yield* get("/api/v1/rates?from=USD&to=NGN")
      assert.strictEqual(status, 503)
      assert.match(String(json["type"]), /rate-unavailable$/)
      assert.include(json["detail"], "no trade for an hour")
    })
  )
})
