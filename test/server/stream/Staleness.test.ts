import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Latch, Stream } from "effect"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { change } from "../../support/RateChanges.ts"
import * as RpcClients from "../../support/RpcClients.ts"
import { open } from "../../support/SocketClient.ts"
import * as SseClient from "../../support/SseClient.ts"
import { rate, TestProvider } from "../../support/TestProvider.ts"
import { TestServer } from "../../support/TestServer.ts"

const env = { RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN,KES", STALE_AFTER: "2 seconds" }
const live = { excludeTestServices: true }

const recover = Effect.gen(function* () {
  yield* (yield* TestServer).setDatabase("up")
  yield* (yield* TestProvider).respondWith(rate("1"))
})

layer(TestServer.layer(env), live)("Streams of a node without its database and its provider", (it) => {
  it.effect("send a rate that turns stale over SSE, WebSocket and RPC, at the position of its change", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const socket = yield* open(`${server.url}/ws/rates/`)
      yield* socket.next
      const sse = yield* SseClient.open(`${server.url}/api/v1/rates/stream?pairs=USD:NGN`)
      yield* sse.block
      yield* sse.next
      const rpc = yield* RpcClients.overWebSocket
      const subscribed = yield* Latch.make()
      const overRpc = yield* rpc.WatchRates({ pairs: ["USD:NGN"] }).pipe(
        Stream.tap(() => subscribed.open),
        Stream.filter((event) => event._tag === "RateChanged"),
        Stream.take(2),
        Stream.runCollect,
        Effect.forkScoped
      )
      yield* subscribed.await
      const known = yield* change("USD:NGN", "1534.5")
      const { epoch, sequence } = (yield* Broadcaster).snapshot()
      yield* server.setDatabase("down")
      yield* (yield* TestProvider).respondWith(() => Effect.never)
      for (const stale of [false, true]) {
        const expected = { epoch, sequence, ...known, stale }
        assert.deepStrictEqual(yield* socket.next, { type: "rate_update", ...expected })
        assert.deepStrictEqual(yield* sse.next, { id: `${epoch}-${sequence}`, event: "rate", data: expected })
      }
      const events = yield* Fiber.join(overRpc)
      assert.deepStrictEqual(
        events.map((event) => (event._tag === "RateChanged" ? [event.sequence, event.rate.stale] : [])),
        [
          [sequence, false],
          [sequence, true]
        ]
      )
      // A client that resumes before the change learns of it, and that the rate is stale.
      const resumed = yield* open(`${server.url}/ws/rates/?since=${epoch}-${sequence - 1}`)
      const received = [yield* resumed.next, yield* resumed.next]
      assert.deepStrictEqual(
        received.map((message) => message["sequence"]),
        [sequence, sequence]
      )
      assert.deepInclude(received[1], { type: "rate_update", stale: true })
    }).pipe(Effect.ensuring(recover), Effect.scoped)
  )

  it.effect("hold a client that resumes at a later position until the database responds", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      yield* change("USD:KES", "129")
      const { epoch, sequence } = (yield* Broadcaster).snapshot()
      yield* server.setDatabase("down")
      const since = `${epoch}-${sequence + 1}`
      const socket = yield* open(`${server.url}/ws/rates/?since=${since}`)
      const sse = yield* SseClient.open(`${server.url}/api/v1/rates/stream?since=${since}`)
      yield* sse.block
      // Requests are answered meanwhile.
      yield* socket.assertNoMessage
      yield* socket.send({ type: "get_all_rates" })
      yield* socket.assertNoMessage
      assert.strictEqual(sse.untaken(), "")
      yield* server.setDatabase("up")
      assert.deepStrictEqual(yield* socket.next, { type: "gap", epoch, sequence, since })
      assert.deepInclude(yield* socket.next, { type: "all_rates", epoch, sequence })
      assert.deepInclude(yield* sse.next, { event: "gap" })
      assert.deepInclude(yield* sse.next, { event: "snapshot" })
      const next = yield* change("USD:NGN", "1600")
      assert.deepInclude(yield* socket.next, { type: "rate_update", sequence: sequence + 1, rate: next.rate })
      assert.strictEqual((yield* sse.next).data["rate"], next.rate)
    }).pipe(Effect.scoped)
  )

  it.effect("send heartbeats with the last contact over RPC", () =>
    Effect.gen(function* () {
      const rpc = yield* RpcClients.overWebSocket
      const [heartbeat] = yield* rpc.WatchHeartbeats().pipe(Stream.take(1), Stream.runCollect)
      assert.isAtLeast(heartbeat?.lastContactAgeSeconds ?? -1, 0)
      assert.isNotNull(heartbeat?.lastContact)
    }).pipe(Effect.scoped)
  )
})
