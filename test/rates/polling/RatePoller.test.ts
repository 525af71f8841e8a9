import { assert, describe, it, layer } from "@effect/vitest"
import {
  DateTime,
  Duration,
  Effect,
  Exit,
  Fiber,
  Latch,
  Logger,
  Metric,
  Option,
  Ref,
  Semaphore
} from "effect"
import { TestClock } from "effect/testing"
import { LeaderTerms } from "../../../src/platform/LeaderTerms.ts"
import * as DatabaseMetrics from "../../../src/platform/metrics/DatabaseMetrics.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { CircuitOpen, ProviderError, Unreachable } from "../../../src/providers/ProviderError.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { PollRepo } from "../../../src/rates/polling/PollRepo.ts"
import { RatePoller } from "../../../src/rates/polling/RatePoller.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { pairOf } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import { eventuallyFrom } from "../../support/Waiters.ts"
import * as TestRates from "../TestRates.ts"

const test = (
  title: string,
  body: Effect.Effect<void, unknown, TestRates.Services | Database>,
  env: Readonly<Record<string, string>> = {}
) => it.effect(title, () => Effect.provide(body, TestRates.layer(env)))

const circuitOpen = new CircuitOpen({ retryAfter: Duration.seconds(3) })

const failNgn = (provider: TestProvider["Service"], others: string) =>
  provider.respondWith((pair) => (pair.to === "NGN" ? failing(pair) : rate(others)(pair)))

describe("RatePoller.pollOnce", () => {
  test(
    "refreshes, stores and caches all 44 pairs, and records the poll",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const repo = yield* RateRepo
      const cache = yield* RateCache
      const { sql } = yield* Database
      const reported = yield* Ref.make(0)
      const run = yield* poller.pollOnce(() => Ref.update(reported, (count) => count + 1))
      assert.strictEqual(run.pairs, 44)
      assert.deepStrictEqual(run.failures, [])
      assert.strictEqual(yield* Ref.get(reported), 44)
      const stored = yield* repo.latestAll
      assert.strictEqual(stored.length, 44)
      for (const { id, pair } of stored) {
        assert.strictEqual(Option.getOrThrow(cache.peek(pair)).id, id)
      }
      const runs =
        yield* sql`SELECT id, pairs, succeeded, failed, finished_at IS NOT NULL AS done FROM poll_run`
      assert.deepStrictEqual(runs, [{ id: run.id, pairs: 44, succeeded: 44, failed: 0, done: true }])
    })
  )

  test(
    "records the failed pairs and refreshes the others",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const repo = yield* RateRepo
      const { sql } = yield* Database
      yield* failNgn(yield* TestProvider, "10")
      const run = yield* poller.pollOnce()
      assert.deepStrictEqual(
        run.failures.map(({ pair }) => pair.key),
        ["USD:NGN", "CAD:NGN", "GBP:NGN", "EUR:NGN"]
      )
      assert.strictEqual((yield* repo.latestAll).length, 40)
      const failures =
        yield* sql`SELECT source_currency, reason, detail FROM poll_failure ORDER BY source_currency`
      assert.deepStrictEqual(failures[0], {
        sourceCurrency: "CAD",
        reason: "Unreachable",
        detail: "test returned no rate for CAD:NGN: no response (connection refused)"
      })
      assert.strictEqual(failures.length, 4)
      assert.deepStrictEqual(yield* sql`SELECT succeeded, failed FROM poll_run`, [
        { succeeded: 40, failed: 4 }
      ])
    })
  )
})

describe("RatePoller.pollNow", () => {
  test(
    "starts no poll whose record fails, and no other record for a poll in progress",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const provider = yield* TestProvider
      const { sql } = yield* Database
      const refused = yield* Effect.exit(poller.pollNow("operator", () => Effect.asVoid(sql`SELECT 1 / 0`)))
      assert.isTrue(Exit.isFailure(refused))
      assert.deepStrictEqual(yield* sql`SELECT id FROM poll_run`, [])
      assert.strictEqual(yield* provider.calls, 0)

      const answers = yield* Latch.make()
      yield* provider.respondWith((pair) => Effect.andThen(answers.await, rate("10")(pair)))
      const recorded: Array<string> = []
      const record = (id: string) => Effect.sync(() => void recorded.push(id))
      const first = yield* poller.pollNow("operator", record)
      assert.strictEqual(yield* poller.pollNow("another", record), first)
      assert.deepStrictEqual(recorded, [first])
      yield* answers.open
      yield* awaitFinishedPolls(1)
    })
  )
})

describe("The log of a poll", () => {
  test(
    "has one line with all pairs when the provider is down",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const lines: Array<ReturnType<typeof Logger.formatStructured.log>> = []
      const logger = Logger.map(Logger.formatStructured, (line) => lines.push(line))
      const provider = yield* TestProvider
      let calls = 0
      yield* provider.respondWith((pair) => {
        const reason = calls++ < 5 ? new Unreachable({ detail: "refused" }) : circuitOpen
        return Effect.fail(new ProviderError({ provider: "test", pair, reason }))
      })
      yield* poller.pollOnce().pipe(Effect.provide(Logger.layer([logger])))
      const warnings = lines.filter(({ level }) => level === "WARN")
      assert.strictEqual(warnings.length, 1, JSON.stringify(warnings.map(({ message }) => message)))
      const [warning] = warnings
      assert.match(
        String(warning?.message),
        /^Poll of 44 pairs failed: test returned no rate for [A-Z:]{7}: no response .*\((?:[A-Z]{3}:[A-Z]{3}(?:, )?){44}\)$/
      )
      if (warning === undefined) return
      assert.strictEqual(warning.annotations["reason"], "Unreachable")
      assert.lengthOf(new Set(Object.values(warning.annotations["pairs"] ?? {})), 44)
    })
  )
})

describe("RatePoller.pollAsLeader", () => {
  test(
    "polls in a leader term, and records the rates of each poll once per pair",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const { sql } = yield* Database
      yield* Effect.forkChild(poller.pollAsLeader)
      yield* awaitFinishedPolls(1)
      yield* TestClock.adjust("10 minutes")
      yield* awaitFinishedPolls(2)
      const runs = yield* sql`
        SELECT term, count(*) AS rates FROM poll_run JOIN poll_rate ON poll_run_id = id GROUP BY id ORDER BY started_at`
      assert.deepStrictEqual(runs, [
        { term: 1n, rates: 44n },
        { term: 1n, rates: 44n }
      ])
      yield* Effect.forEach(
        [
          sql`INSERT INTO poll_rate SELECT poll_run_id, source_currency, destination_currency, gen_random_uuid() FROM poll_rate LIMIT 1`,
          sql`INSERT INTO poll_run (id, started_at, pairs, term) SELECT gen_random_uuid(), started_at, pairs, term FROM poll_run LIMIT 1`,
          sql`DELETE FROM poll_rate`
        ],
        Effect.flip
      )
    })
  )

  test(
    "stores nothing after another leader took over, cools down for 30 seconds, and starts a new term",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const leaderTerms = yield* LeaderTerms
      const provider = yield* TestProvider
      const { sql } = yield* Database
      // Another leader takes over during the provider call.
      yield* provider.respondWith((pair) =>
        Effect.andThen(
          pair.key === "USD:NGN" ? Effect.orDie(leaderTerms.startTerm("poller")) : Effect.void,
          rate("10")(pair)
        )
      )
      const rates = Effect.map(sql<{ rates: bigint }>`SELECT count(*) AS rates FROM exchange_rate`, ([row]) =>
        Number(row?.rates)
      )
      yield* Effect.forkChild(poller.pollAsLeader)
      yield* awaitCalls(8)
      yield* awaitUnlocked
      const stored = yield* rates
      assert.isBelow(stored, 44)
      assert.deepStrictEqual(yield* sql`SELECT term, finished_at FROM poll_run`, [
        { term: 1n, finishedAt: null }
      ])
      yield* TestClock.adjust("29 seconds")
      yield* settle
      assert.strictEqual(yield* rates, stored)

      yield* provider.respondWith(rate("10"))
      yield* TestClock.adjust("1 second")
      yield* awaitFinishedPolls(1)
      assert.strictEqual(yield* rates, stored + 44)
      assert.deepStrictEqual(yield* sql`SELECT term FROM poll_run ORDER BY started_at`, [
        { term: 1n },
        { term: 3n }
      ])
    }),
    { POLL_INTERVAL: "10 seconds" }
  )

  test(
    "restarts the flight of a poll that joined the call of an earlier term",
    Effect.gen(function* () {
      const ingest = yield* RateIngest
      const provider = yield* TestProvider
      const { sql } = yield* Database
      const pair = pairOf("USD", "NGN")
      const answers = yield* Latch.make()
      yield* provider.respondWith((pair) => Effect.andThen(answers.await, rate("10")(pair)))
      const fetch = Effect.flatMap(startFencedPoll, (poll) =>
        Effect.forkChild(ingest.fetchForPoll(pair, Option.some(poll)), { startImmediately: true })
      )
      const earlier = yield* fetch
      const later = yield* fetch
      yield* answers.open
      assert.strictEqual((yield* Effect.flip(Fiber.join(earlier)))._tag, "Superseded")
      const { id: rateId } = yield* Fiber.join(later)
      assert.strictEqual(yield* provider.calls, 2)
      assert.deepStrictEqual(yield* sql`SELECT id FROM exchange_rate`, [{ id: rateId }])
    })
  )

  test(
    "restarts the flight of a lookup that joined a superseded poll",
    Effect.gen(function* () {
      const leaderTerms = yield* LeaderTerms
      const ingest = yield* RateIngest
      const polls = yield* PollRepo
      const provider = yield* TestProvider
      const { sql } = yield* Database
      const { id, leadership } = yield* startFencedPoll
      const pair = pairOf("USD", "NGN")
      const answers = yield* Latch.make()
      yield* provider.respondWith((pair) => Effect.andThen(answers.await, rate("10")(pair)))
      const poll = yield* Effect.forkChild(
        Effect.flip(ingest.fetchForPoll(pair, Option.some({ id, leadership }))),
        { startImmediately: true }
      )
      const lookup = yield* Effect.forkChild(ingest.fetch(pair), { startImmediately: true })
      yield* leaderTerms.startTerm("poller")
      yield* answers.open
      assert.strictEqual((yield* Fiber.join(poll))._tag, "Superseded")
      const { id: rateId } = yield* Fiber.join(lookup)
      assert.strictEqual(yield* provider.calls, 2)
      assert.deepStrictEqual(yield* sql`SELECT id FROM exchange_rate`, [{ id: rateId }])
      const run = {
        id,
        startedAt: yield* DateTime.now,
        finishedAt: yield* DateTime.now,
        pairs: 44,
        failures: []
      }
      assert.strictEqual((yield* Effect.flip(polls.finish(run, Option.some(leadership))))._tag, "Superseded")
    })
  )
})

/** Four pairs instead of 44: these tests are about the times of polls. */
const FEW_PAIRS = { RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN,KES,GHS,ZAR" }
const PAIR_COUNT = 4

// These tests are about the times of polls and calls, so they share a database. All rates are 1500.
layer(TestDatabase.layer(), { excludeTestServices: true })("RatePoller", (it) => {
  const test = (
    title: string,
    body: Effect.Effect<void, unknown, TestRates.Services | Database>,
    env: Readonly<Record<string, string>> = {}
  ) => it.effect(title, () => TestRates.withOwnServices(body, env))

  test(
    "limits concurrent provider calls to POLL_CONCURRENCY, and calls for the next pair while one is stored",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const provider = yield* TestProvider
      const { sql } = yield* Database
      const inFlight = yield* Ref.make(0)
      const maxInFlight = yield* Ref.make(0)
      const answers = yield* Semaphore.make(0)
      yield* provider.respondWith((pair) =>
        Ref.updateAndGet(inFlight, (count) => count + 1).pipe(
          Effect.tap((count) => Ref.update(maxInFlight, (max) => Math.max(max, count))),
          Effect.andThen(answers.take(1)),
          Effect.andThen(rate("1500")(pair)),
          Effect.ensuring(Ref.update(inFlight, (count) => count - 1))
        )
      )
      const poll = yield* Effect.scoped(
        Effect.gen(function* () {
          const locker = yield* sql.reserve
          yield* locker.executeRaw("BEGIN", [])
          yield* locker.executeRaw("LOCK TABLE exchange_rate IN SHARE MODE", [])
          const poll = yield* Effect.forkChild(poller.pollOnce())
          yield* awaitCalls(3)
          yield* answers.release(3)
          yield* awaitCalls(6)
          assert.strictEqual(yield* provider.calls, 6)
          yield* locker.executeRaw("COMMIT", [])
          return poll
        })
      )
      yield* answers.release(44)
      assert.deepStrictEqual((yield* Fiber.join(poll)).failures, [])
      assert.strictEqual(yield* Ref.get(maxInFlight), 3)
    }),
    { POLL_CONCURRENCY: "3" }
  )

  test(
    "runs one poll at a time, also across processes",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const provider = yield* TestProvider
      const { withLock } = yield* Database
      const answers = yield* Latch.make()
      yield* provider.respondWith((pair) => Effect.andThen(answers.await, rate("1500")(pair)))
      const first = yield* Effect.forkChild(poller.pollOnce())
      yield* awaitCalls(4)
      assert.strictEqual((yield* Effect.flip(poller.pollOnce()))._tag, "PollInProgress")
      yield* answers.open
      assert.deepStrictEqual((yield* Fiber.join(first)).failures, [])
      assert.strictEqual(yield* provider.calls, 44)
      const inOtherProcess = yield* withLock("poll", Effect.flip(poller.pollOnce()))
      assert.strictEqual(Option.getOrThrow(inOtherProcess)._tag, "PollInProgress")
    })
  )

  test(
    "polls immediately, and then at every interval from start to start",
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const awaitPolls = yield* startPolling(Duration.minutes(10))
      yield* TestClock.adjust("9 minutes")
      yield* settle
      assert.strictEqual(yield* provider.calls, PAIR_COUNT)
      yield* TestClock.adjust("1 minute")
      yield* awaitPolls(2)
      yield* TestClock.adjust("10 minutes")
      yield* awaitPolls(3)
    }),
    FEW_PAIRS
  )

  test(
    "retries a poll that refreshed no pair after 5, 10, 20 … seconds, up to the interval",
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const repo = yield* RateRepo
      const awaitPolls = yield* startPolling(Duration.seconds(30))
      const before = yield* repo.latestIds
      yield* provider.respondWith(failing)
      yield* TestClock.adjust("30 seconds")
      yield* awaitPolls(2)
      let polls = 2
      for (const seconds of [5, 10, 20, 30, 30]) {
        yield* TestClock.adjust(Duration.millis(seconds * 1000 - 1))
        yield* settle
        assert.strictEqual(yield* provider.calls, polls * PAIR_COUNT)
        yield* TestClock.adjust("1 millis")
        yield* awaitPolls(++polls)
      }
      assert.deepStrictEqual(yield* repo.latestIds, before)
    }),
    FEW_PAIRS
  )

  test(
    "does not retry early after a poll with quarantined rates",
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const repo = yield* RateRepo
      const awaitPolls = yield* startPolling(Duration.minutes(10))
      const before = yield* repo.latestIds
      yield* provider.respondWith(rate("2250"))
      yield* TestClock.adjust("10 minutes")
      yield* awaitPolls(2)
      yield* TestClock.adjust("9 minutes")
      yield* settle
      assert.strictEqual(yield* provider.calls, 2 * PAIR_COUNT)
      assert.deepStrictEqual(yield* repo.latestIds, before)
    }),
    FEW_PAIRS
  )

  test(
    "does not retry early after a partial failure",
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* failNgn(provider, "1500")
      yield* startPolling(Duration.minutes(10))
      yield* TestClock.adjust("9 minutes")
      yield* settle
      assert.strictEqual(yield* provider.calls, PAIR_COUNT)
    }),
    FEW_PAIRS
  )
})

/** Starts a leader term, and a poll in it. */
const startFencedPoll = Effect.gen(function* () {
  const leadership = yield* (yield* LeaderTerms).startTerm("poller")
  const cause = { trigger: "schedule", leadership } as const
  return { id: yield* (yield* PollRepo).start(yield* DateTime.now, 44, cause), leadership }
})

const pause = (millis: number) => Effect.promise(() => new Promise((resolve) => setTimeout(resolve, millis)))

/** Waits in real time while the test clock is paused, so that unexpected work on sockets would become visible. */
const settle = pause(40)

const awaitCalls = Effect.fnUntraced(function* (count: number) {
  yield* (yield* TestProvider).awaitCalls(count)
})

/** Polls at an interval, and waits for the first poll. Returns an effect that waits for a number of finished polls. */
const startPolling = Effect.fnUntraced(function* (interval: Duration.Duration) {
  const poller = yield* RatePoller
  const finished = yield* Ref.make(0)
  yield* Effect.forkChild(
    poller.pollEvery(interval, undefined, () => Ref.update(finished, (count) => count + 1))
  )
  const awaitPolls = Effect.fnUntraced(function* (count: number) {
    yield* eventuallyFrom(
      `${count} finished polls`,
      Effect.map(Ref.get(finished), (polls) => polls >= count || undefined)
    )
    // The poller now waits for the next poll.
    yield* pause(5)
  })
  yield* awaitPolls(1)
  return awaitPolls
})

/**
 * Waits until the poll has released its lock. An earlier advance of the clock could time out the query that releases it.
 */
const awaitUnlocked = Effect.gen(function* () {
  yield* eventuallyFrom(
    "release of the lock",
    Effect.map(Metric.value(DatabaseMetrics.reservedConnections), ({ value }) => value <= 0 || undefined)
  )
  yield* pause(5)
})

const awaitFinishedPolls = Effect.fnUntraced(function* (count: number) {
  const { sql } = yield* Database
  yield* eventuallyFrom(
    `${count} finished polls`,
    Effect.map(
      sql`SELECT FROM poll_run WHERE finished_at IS NOT NULL`,
      (rows) => rows.length >= count || undefined
    )
  )
  yield* awaitUnlocked
})
