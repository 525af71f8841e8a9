import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Fiber, Layer, Option, Ref } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { Leader } from "../../../src/platform/Leader.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { PollRepo } from "../../../src/rates/polling/PollRepo.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RatePoller } from "../../../src/rates/polling/RatePoller.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import { pairOf } from "../../support/RateTicks.ts"

const layerOf = (env: Readonly<Record<string, string>>) =>
  RatePoller.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(RateIngest.layer, Leader.layer)),
    Layer.provideMerge(Layer.mergeAll(RateCache.layerMemory, Broadcaster.layerMemory)),
    Layer.provideMerge(Layer.mergeAll(RateRepo.layer, PollRepo.layer, TestProvider.layer)),
    Layer.provideMerge(SecureRandom.layerWebCrypto),
    Layer.provideMerge(TestDatabase.layer(env))
  )

const test = (
  name: string,
  body: Effect.Effect<
    void,
    unknown,
    RatePoller | RateIngest | PollRepo | RateRepo | RateCache | TestProvider | Leader | Database
  >,
  env: Readonly<Record<string, string>> = {}
) => it.effect(name, () => Effect.provide(body, layerOf(env)))

const exceptNaira = (provider: TestProvider["Service"]) =>
  provider.answer((pair) => (pair.to === "NGN" ? failing(pair) : rate("10")(pair)))

describe("RatePoller.pollOnce", () => {
  test(
    "refreshes all 44 pairs, and stores, caches and records them",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const repo = yield* RateRepo
      const cache = yield* RateCache
      const { sql } = yield* Database
      const seen = yield* Ref.make(0)
      const run = yield* poller.pollOnce(() => Ref.update(seen, (count) => count + 1))
      assert.strictEqual(run.pairs, 44)
      assert.deepStrictEqual(run.failures, [])
      assert.strictEqual(yield* Ref.get(seen), 44)
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
    "records the pairs that failed, and refreshes the others",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const repo = yield* RateRepo
      const { sql } = yield* Database
      yield* exceptNaira(yield* TestProvider)
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
        detail: "test gave no rate for CAD:NGN: no answer (gone)"
      })
      assert.strictEqual(failures.length, 4)
      assert.deepStrictEqual(yield* sql`SELECT succeeded, failed FROM poll_run`, [
        { succeeded: 40, failed: 4 }
      ])
    })
  )

  test(
    "asks for as many pairs at a time as POLL_CONCURRENCY says, and for the next while one is stored",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const provider = yield* TestProvider
      const { sql } = yield* Database
      const asked = yield* Ref.make(0)
      const most = yield* Ref.make(0)
      yield* provider.answer((pair) =>
        Ref.updateAndGet(asked, (count) => count + 1).pipe(
          Effect.tap((count) => Ref.update(most, (before) => Math.max(before, count))),
          Effect.andThen(Effect.delay(rate("10")(pair), "1 second")),
          Effect.ensuring(Ref.update(asked, (count) => count - 1))
        )
      )
      const poll = yield* Effect.scoped(
        Effect.gen(function* () {
          const other = yield* sql.reserve
          yield* other.executeRaw("BEGIN", [])
          yield* other.executeRaw("LOCK TABLE exchange_rate IN SHARE MODE", [])
          const poll = yield* Effect.forkChild(poller.pollOnce())
          yield* untilAsked(3)
          yield* TestClock.adjust("1 second")
          yield* untilAsked(6)
          assert.strictEqual(yield* provider.calls, 6)
          yield* other.executeRaw("COMMIT", [])
          return poll
        })
      )
      yield* advance(poll, "1 second")
      assert.deepStrictEqual((yield* Fiber.join(poll)).failures, [])
      assert.strictEqual(yield* Ref.get(most), 3)
    }),
    { POLL_CONCURRENCY: "3" }
  )

  test(
    "never runs twice at once, here or in another process",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const provider = yield* TestProvider
      const { exclusively } = yield* Database
      yield* provider.answer((pair) => Effect.delay(rate("10")(pair), "1 second"))
      const first = yield* Effect.forkChild(poller.pollOnce())
      yield* untilAsked(4)
      assert.strictEqual((yield* Effect.flip(poller.pollOnce()))._tag, "PollUnderWay")
      yield* advance(first, "1 second")
      assert.deepStrictEqual((yield* Fiber.join(first)).failures, [])
      assert.strictEqual(yield* provider.calls, 44)
      const elsewhere = yield* exclusively("poll", Effect.flip(poller.pollOnce()))
      assert.strictEqual(Option.getOrThrow(elsewhere)._tag, "PollUnderWay")
    })
  )
})

describe("RatePoller.lead", () => {
  test(
    "polls in a term, and keeps what each poll brought, once for each pair",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const { sql } = yield* Database
      yield* Effect.forkChild(poller.lead)
      yield* untilFinished(1)
      yield* TestClock.adjust("10 minutes")
      yield* untilFinished(2)
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
    "stores nothing when another leads since, rests for 30 seconds, and begins a term of its own",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const leader = yield* Leader
      const provider = yield* TestProvider
      const { sql } = yield* Database
      // The other takes over while the provider is asked.
      yield* provider.answer((pair) =>
        Effect.andThen(
          pair.key === "USD:NGN" ? Effect.orDie(leader.take("poller")) : Effect.void,
          rate("10")(pair)
        )
      )
      const rates = Effect.map(sql<{ rates: bigint }>`SELECT count(*) AS rates FROM exchange_rate`, ([row]) =>
        Number(row?.rates)
      )
      yield* Effect.forkChild(poller.lead)
      yield* untilAsked(8)
      yield* settle
      const stored = yield* rates
      assert.isBelow(stored, 44)
      assert.deepStrictEqual(yield* sql`SELECT term, finished_at FROM poll_run`, [
        { term: 1n, finishedAt: null }
      ])
      yield* TestClock.adjust("29 seconds")
      yield* settle
      assert.strictEqual(yield* rates, stored)

      yield* provider.answer(rate("10"))
      yield* TestClock.adjust("1 second")
      yield* untilFinished(1)
      assert.strictEqual(yield* rates, stored + 44)
      assert.deepStrictEqual(yield* sql`SELECT term FROM poll_run ORDER BY started_at`, [
        { term: 1n },
        { term: 3n }
      ])
    }),
    { POLL_INTERVAL: "10 seconds" }
  )

  test(
    "has a lookup that shared the flight of a superseded poll take off again",
    Effect.gen(function* () {
      const leader = yield* Leader
      const intake = yield* RateIngest
      const polls = yield* PollRepo
      const provider = yield* TestProvider
      const { sql } = yield* Database
      const leadership = yield* leader.take("poller")
      const id = yield* polls.begin(yield* DateTime.now, 44, { trigger: "schedule", leadership })
      const pair = pairOf("USD", "NGN")
      yield* provider.answer((pair) => Effect.delay(rate("10")(pair), "1 second"))
      const led = yield* Effect.forkChild(
        Effect.flip(intake.takePolled(pair, Option.some({ id, leadership }))),
        {
          startImmediately: true
        }
      )
      const lookup = yield* Effect.forkChild(intake.take(pair), { startImmediately: true })
      yield* leader.take("poller")
      yield* advance(led, "1 second")
      assert.strictEqual((yield* Fiber.join(led))._tag, "Superseded")
      yield* advance(lookup, "1 second")
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

describe("RatePoller.pollEvery", () => {
  test(
    "polls at once, and then at every interval from the start of the one before",
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* startPolling(Duration.minutes(10))
      yield* TestClock.adjust("9 minutes")
      yield* settle
      assert.strictEqual(yield* provider.calls, 44)
      yield* TestClock.adjust("1 minute")
      yield* untilPolled(2)
      yield* settle
      yield* TestClock.adjust("10 minutes")
      yield* untilPolled(3)
    })
  )

  test(
    "repeats a poll that refreshed nothing after 5, 10, 20 … seconds, up to the interval, and keeps the rates",
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const repo = yield* RateRepo
      yield* startPolling(Duration.seconds(30))
      const before = yield* repo.latestIds
      yield* provider.answer(failing)
      yield* TestClock.adjust("30 seconds")
      yield* untilPolled(2)
      let polls = 2
      for (const pause of [5, 10, 20, 30, 30]) {
        yield* settle
        yield* TestClock.adjust(Duration.millis(pause * 1000 - 1))
        yield* settle
        assert.strictEqual(yield* provider.calls, polls * 44)
        yield* TestClock.adjust("1 millis")
        yield* untilPolled(++polls)
      }
      assert.deepStrictEqual(yield* repo.latestIds, before)
    })
  )

  test(
    "does not hurry a poll whose answers are not believed, so that a level takes as many polls as it says",
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const repo = yield* RateRepo
      yield* startPolling(Duration.minutes(10))
      const before = yield* repo.latestIds
      yield* provider.answer(rate("2250"))
      yield* TestClock.adjust("10 minutes")
      yield* untilPolled(2)
      yield* settle
      yield* TestClock.adjust("9 minutes")
      yield* settle
      assert.strictEqual(yield* provider.calls, 88)
      assert.deepStrictEqual(yield* repo.latestIds, before)
    })
  )

  test(
    "does not hurry a poll of which some pairs failed",
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* exceptNaira(provider)
      yield* startPolling(Duration.minutes(10))
      yield* TestClock.adjust("9 minutes")
      yield* settle
      assert.strictEqual(yield* provider.calls, 44)
    })
  )
})

const pause = (millis: number) => Effect.promise(() => new Promise((resolve) => setTimeout(resolve, millis)))

/** Lets work that waits for real sockets go on, under a clock that stands still. */
const settle = pause(100)

const untilAsked = Effect.fnUntraced(function* (count: number) {
  const provider = yield* TestProvider
  for (let i = 0; (yield* provider.calls) < count; i++) {
    if (i > 1000) assert.fail(`the provider was asked ${yield* provider.calls} times, not ${count}`)
    yield* pause(10)
  }
})

/** Waits until so many polls have asked for all pairs, and have ended. */
const untilPolled = (polls: number) => Effect.andThen(untilAsked(polls * 44), untilFinished(polls))

/** Polls again and again from now on, and has the first poll behind it. */
const startPolling = Effect.fnUntraced(function* (interval: Duration.Duration) {
  const poller = yield* RatePoller
  yield* Effect.forkChild(poller.pollEvery(interval))
  yield* untilPolled(1)
  yield* settle
})

const untilFinished = Effect.fnUntraced(function* (count: number) {
  const { sql } = yield* Database
  for (let i = 0; (yield* sql`SELECT FROM poll_run WHERE finished_at IS NOT NULL`).length < count; i++) {
    if (i > 1000) assert.fail("the poll does not end")
    yield* pause(10)
  }
})

const advance = Effect.fnUntraced(function* (fiber: Fiber.Fiber<unknown, unknown>, step: Duration.Input) {
  while (fiber.pollUnsafe() === undefined) {
    yield* TestClock.adjust(step)
    // The deadline of the database is of the same clock, and a machine that is busy needs real time to answer.
    yield* pause(200)
  }
})
