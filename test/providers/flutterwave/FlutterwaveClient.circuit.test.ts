import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { ProviderError } from "../../../src/providers/ProviderError.ts"
import * as Sandbox from "../../../src/providers/sandbox/Sandbox.ts"
import type { FlutterwaveFault } from "../../../src/providers/sandbox/SandboxFaults.ts"
import * as SkewedClock from "../../support/SkewedClock.ts"
import * as StubServer from "../StubServer.ts"
import { realSleep, connect } from "../ProviderTestClient.ts"

/** A client of a sandbox. */
const connectSandbox = Effect.gen(function* () {
  const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
  const client = yield* connect(sandbox.baseUrl)
  /** Runs calls with an injected fault; returns the reasons of their failures. */
  const failures = (fault: FlutterwaveFault, calls: number) =>
    sandbox.injectFault({ fault }).pipe(
      Effect.andThen(Effect.replicateEffect(Effect.flip(client.rate()), calls)),
      Effect.map((errors) => errors.map(({ reason }) => reason._tag)),
      Effect.ensuring(sandbox.clearFaults)
    )
  /** Remaining time of the open circuit, in milliseconds. */
  const openFor = Effect.map(Effect.flip(client.requestRate("EUR", "KES")), openMillis)
  return {
    ...client,
    failures,
    openFor,
    received: sandbox.requests,
    injectFault: sandbox.injectFault,
    clearFaults: sandbox.clearFaults
  }
})

const openMillis = ({ reason }: ProviderError) =>
  reason._tag === "CircuitOpen" ? Duration.toMillis(reason.retryAfter) : assert.fail(reason._tag)

/** Fails because of Retry-After, which delays the next request by 30 seconds. */
const rateLimited = <A>(call: Effect.Effect<A, ProviderError>) =>
  Effect.andThen(TestClock.adjust("30 seconds"), Effect.flip(call))

const times = <A>(count: number, value: A) => Array.from({ length: count }, () => value)

describe("FlutterwaveClient, circuit breaker", () => {
  it.effect("opens after five failed calls and then rejects calls for all pairs at once", () =>
    Effect.gen(function* () {
      const { failures, openFor, received, requestRate } = yield* connectSandbox
      assert.deepStrictEqual(yield* failures("500", 5), times(5, "Failing"))
      assert.strictEqual(yield* received, 15)
      const open = yield* openFor
      assert.isTrue(open > 0 && open <= 2000, String(open))
      const error = yield* Effect.flip(requestRate("USD", "NGN"))
      assert.match(
        error.message,
        /^flutterwave returned no rate for USD:NGN: too many failures, next attempt in /
      )
      assert.strictEqual(yield* received, 15)
    })
  )

  it.effect("closes after two seconds although the clock was set back by an hour", () =>
    Effect.gen(function* () {
      const { clock, setTimeOfDay } = yield* SkewedClock.make
      yield* Effect.gen(function* () {
        const { failures, rate } = yield* connectSandbox
        yield* failures("500", 5)
        yield* setTimeOfDay("1 hour", "behind")
        yield* TestClock.adjust("2 seconds")
        yield* rate()
      }).pipe(Effect.provideService(Clock.Clock, clock))
    })
  )

  it.effect("sends a probe after two seconds and closes when it succeeds", () =>
    Effect.gen(function* () {
      const { failures, rate, received } = yield* connectSandbox
      yield* failures("500", 5)
      yield* TestClock.adjust("2 seconds")
      yield* rate()
      yield* rate()
      assert.strictEqual(yield* received, 17)
    })
  )

  it.effect("doubles the open time after each failed probe, up to a minute", () =>
    Effect.gen(function* () {
      const { failures, openFor } = yield* connectSandbox
      yield* failures("500", 5)
      for (const seconds of [4, 8, 16, 32, 60, 60, 60]) {
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* failures("502", 1), ["Failing"])
        const open = yield* openFor
        assert.isTrue(open > seconds * 1000 - 300 && open <= seconds * 1000, `${open}, not ${seconds} s`)
      }
    })
  )

  it.effect("counts only consecutive failures", () =>
    Effect.gen(function* () {
      const { failures, openFor, rate } = yield* connectSandbox
      for (let round = 0; round < 3; round++) {
        yield* failures("500", 4)
        yield* rate()
      }
      yield* failures("429", 2)
      yield* failures("502", 2)
      yield* failures("html", 1)
      assert.isAbove(yield* openFor, 0)
    })
  )

  it.effect("ignores failures that concern one pair", () =>
    Effect.gen(function* () {
      const { failures, rate } = yield* connectSandbox
      for (const [fault, reason] of [
        ["contradiction", "Contradictory"],
        ["nan", "Contradictory"],
        ["unavailable", "Failing"]
      ] as const) {
        assert.deepStrictEqual(yield* failures(fault, 6), times(6, reason))
      }
      yield* rate()
    })
  )

  it.effect("does not close after a failure that concerns one pair", () =>
    Effect.gen(function* () {
      const { failures, openFor } = yield* connectSandbox
      yield* failures("500", 4)
      yield* failures("contradiction", 1)
      yield* failures("500", 1)
      assert.isAbove(yield* openFor, 0)
      yield* TestClock.adjust("2 seconds")
      yield* failures("contradiction", 1)
      assert.deepStrictEqual(yield* failures("500", 1), ["Failing"])
      assert.isAbove(yield* openFor, 2000)
    })
  )

  it.effect("lets other calls wait for the outcome of the probe", () =>
    Effect.gen(function* () {
      const { clearFaults, failures, injectFault, received, requestRate, settle } = yield* connectSandbox
      yield* failures("500", 5)
      yield* TestClock.adjust("2 seconds")
      yield* injectFault({ fault: "hang", times: 1 })
      const probe = yield* Effect.forkChild(requestRate("USD", "NGN"), { startImmediately: true })
      while ((yield* received) < 16) yield* realSleep(2)
      const others = yield* Effect.forkChild(
        Effect.all([requestRate("USD", "KES"), requestRate("USD", "GHS")], { concurrency: "unbounded" }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* received, 16)
      // An interrupted probe is replaced by the next call.
      yield* clearFaults
      yield* Fiber.interrupt(probe)
      assert.strictEqual((yield* settle(Fiber.join(others))).length, 2)
      assert.strictEqual(yield* received, 18)
    })
  )

  it.effect("rejects other calls when the probe takes longer than three seconds", () =>
    Effect.gen(function* () {
      const { failures, injectFault, received, requestRate } = yield* connectSandbox
      yield* failures("500", 5)
      yield* TestClock.adjust("2 seconds")
      yield* injectFault({ fault: "hang" })
      yield* Effect.forkChild(requestRate("USD", "NGN"), { startImmediately: true })
      while ((yield* received) < 16) yield* realSleep(2)
      const other = yield* Effect.forkChild(Effect.flip(requestRate("USD", "KES")), {
        startImmediately: true
      })
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(openMillis(yield* Fiber.join(other)), 1000)
      assert.strictEqual(yield* received, 16)
    })
  )

  it.effect("stays open for at most half of POLL_INTERVAL", () =>
    Effect.gen(function* () {
      const baseUrl = yield* StubServer.listen((_, response) =>
        response.writeHead(429, { "retry-after": "120" }).end()
      )
      const { rate, requestRate } = yield* connect(baseUrl, { POLL_INTERVAL: "5 seconds" })
      yield* Effect.replicateEffect(rateLimited(rate()), 5)
      const open = openMillis(yield* Effect.flip(requestRate("USD", "KES")))
      assert.isTrue(open > 1500 && open <= 2500, String(open))
    })
  )

  it.effect("stays open for the time of Retry-After", () =>
    Effect.gen(function* () {
      const baseUrl = yield* StubServer.listen((_, response) =>
        response.writeHead(429, { "retry-after": "120" }).end()
      )
      const { rate, requestRate, sentAt } = yield* connect(baseUrl)
      yield* Effect.replicateEffect(rateLimited(rate()), 5)
      assert.strictEqual(sentAt.length, 5)
      const open = openMillis(yield* Effect.flip(requestRate("USD", "KES")))
      assert.isTrue(open > 119_000 && open <= 120_000, String(open))
    })
  )
})
