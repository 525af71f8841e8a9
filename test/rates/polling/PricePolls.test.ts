import { assert, it } from "@effect/vitest"
import { Duration, Effect, Layer, Metric, Option } from "effect"
import { TestClock } from "effect/testing"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import * as DatabaseMetrics from "../../../src/platform/metrics/DatabaseMetrics.ts"
import * as PollMetrics from "../../../src/platform/metrics/PollMetrics.ts"
import { fixed, ofPrices } from "../../../src/platform/PollCadence.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { RateProvider } from "../../../src/providers/RateProvider.ts"
import type { RateSource } from "../../../src/providers/RateSource.ts"
import { RateSources } from "../../../src/providers/RateSources.ts"
import { PollRepo } from "../../../src/rates/polling/PollRepo.ts"
import { RatePoller } from "../../../src/rates/polling/RatePoller.ts"
import * as TestCatalog from "../../support/TestCatalog.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { failing, hanging, rate } from "../../support/TestProvider.ts"
import { eventuallyFrom } from "../../support/Waiters.ts"
import * as TestRates from "../TestRates.ts"

let respond: RateSource["Service"]["rate"] = rate("1500")
let respondPrice: RateSource["Service"]["rate"] = rate("200")
const isPrice = ({ from }: AssetPair) => from === "AAPL" || from === "BTC"

const provider = RateProvider.layer.pipe(
  Layer.provide(
    Layer.succeed(RateSources, [
      { name: "currencies", rate: (pair) => respond(pair) },
      { name: "prices", quotes: isPrice, rate: (pair) => respondPrice(pair) }
    ])
  )
)

type Services = Layer.Success<typeof services> | Database
const services = TestRates.withProvider(provider).pipe(
  Layer.provideMerge(TestCatalog.layer([TestCatalog.asset("AAPL", "stock"), TestCatalog.asset("BTC")]))
)

/** Two pairs of currencies, and the prices of two assets. */
const test = (
  title: string,
  body: Effect.Effect<void, unknown, Services>,
  env: Readonly<Record<string, string>> = {}
) =>
  it.effect(title, () =>
    Effect.gen(function* () {
      respond = rate("1500")
      respondPrice = rate("200")
      yield* Effect.provide(body, services)
    }).pipe(Effect.provide(TestDatabase.layer({ RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN,KES", ...env })))
  )

/** Recorded polls by set, as `count: pairs, succeeded`. */
const polls = Effect.gen(function* () {
  const { sql } = yield* Database
  const rows = yield* sql<{ pairSet: string; text: string }>`
    SELECT pair_set, count(*) || ': ' || max(pairs) || ', ' || min(succeeded) AS text
    FROM poll_run WHERE finished_at IS NOT NULL GROUP BY pair_set`
  return Object.fromEntries(rows.map(({ pairSet, text }) => [pairSet, text]))
})

const awaitPolls = (expected: Readonly<Record<string, string>>) =>
  eventuallyFrom(
    JSON.stringify(expected),
    Effect.map(
      polls,
      (found) => Object.entries(expected).every(([set, text]) => found[set] === text) || undefined
    )
  )

/**
 * Waits until both polls have released their locks, and sleep. An earlier advance of the clock could time out the query that
 * releases a lock.
 */
const awaitUnlocked = Effect.andThen(
  eventuallyFrom(
    "release of the locks",
    Effect.map(Metric.value(DatabaseMetrics.reservedConnections), ({ value }) => value <= 0 || undefined)
  ),
  Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
)

test(
  "prices and currencies are polled at their own intervals, in leader terms of their own",
  Effect.gen(function* () {
    const poller = yield* RatePoller
    const { sql } = yield* Database
    yield* Effect.forkChild(poller.pollAsLeader)
    yield* awaitPolls({ currencies: "1: 2, 2", prices: "1: 2, 2" })
    yield* awaitUnlocked
    for (let minute = 1; minute <= 10; minute++) {
      yield* TestClock.adjust("1 minute")
      const currencies = minute < 10 ? "1: 2, 2" : "2: 2, 2"
      yield* awaitPolls({ currencies, prices: `${minute + 1}: 2, 2` })
      yield* awaitUnlocked
    }
    assert.deepStrictEqual(yield* sql`SELECT name, term FROM leader ORDER BY name`, [
      { name: "poller", term: 1n },
      { name: "price-poller", term: 1n }
    ])
    const repo = yield* PollRepo
    assert.strictEqual(Option.getOrThrow(yield* repo.latestScheduled).pairSet, "currencies")
  }),
  { PRICE_POLL_INTERVAL: "1 minute" }
)

test(
  "a price provider that hangs does not delay the poll of currencies",
  Effect.gen(function* () {
    respondPrice = hanging
    const poller = yield* RatePoller
    const repo = yield* PollRepo
    yield* Effect.forkChild(poller.pollAsLeader)
    yield* awaitPolls({ currencies: "1: 2, 2" })
    const statuses = (yield* repo.page(undefined, 10)).map(({ pairSet, status }) => `${pairSet}: ${status}`)
    assert.sameMembers(statuses, ["currencies: finished", "prices: running"])
    assert.isTrue(Option.isNone(yield* repo.running))
  })
)

test(
  "prices are not polled if PRICE_POLL_INTERVAL is off",
  Effect.gen(function* () {
    const poller = yield* RatePoller
    yield* Effect.forkChild(poller.pollAsLeader)
    yield* awaitPolls({ currencies: "1: 2, 2" })
    yield* TestClock.adjust("10 minutes")
    yield* awaitPolls({ currencies: "2: 2, 2" })
    assert.isUndefined((yield* polls)["prices"])
  }),
  { PRICE_POLL_INTERVAL: "off" }
)

test(
  "one request polls currencies and prices, and failing currencies are not hidden by prices",
  Effect.gen(function* () {
    respond = failing
    const poller = yield* RatePoller
    const { health } = yield* RateProvider
    const failed = PollMetrics.polls.of({ set: "currencies", outcome: "failed" })
    const before = yield* Metric.value(failed)
    const lastSuccess = yield* Metric.value(PollMetrics.lastSuccess.of({ set: "currencies" }))
    const run = yield* poller.pollOnce()
    assert.deepStrictEqual([run.pairs, run.failures.map(({ pair }) => pair.key)], [4, ["USD:NGN", "USD:KES"]])
    const requested = yield* poller.pollNow("operator")
    yield* awaitPolls({ currencies: "2: 2, 0", prices: "2: 2, 2" })
    const { byId } = yield* PollRepo
    assert.strictEqual(Option.getOrThrow(yield* byId(requested)).pairSet, "currencies")
    assert.strictEqual((yield* Metric.value(failed)).count, before.count + 2)
    assert.deepStrictEqual(
      yield* Metric.value(PollMetrics.lastSuccess.of({ set: "currencies" })),
      lastSuccess
    )
    const [currencies, prices] = yield* health
    assert.isTrue(currencies.isFailing)
    assert.isFalse(prices?.servedLatest)
  })
)

it("prices are off while polling is off", () => {
  const minute = Option.some(Duration.minutes(1))
  const hour = Option.some(Duration.hours(1))
  assert.deepStrictEqual(ofPrices(fixed(Option.none()), minute).interval(), Option.none())
  assert.deepStrictEqual(ofPrices(fixed(hour), minute).interval(), minute)
  assert.deepStrictEqual(ofPrices(fixed(hour), Option.none()).interval(), Option.none())
})
