import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Ref } from "effect"
import { Internal, UnsupportedPair } from "../../src/api/Problem.ts"
import { EffexClient } from "../../src/client/EffexClient.ts"
import { digits, rate } from "../support/RateMessages.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import * as TestRpcServer from "../support/TestRpcServer.ts"

const asked = { amount: "500.00", from: "USD", to: "NGN" } as const

/** Loses the connection while a call is under way, to a server that refuses whatever comes again. */
const interrupted = Effect.fnUntraced(function* <A, E>(
  call: (client: EffexClient["Service"]) => Effect.Effect<A, E>
) {
  const arrived = yield* Deferred.make<void>()
  const count = yield* Ref.make(0)
  const answer = Effect.gen(function* () {
    const calls = yield* Ref.updateAndGet(count, (n) => n + 1)
    if (calls > 1) return yield* new Internal({ detail: "the second time" })
    yield* Deferred.succeed(arrived, undefined)
    return yield* Effect.never
  })
  const { port } = yield* TestRpcServer.listen({ GetRate: () => answer, Convert: () => answer })
  const door = yield* TcpProxy.open({ host: "127.0.0.1", port })
  const client = yield* Effect.flatMap(EffexClient, call).pipe(
    Effect.provide(EffexClient.layer({ url: `http://127.0.0.1:${door.port}` })),
    Effect.flip,
    Effect.forkScoped
  )
  yield* Deferred.await(arrived)
  door.reset()
  yield* Effect.sleep("100 millis")
  door.heal()
  return { error: yield* Fiber.join(client), calls: yield* Ref.get(count) }
})

describe("calls", () => {
  it.live("answer with what the contract says, or fail with its problems", () =>
    Effect.gen(function* () {
      const { url } = yield* TestRpcServer.listen({
        GetRate: ({ from, to }) =>
          to === "NGN"
            ? Effect.succeed(rate("1534.5"))
            : Effect.fail(new UnsupportedPair({ detail: `${from}:${to} is not offered` })),
        ListRates: () => Effect.succeed([rate("1534.5"), rate("130", "KES")])
      })
      for (const layer of [EffexClient.layer({ url }), EffexClient.layerHttp({ url: `${url}/` })]) {
        yield* Effect.gen(function* () {
          const client = yield* EffexClient
          assert.strictEqual(digits(yield* client.rate("USD", "NGN", { maxAge: "60 seconds" })), "1534.5")
          assert.deepStrictEqual((yield* client.rates()).map(digits), ["1534.5", "130"])
          const refused = yield* Effect.flip(client.rate("USD", "EUR"))
          assert.instanceOf(refused, UnsupportedPair)
          assert.deepInclude(refused, {
            _tag: "UnsupportedPair",
            code: "unsupported-pair",
            status: 422,
            detail: "USD:EUR is not offered",
            retryable: false
          })
        }).pipe(Effect.provide(layer))
      }
    }).pipe(Effect.scoped)
  )

  it.live("fail in time where nothing listens", () =>
    Effect.gen(function* () {
      const url = "http://127.0.0.1:1"
      for (const layer of [
        EffexClient.layer({ url, connectTimeout: "300 millis" }),
        EffexClient.layerHttp({ url })
      ]) {
        const rates = Effect.flatMap(EffexClient, (client) => client.rates())
        const [took, error] = yield* Effect.timed(Effect.flip(Effect.provide(rates, layer)))
        assert.isBelow(Duration.toMillis(took), 2000)
        assert.deepInclude(error, { _tag: "Unreachable", code: "unreachable", status: 0, retryable: true })
      }
    })
  )

  it.live(
    "fail when the other side says nothing any more",
    () =>
      Effect.gen(function* () {
        const arrived = yield* Deferred.make<void>()
        const { port } = yield* TestRpcServer.listen({
          Convert: () => Effect.andThen(Deferred.succeed(arrived, undefined), Effect.never)
        })
        const door = yield* TcpProxy.open({ host: "127.0.0.1", port })
        const converted = yield* Effect.flatMap(EffexClient, (client) => client.convert(asked)).pipe(
          Effect.provide(EffexClient.layer({ url: `http://127.0.0.1:${door.port}` })),
          Effect.flip,
          Effect.forkScoped
        )
        yield* Deferred.await(arrived)
        door.blackhole()
        assert.deepInclude(yield* Effect.timeout(Fiber.join(converted), "20 seconds"), {
          _tag: "Unreachable",
          sent: true
        })
      }).pipe(Effect.scoped),
    40_000
  )

  it.live("are repeated once after a lost connection, where that does no harm", () =>
    Effect.gen(function* () {
      const [lookup, keyed] = yield* Effect.all(
        [
          interrupted((client) => client.rate("USD", "NGN")),
          interrupted((client) => client.convert({ ...asked, idempotencyKey: "once" }))
        ],
        { concurrency: "unbounded" }
      )
      for (const { calls, error } of [lookup, keyed]) {
        assert.strictEqual(calls, 2)
        assert.deepInclude(error, { _tag: "Internal", detail: "the second time" })
      }
    }).pipe(Effect.scoped)
  )

  it.live("are not repeated where it might be done twice, and say so", () =>
    Effect.gen(function* () {
      const { calls, error } = yield* interrupted((client) => client.convert(asked))
      assert.strictEqual(calls, 1)
      assert.deepInclude(error, { _tag: "Unreachable", sent: true, retryable: false })
    }).pipe(Effect.scoped)
  )

  it.live("are refused before they are sent, where the contract does not allow them", () =>
    Effect.gen(function* () {
      const client = yield* EffexClient
      // As a program without types may ask.
      const [maxAge, amount, ttl] = ["soon", 500, "a while"].map((value) => JSON.parse(JSON.stringify(value)))
      const refused = [
        yield* Effect.flip(client.rate("USD", "NGN", { maxAge })),
        yield* Effect.flip(client.convert({ ...asked, amount })),
        yield* Effect.flip(client.createQuote({ ...asked, ttl }))
      ]
      for (const error of refused) assert.deepInclude(error, { _tag: "InvalidRequest", status: 400 })
    }).pipe(Effect.provide(EffexClient.layer({ url: "http://127.0.0.1:1" })))
  )
})
