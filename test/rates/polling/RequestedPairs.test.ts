import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { NotQuoted, ProviderError } from "../../../src/providers/ProviderError.ts"
import { Rates } from "../../../src/rates/lookup/Rates.ts"
import { RatePoller } from "../../../src/rates/polling/RatePoller.ts"
import { RequestedPairs } from "../../../src/rates/polling/RequestedPairs.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import * as App from "../../../src/App.ts"
import { pairOf } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { rate, TestProvider } from "../../support/TestProvider.ts"
import { eventuallyFrom } from "../../support/Waiters.ts"
import * as TestRates from "../TestRates.ts"

const REQUESTED = new Set(["NGN:USD", "KES:USD", "KES:NGN"])

const requested = RequestedPairs.layer.pipe(Layer.provideMerge(App.assets))

layer(TestDatabase.layer(), { excludeTestServices: true })("RequestedPairs", (it) => {
  it.effect("returns the most recently requested pairs of all nodes, and none that is polled", () =>
    Effect.gen(function* () {
      const node = Effect.map(Layer.build(Layer.fresh(requested)), (context) =>
        Effect.flatMap(RequestedPairs, Effect.succeed).pipe(Effect.provide(context))
      ).pipe(Effect.flatten)
      const [a, b] = [yield* node, yield* node]
      a.note(pairOf("NGN", "USD"))
      a.note(pairOf("USD", "NGN"))
      assert.deepStrictEqual((yield* a.recent(10)).map(String), ["NGN:USD"])
      b.note(pairOf("KES", "USD"))
      b.note(pairOf("KES", "NGN"))
      assert.deepStrictEqual((yield* b.recent(10)).map(String), ["KES:NGN", "KES:USD", "NGN:USD"])
      assert.deepStrictEqual((yield* a.recent(2)).map(String), ["KES:NGN", "KES:USD"])
    })
  )

  it.effect("forgets a pair an hour after it was last requested, and pairs that are not supported", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* sql`UPDATE requested_pair SET requested_at = now() - interval '61 minutes'`
      yield* sql`INSERT INTO requested_pair VALUES ('JPY', 'USD', now()), ('MAD', 'USD', now())`
      const { recent } = yield* RequestedPairs
      assert.deepStrictEqual((yield* recent(10)).map(String), ["MAD:USD"])
    }).pipe(Effect.provide(Layer.fresh(requested)))
  )
})

/** Waits until a condition holds. */
const until = <E, R>(description: string, holds: Effect.Effect<boolean, E, R>) =>
  eventuallyFrom(
    description,
    Effect.map(holds, (isTrue) => (isTrue ? true : undefined))
  )

describe("The poller", () => {
  const requestedRates = Effect.gen(function* () {
    const repo = yield* RateRepo
    const stored = yield* repo.latestAll
    return stored.filter(({ pair }) => REQUESTED.has(pair.key))
  })

  const ask = Effect.fnUntraced(function* (from: string, to: string) {
    const rates = yield* Rates
    return (yield* rates.lookup(pairOf(from, to))).rate.id
  })

  const test = (
    title: string,
    body: Effect.Effect<void, unknown, TestRates.Services | Database>,
    env: Readonly<Record<string, string>> = {}
  ) => it.effect(title, () => Effect.provide(body, TestRates.layer(env)))

  test(
    "refreshes requested pairs after its own, and does not count them as part of the poll",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const provider = yield* TestProvider
      const { sql } = yield* Database
      const asked: Array<string> = []
      const id = yield* ask("NGN", "USD")
      yield* provider.respondWith((pair) => {
        asked.push(pair.key)
        return rate("1500")(pair)
      })
      yield* TestClock.adjust("1 minute")
      yield* Effect.forkChild(poller.pollAsLeader)
      yield* until(
        "refresh",
        Effect.map(requestedRates, ([found]) => found !== undefined && found.id !== id)
      )
      assert.lengthOf(asked, 45)
      assert.strictEqual(asked[44], "NGN:USD")
      const runs = yield* sql`SELECT pairs, succeeded, failed FROM poll_run`
      assert.deepStrictEqual(runs, [{ pairs: 44, succeeded: 44, failed: 0 }])
      const [fenced] = yield* sql<{ count: bigint }>`SELECT count(*) FROM poll_rate`
      assert.strictEqual(fenced?.count, 44n)
    })
  )

  test(
    "refreshes at most POLL_REQUESTED of them",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const provider = yield* TestProvider
      const asked: Array<string> = []
      yield* ask("NGN", "USD")
      yield* ask("KES", "USD")
      yield* ask("KES", "NGN")
      yield* provider.respondWith((pair) => {
        asked.push(pair.key)
        return rate("1500")(pair)
      })
      yield* TestClock.adjust("1 minute")
      yield* Effect.forkChild(poller.pollAsLeader)
      yield* until(
        "refresh",
        Effect.sync(() => asked.length >= 45)
      )
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(asked, 45)
    }),
    { POLL_REQUESTED: "1" }
  )

  test(
    "does not delay the next poll by requested pairs that hang, or fail it by refused ones",
    Effect.gen(function* () {
      const poller = yield* RatePoller
      const provider = yield* TestProvider
      const { sql } = yield* Database
      yield* ask("NGN", "USD")
      yield* ask("KES", "USD")
      yield* provider.respondWith((pair) => {
        if (pair.key === "NGN:USD") return Effect.never
        if (pair.key !== "KES:USD") return rate("1500")(pair)
        const reason = new NotQuoted({ detail: "no longer" })
        return Effect.fail(new ProviderError({ provider: "test", pair, reason }))
      })
      yield* Effect.forkChild(poller.pollAsLeader)
      const polls = Effect.map(
        sql`SELECT id FROM poll_run WHERE finished_at IS NOT NULL AND failed = 0`,
        (rows) => rows.length
      )
      yield* until(
        "first poll",
        Effect.map(polls, (count) => count === 1)
      )
      yield* TestClock.adjust("10 minutes")
      yield* until(
        "second poll",
        Effect.map(polls, (count) => count === 2)
      )
      assert.isTrue(
        Option.isSome(yield* Effect.flatMap(RateRepo, (repo) => repo.latest(pairOf("NGN", "USD"))))
      )
    })
  )
})
