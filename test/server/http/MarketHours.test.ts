import { assert, layer } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Option } from "effect"
import { AssetCatalog } from "../../../src/assets/AssetCatalog.ts"
import * as UsMarketCalendar from "../../../src/domain/markets/UsMarketCalendar.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { tick } from "../../support/RateTicks.ts"
import { TestProvider } from "../../support/TestProvider.ts"
import { get, TestServer } from "../../support/TestServer.ts"
import { ServerClock, setForward } from "./ServerClock.ts"

const DAY = Duration.toMillis("1 day")

/** Returns the next close that is followed by a day or more without trading, and the open after it. */
const nextWeekend = (from: number) => {
  const sessions = Array.from({ length: 20 }, (_, day) =>
    UsMarketCalendar.sessionOf(from + day * DAY)
  ).filter((session) => session !== undefined)
  for (const [index, { close }] of sessions.entries()) {
    const next = sessions[index + 1]
    if (close > from + DAY && next !== undefined && next.open - close > 2 * DAY)
      return { close, open: next.open }
  }
  return assert.fail("no weekend")
}

const setTime = (millis: number) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => setForward(Duration.millis(millis - now)))

layer(
  TestServer.layer({ RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN", STALE_AFTER: "1 minute" }).pipe(
    Layer.provideMerge(ServerClock.layer)
  ),
  { excludeTestServices: true }
)("The price of a stock over a weekend", (it) => {
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
})
