import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, type Fiber, Option } from "effect"
import { RateLimiter } from "effect/persistence"
import { TestClock } from "effect/testing"
import * as LocalGrants from "../../src/access/LocalGrants.ts"
import type { Count, Options, Outcome } from "../../src/access/RedisRateLimiter.ts"

const options: Options = {
  algorithm: "token-bucket",
  key: "writes:key_1",
  limit: 1600,
  window: "1600 seconds"
}

const left = (remaining: number): Outcome =>
  Exit.succeed(Option.some({ remaining, resetAfter: Duration.seconds(1600 - remaining) }))
const refused: Outcome = Exit.fail(
  new RateLimiter.RateLimitExceeded({
    key: options.key,
    limit: options.limit,
    remaining: 0,
    retryAfter: Duration.seconds(1)
  })
)
const uncounted: Outcome = Exit.succeed(Option.none())

const remainingOf = (outcomes: ReadonlyArray<Outcome>) =>
  outcomes.map((outcome) =>
    Exit.isSuccess(outcome) ? Option.getOrUndefined(outcome.value)?.remaining : "refused"
  )

/** A Redis that answers, one after another, what it is told to. */
const make = Effect.gen(function* () {
  const asked: Array<{
    readonly requests: number
    readonly answer: Deferred.Deferred<ReadonlyArray<Outcome>>
  }> = []
  const redis: Count = (_, requests) =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<ReadonlyArray<Outcome>>()
      asked.push({ requests, answer })
      return yield* Deferred.await(answer)
    })
  const count = yield* LocalGrants.make(redis)
  const ask = (requests: number) => Effect.forkChild(count(options, requests), { startImmediately: true })
  const answer = Effect.fnUntraced(function* (n: number, ...outcomes: ReadonlyArray<Outcome>) {
    yield* Deferred.succeed(asked[n]?.answer ?? assert.fail(`it was not asked ${n + 1} times`), outcomes)
    yield* Effect.yieldNow
  })
  return { ask, answer, asked }
})

/** What a request that is not waiting any more was answered. */
const outcomesOf = (fiber: Fiber.Fiber<ReadonlyArray<Outcome>>) => {
  const exit = fiber.pollUnsafe()
  return exit !== undefined && Exit.isSuccess(exit) ? exit.value : undefined
}

const givenTo = (fiber: Fiber.Fiber<ReadonlyArray<Outcome>>) => {
  const outcomes = outcomesOf(fiber)
  return outcomes === undefined ? "waits" : remainingOf(outcomes)
}

describe("LimiterAhead", () => {
  it.effect("waits where nothing is known, and then gives out a sixteenth of what is left", () =>
    Effect.gen(function* () {
      const { answer, ask, asked } = yield* make
      const first = yield* ask(1)
      assert.strictEqual(givenTo(first), "waits")
      yield* answer(0, left(1599))
      assert.deepStrictEqual(givenTo(first), [1599])
      assert.deepStrictEqual(givenTo(yield* ask(2)), [1598, 1597])
      assert.deepStrictEqual(
        givenTo(yield* ask(97)),
        Array.from({ length: 97 }, (_, i) => 1596 - i)
      )
      const beyond = yield* ask(1)
      assert.strictEqual(givenTo(beyond), "waits")
      assert.deepStrictEqual(
        asked.map(({ requests }) => requests),
        [1, 2, 97, 1]
      )
      yield* answer(3, left(1499))
      assert.deepStrictEqual(givenTo(beyond), [1499])
    })
  )

  it.effect("tells when all is there again, of what it gives out", () =>
    Effect.gen(function* () {
      const { answer, ask } = yield* make
      yield* ask(1)
      yield* answer(0, left(1599))
      yield* TestClock.adjust("500 millis")
      const outcomes = outcomesOf(yield* ask(2)) ?? []
      assert.deepStrictEqual(
        outcomes.map((outcome) =>
          Exit.isSuccess(outcome) && Option.isSome(outcome.value)
            ? Duration.toMillis(outcome.value.value.resetAfter)
            : undefined
        ),
        [1500, 2500]
      )
    })
  )

  it.effect("believes what was said for a second", () =>
    Effect.gen(function* () {
      const { answer, ask } = yield* make
      yield* ask(1)
      yield* answer(0, left(1599))
      yield* TestClock.adjust("1001 millis")
      assert.strictEqual(givenTo(yield* ask(1)), "waits")
    })
  )

  it.effect("gives out no more once Redis refuses, or does not count", () =>
    Effect.gen(function* () {
      for (const outcome of [refused, uncounted]) {
        const { answer, ask } = yield* make
        yield* ask(1)
        yield* answer(0, left(1599))
        assert.deepStrictEqual(givenTo(yield* ask(1)), [1598])
        yield* answer(1, outcome)
        const next = yield* ask(1)
        assert.strictEqual(givenTo(next), "waits")
        yield* answer(2, outcome)
        assert.deepStrictEqual(givenTo(next), remainingOf([outcome]))
      }
    })
  )

  it.effect("gives out nothing where there is little left", () =>
    Effect.gen(function* () {
      const { answer, ask } = yield* make
      yield* ask(1)
      yield* answer(0, left(15))
      assert.strictEqual(givenTo(yield* ask(1)), "waits")
    })
  )
})
