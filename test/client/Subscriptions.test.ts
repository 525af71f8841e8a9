import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Ref, Schema, Stream } from "effect"
import { InvalidRequest, RateLimited, UnsupportedPair } from "../../src/api/Problem.ts"
import type { RateEventMessage } from "../../src/api/rates/RateEventMessage.ts"
import { EffexClient } from "../../src/client/EffexClient.ts"
import { brief, changed, digits, gap, rate, snapshot } from "../support/RateMessages.ts"
import * as TestRpcServer from "../support/TestRpcServer.ts"
import * as FastClock from "./FastClock.ts"

type RateEvents = Stream.Stream<RateEventMessage, InvalidRequest | UnsupportedPair | RateLimited>

/** Responds to each subscription with the next stream, and records the `since` position of each. */
const script = Effect.fnUntraced(function* (...streams: ReadonlyArray<RateEvents>) {
  const positions = yield* Ref.make<ReadonlyArray<string | undefined>>([])
  const WatchRates = ({ since }: { readonly since?: string }) =>
    Stream.unwrap(
      Effect.map(
        Ref.updateAndGet(positions, (all) => [...all, since]),
        (all): RateEvents => streams[all.length - 1] ?? Stream.never
      )
    )
  return { positions, WatchRates }
})

/** Sends events and keeps the stream open. */
const sendAndStayOpen = (...events: ReadonlyArray<RateEventMessage>): RateEvents =>
  Stream.concat(Stream.fromIterable(events), Stream.never)

const events = (url: string, count: number) =>
  Stream.unwrap(Effect.map(EffexClient, (client) => client.watchEvents())).pipe(
    Stream.take(count),
    Stream.map(brief),
    Stream.runCollect,
    Effect.provide(EffexClient.layer({ url }))
  )

describe("EffexClient subscriptions", () => {
  it.effect("resume at their position after a server restart", () =>
    Effect.gen(function* () {
      yield* FastClock.start
      const received = yield* Deferred.make<void>()
      const first = yield* script(sendAndStayOpen(snapshot(5, rate("1500")), changed(6, rate("1501"))))
      const before = yield* TestRpcServer.listen(first)
      const all = yield* Stream.unwrap(
        Effect.map(EffexClient, (client) => client.watchEvents({ pairs: ["USD:NGN"] }))
      ).pipe(
        Stream.tap((event) => (event.sequence === 6 ? Deferred.succeed(received, undefined) : Effect.void)),
        Stream.take(3),
        Stream.map(brief),
        Stream.runCollect,
        Effect.provide(EffexClient.layer({ url: before.url })),
        Effect.forkScoped
      )
      yield* Deferred.await(received)
      yield* before.stop
      const second = yield* script(sendAndStayOpen(changed(7, rate("1502"))))
      yield* TestRpcServer.listen(second, before.port)
      assert.deepStrictEqual(yield* Fiber.join(all), ["Snapshot 5", "RateChanged 6", "RateChanged 7"])
      assert.deepStrictEqual(
        [yield* Ref.get(first.positions), yield* Ref.get(second.positions)],
        [[undefined], ["e-6"]]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("resubscribe when the stream ends, dies, or fails with a retryable error", () =>
    Effect.gen(function* () {
      yield* FastClock.start
      const server = yield* script(
        Stream.make(snapshot(1)),
        Stream.die(new Error("unexpected")),
        Stream.fail(new RateLimited({ detail: "later" })),
        sendAndStayOpen(changed(2, rate("1501")))
      )
      const { url } = yield* TestRpcServer.listen(server)
      assert.deepStrictEqual(yield* events(url, 2), ["Snapshot 1", "RateChanged 2"])
      assert.deepStrictEqual(yield* Ref.get(server.positions), [undefined, "e-1", "e-1", "e-1"])
    }).pipe(Effect.scoped)
  )

  it.effect("do not advance their position for a gap without its snapshot", () =>
    Effect.gen(function* () {
      yield* FastClock.start
      const server = yield* script(
        Stream.make(snapshot(1), gap(9, "e-1")),
        sendAndStayOpen(gap(9, "e-1"), snapshot(9))
      )
      const { url } = yield* TestRpcServer.listen(server)
      assert.deepStrictEqual(yield* events(url, 4), ["Snapshot 1", "Gap 9", "Gap 9", "Snapshot 9"])
      assert.deepStrictEqual(yield* Ref.get(server.positions), [undefined, "e-1"])
    }).pipe(Effect.scoped)
  )

  it.live("fail with an error that is not retryable, without a second attempt", () =>
    Effect.gen(function* () {
      const server = yield* script(Stream.fail(new UnsupportedPair({ detail: "USD:EUR is not supported" })))
      const { url } = yield* TestRpcServer.listen(server)
      const error = yield* Effect.flip(events(url, 1))
      assert.deepInclude(error, { _tag: "UnsupportedPair", detail: "USD:EUR is not supported", status: 422 })
      assert.lengthOf(yield* Ref.get(server.positions), 1)
    }).pipe(Effect.scoped)
  )

  it.live("reject a malformed position before sending it", () =>
    Effect.gen(function* () {
      const client = yield* EffexClient
      const error = yield* Effect.flip(Stream.runDrain(client.watchEvents({ since: "yesterday" })))
      assert.isTrue(Schema.is(InvalidRequest)(error))
      assert.include(error.message, "Expected a stream position such as")
    }).pipe(Effect.provide(EffexClient.layer({ url: "http://127.0.0.1:1" })))
  )

  it.effect("emit each rate once, even if a snapshot repeats it after an interruption", () =>
    Effect.gen(function* () {
      yield* FastClock.start
      const [before, after] = [rate("1500"), rate("1501")]
      const server = yield* script(
        Stream.make(snapshot(1, before, rate("130", "KES")), changed(2, after)),
        sendAndStayOpen(gap(9, "e-2"), snapshot(9, after, rate("131", "KES")))
      )
      const { url } = yield* TestRpcServer.listen(server)
      const rates = yield* Stream.unwrap(Effect.map(EffexClient, (client) => client.watch())).pipe(
        Stream.take(4),
        Stream.map(digits),
        Stream.runCollect,
        Effect.provide(EffexClient.layer({ url }))
      )
      assert.deepStrictEqual(rates, ["1500", "130", "1501", "131"])
    }).pipe(Effect.scoped)
  )

  it.effect("also work over HTTP, and report the connection state", () =>
    Effect.gen(function* () {
      yield* FastClock.start
      const server = yield* script(
        Stream.make(snapshot(5, rate("1500")), changed(6, rate("1501"))),
        sendAndStayOpen(changed(7, rate("1502")))
      )
      const { url } = yield* TestRpcServer.listen(server)
      yield* Effect.gen(function* () {
        const client = yield* EffexClient
        const events = yield* client.watchEvents().pipe(Stream.take(3), Stream.map(brief), Stream.runCollect)
        assert.deepStrictEqual(events, ["Snapshot 5", "RateChanged 6", "RateChanged 7"])
        assert.deepStrictEqual(yield* Ref.get(server.positions), [undefined, "e-6"])
        assert.deepStrictEqual(yield* client.watchConnection.pipe(Stream.take(1), Stream.runCollect), [
          "connected"
        ])
      }).pipe(Effect.provide(EffexClient.layerHttp({ url })))
    }).pipe(Effect.scoped)
  )
})
