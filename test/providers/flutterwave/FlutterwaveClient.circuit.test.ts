import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type { ProviderError } from "../../../src/providers/ProviderError.ts"
import * as Sandbox from "../../../src/providers/sandbox/Sandbox.ts"
import type { FlutterwaveFault } from "../../../src/providers/sandbox/SandboxFaults.ts"
import * as StubServer from "../StubServer.ts"
import { breathe, connect } from "./WatchedClient.ts"

/** A client of a sandbox, and what calls of it come to. */
const sandboxed = Effect.gen(function* () {
  const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
  const client = yield* connect(sandbox.baseUrl)
  /** The reasons for which so many calls in a row fail. */
  const failures = (fault: FlutterwaveFault, calls: number) =>
    sandbox.order({ fault }).pipe(
      Effect.andThen(Effect.replicateEffect(Effect.flip(client.rate()), calls)),
      Effect.map((errors) => errors.map(({ reason }) => reason._tag)),
      Effect.ensuring(sandbox.clear)
    )
  /** For how many milliseconds calls are refused now. */
  const openFor = Effect.map(Effect.flip(client.ask("EUR", "KES")), openMillis)
  return {
    ...client,
    failures,
    openFor,
    received: sandbox.requests,
    order: sandbox.order,
    clear: sandbox.clear
  }
})

const openMillis = ({ reason }: ProviderError) =>
  reason._tag === "CircuitOpen" ? Duration.toMillis(reason.retryAfter) : assert.fail(reason._tag)

const times = <A>(count: number, value: A) => Array.from({ length: count }, () => value)

describe("FlutterwaveClient's circuit", () => {
  it.effect("opens after five calls that failed, and then refuses at once, whatever the pair", () =>
    Effect.gen(function* () {
      const { ask, failures, openFor, received } = yield* sandboxed
      assert.deepStrictEqual(yield* failures("500", 5), times(5, "Failing"))
      assert.strictEqual(yield* received, 15)
      const open = yield* openFor
      assert.isTrue(open > 0 && open <= 2000, String(open))
      const error = yield* Effect.flip(ask("USD", "NGN"))
      assert.match(
        error.message,
        /^flutterwave gave no rate for USD:NGN: it failed too often and is asked again in /
      )
      assert.strictEqual(yield* received, 15)
    })
  )

  it.effect("lets one call through after two seconds, and closes when it succeeds", () =>
    Effect.gen(function* () {
      const { failures, rate, received } = yield* sandboxed
      yield* failures("500", 5)
      yield* TestClock.adjust("2 seconds")
      yield* rate()
      yield* rate()
      assert.strictEqual(yield* received, 17)
    })
  )

  it.effect("stays open longer each time that the call through fails, a minute at most", () =>
    Effect.gen(function* () {
      const { failures, openFor } = yield* sandboxed
      yield* failures("500", 5)
      for (const seconds of [4, 8, 16, 32, 60, 60, 60]) {
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* failures("502", 1), ["Failing"])
        const open = yield* openFor
        assert.isTrue(open > seconds * 1000 - 300 && open <= seconds * 1000, `${open}, not ${seconds} s`)
      }
    })
  )

  it.effect("counts calls in a row only", () =>
    Effect.gen(function* () {
      const { failures, openFor, rate } = yield* sandboxed
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

  it.effect("does not open for what says nothing of Flutterwave as a whole", () =>
    Effect.gen(function* () {
      const { failures, rate } = yield* sandboxed
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

  it.effect("is not closed by it either", () =>
    Effect.gen(function* () {
      const { failures, openFor } = yield* sandboxed
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

  it.effect("has all others wait for what the one call through finds", () =>
    Effect.gen(function* () {
      const { ask, clear, failures, order, received, settle } = yield* sandboxed
      yield* failures("500", 5)
      yield* TestClock.adjust("2 seconds")
      yield* order({ fault: "hang", times: 1 })
      const through = yield* Effect.forkChild(ask("USD", "NGN"), { startImmediately: true })
      while ((yield* received) < 16) yield* breathe(2)
      const others = yield* Effect.forkChild(
        Effect.all([ask("USD", "KES"), ask("USD", "GHS")], { concurrency: "unbounded" }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* received, 16)
      // Who gives up the call through leaves its place to the next.
      yield* clear
      yield* Fiber.interrupt(through)
      assert.strictEqual((yield* settle(Fiber.join(others))).length, 2)
      assert.strictEqual(yield* received, 18)
    })
  )

  it.effect("refuses them where it takes longer than three seconds", () =>
    Effect.gen(function* () {
      const { ask, failures, order, received } = yield* sandboxed
      yield* failures("500", 5)
      yield* TestClock.adjust("2 seconds")
      yield* order({ fault: "hang" })
      yield* Effect.forkChild(ask("USD", "NGN"), { startImmediately: true })
      while ((yield* received) < 16) yield* breathe(2)
      const other = yield* Effect.forkChild(Effect.flip(ask("USD", "KES")), { startImmediately: true })
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(openMillis(yield* Fiber.join(other)), 1000)
      assert.strictEqual(yield* received, 16)
    })
  )

  it.effect("is never open for longer than half of POLL_INTERVAL", () =>
    Effect.gen(function* () {
      const baseUrl = yield* StubServer.listen((_, response) =>
        response.writeHead(429, { "retry-after": "120" }).end()
      )
      const { ask, rate } = yield* connect(baseUrl, { POLL_INTERVAL: "5 seconds" })
      yield* Effect.replicateEffect(Effect.flip(rate()), 5)
      const open = openMillis(yield* Effect.flip(ask("USD", "KES")))
      assert.isTrue(open > 1500 && open <= 2500, String(open))
    })
  )

  it.effect("stays open as long as Flutterwave asks for, if it has to open", () =>
    Effect.gen(function* () {
      const baseUrl = yield* StubServer.listen((_, response) =>
        response.writeHead(429, { "retry-after": "120" }).end()
      )
      const { ask, rate, sentAt } = yield* connect(baseUrl)
      yield* Effect.replicateEffect(Effect.flip(rate()), 5)
      assert.strictEqual(sentAt.length, 5)
      const open = openMillis(yield* Effect.flip(ask("USD", "KES")))
      assert.isTrue(open > 119_000 && open <= 120_000, String(open))
    })
  )
})
