import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { Internal, UnsupportedPair } from "../../src/api/Problem.ts"
import { EffexClient } from "../../src/client/EffexClient.ts"
import { digits, rate } from "../support/RateMessages.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestRpcServer from "../support/TestRpcServer.ts"
import * as FastClock from "./FastClock.ts"

const conversion = { amount: "500.00", from: "USD", to: "NGN" } as const

/**
 * Resets the connection during a call. The server fails the second call, or with `isSilent` loses its connection too.
 * Returns the error, the number of calls and their idempotency keys.
 */
const callWithReset = Effect.fnUntraced(function* <A, E>(
  call: (client: EffexClient["Service"]) => Effect.Effect<A, E>,
  { isSilent = false } = {}
) {
  const arrived = yield* Deferred.make<void>()
  const arrivedAgain = yield* Deferred.make<void>()
  const keys: Array<string | undefined> = []
  const handler = ({ idempotencyKey }: { readonly idempotencyKey?: string }) =>
    Effect.gen(function* () {
      keys.push(idempotencyKey)
      if (keys.length > 1 && !isSilent) return yield* new Internal({ detail: "second call" })
      yield* Deferred.succeed(keys.length > 1 ? arrivedAgain : arrived, undefined)
      return yield* Effect.never
    })
  const { port } = yield* TestRpcServer.listen({ GetRate: () => handler({}), Convert: handler })
  const proxy = yield* TcpProxy.open({ host: "127.0.0.1", port })
  yield* FastClock.start
  const client = yield* Effect.flatMap(EffexClient, call).pipe(
    Effect.provide(EffexClient.layer({ url: `http://127.0.0.1:${proxy.port}` })),
    Effect.flip,
    Effect.forkScoped
  )
  /** Lets the client try to connect again in vain, before it can. */
  const reset = Effect.sync(() => proxy.reset()).pipe(
    Effect.andThen(Effect.promise(proxy.rejection)),
    Effect.andThen(Effect.sync(() => proxy.heal()))
  )
  yield* Deferred.await(arrived)
  yield* reset
  if (isSilent) {
    yield* Deferred.await(arrivedAgain)
    // The client gives up, and does not connect again.
    yield* Effect.sync(() => proxy.reset())
  }
  return { error: yield* Fiber.join(client), calls: keys.length, keys }
})

describe("EffexClient calls", () => {
  it.live("return messages and fail with problems", () =>
    Effect.gen(function* () {
      const { url } = yield* TestRpcServer.listen({
        GetRate: ({ from, to }) =>
          to === "NGN"
            ? Effect.succeed(rate("1534.5"))
            : Effect.fail(new UnsupportedPair({ detail: `${from}:${to} is not supported` })),
        ListRates: () => Effect.succeed([rate("1534.5"), rate("130", "KES")])
      })
      for (const layer of [EffexClient.layer({ url }), EffexClient.layerHttp({ url: `${url}/` })]) {
        yield* Effect.gen(function* () {
          const client = yield* EffexClient
          assert.strictEqual(digits(yield* client.rate("USD", "NGN", { maxAge: "60 seconds" })), "1534.5")
          assert.deepStrictEqual((yield* client.rates()).map(digits), ["1534.5", "130"])
          const error = yield* Effect.flip(client.rate("USD", "EUR"))
          assert.instanceOf(error, UnsupportedPair)
          assert.deepInclude(error, {
            _tag: "UnsupportedPair",
            code: "unsupported-pair",
            status: 422,
            detail: "USD:EUR is not supported",
            retryable: false
          })
        }).pipe(Effect.provide(layer))
      }
    }).pipe(Effect.scoped)
  )

  it.live("fail within connectTimeout if nothing listens", () =>
    Effect.gen(function* () {
      const url = "http://127.0.0.1:1"
      for (const layer of [
        EffexClient.layer({ url, connectTimeout: "300 millis" }),
        EffexClient.layerHttp({ url })
      ]) {
        const rates = Effect.flatMap(EffexClient, (client) => client.rates())
        const error = yield* Effect.raceFirst(
          Effect.flip(Effect.provide(rates, layer)),
          // Fails later, after the default of 10 seconds.
          Effect.andThen(
            Effect.flip(Effect.provide(rates, EffexClient.layer({ url }))),
            Effect.die("connectTimeout has no effect")
          )
        )
        assert.deepInclude(error, { _tag: "Unreachable", code: "unreachable", status: 0, retryable: true })
      }
    })
  )

  it.effect("fail if the server stops responding to pings", () =>
    Effect.gen(function* () {
      const arrived = yield* Deferred.make<void>()
      const { port } = yield* TestRpcServer.listen({
        Convert: () => Effect.andThen(Deferred.succeed(arrived, undefined), Effect.never)
      })
      const proxy = yield* TcpProxy.open({ host: "127.0.0.1", port })
      yield* FastClock.start
      const call = yield* Effect.flatMap(EffexClient, (client) => client.convert(conversion)).pipe(
        Effect.provide(EffexClient.layer({ url: `http://127.0.0.1:${proxy.port}` })),
        Effect.flip,
        Effect.forkScoped
      )
      yield* Deferred.await(arrived)
      proxy.blackhole()
      assert.deepInclude(yield* Fiber.join(call), {
        _tag: "Unreachable",
        sent: true
      })
    }).pipe(Effect.scoped)
  )

  it.effect("are retried once after a lost connection if they are idempotent", () =>
    Effect.gen(function* () {
      const { calls, error } = yield* callWithReset((client) => client.rate("USD", "NGN"))
      assert.strictEqual(calls, 2)
      assert.deepInclude(error, { _tag: "Internal", detail: "second call" })
    }).pipe(Effect.scoped)
  )

  it.effect("convert once without a key of the caller: the retry sends the same automatic key", () =>
    Effect.gen(function* () {
      const { calls, error, keys } = yield* callWithReset((client) => client.convert(conversion))
      assert.strictEqual(calls, 2)
      assert.match(keys[0] ?? "", /^[0-9a-f]{32}$/)
      assert.strictEqual(keys[0], keys[1])
      // The first attempt may have converted, so the failure of the second does not invite a retry with another key.
      assert.deepInclude(error, {
        _tag: "Unreachable",
        detail: "second call",
        sent: true,
        retryable: false,
        idempotencyKey: keys[0] ?? ""
      })
    }).pipe(Effect.scoped)
  )

  it.effect(
    "are retried without an answer: the error has the key, and is retryable only with a key of the caller",
    () =>
      Effect.gen(function* () {
        const errors = yield* Effect.all(
          [
            callWithReset((client) => client.convert(conversion), { isSilent: true }),
            callWithReset((client) => client.convert({ ...conversion, idempotencyKey: "once" }), {
              isSilent: true
            })
          ],
          { concurrency: "unbounded" }
        )
        const [automatic, keyed] = errors
        assert.deepInclude(automatic.error, {
          _tag: "Unreachable",
          sent: true,
          retryable: false,
          idempotencyKey: automatic.keys[0] ?? ""
        })
        assert.deepInclude(keyed.error, {
          _tag: "Unreachable",
          sent: true,
          retryable: true,
          idempotencyKey: "once"
        })
      }).pipe(Effect.scoped)
  )

  it.live("are validated before they are sent", () =>
    Effect.gen(function* () {
      const client = yield* EffexClient
      // Values that a JavaScript caller without type checks could pass.
      const [maxAge, amount, ttl] = ["soon", 500, "a while"].map((value) => JSON.parse(JSON.stringify(value)))
      const errors = [
        yield* Effect.flip(client.rate("USD", "NGN", { maxAge })),
        yield* Effect.flip(client.convert({ ...conversion, amount })),
        yield* Effect.flip(client.createQuote({ ...conversion, ttl }))
      ]
      for (const error of errors) assert.deepInclude(error, { _tag: "InvalidRequest", status: 400 })
    }).pipe(Effect.provide(EffexClient.layer({ url: "http://127.0.0.1:1" })))
  )
})
