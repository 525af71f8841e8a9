import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Ref, Schema, Stream } from "effect"
import { InvalidRequest, RateLimited, UnsupportedPair } from "../../src/api/Problem.ts"
import type { RateEventMessage } from "../../src/api/rates/RateEventMessage.ts"
import { EffexClient } from "../../src/client/EffexClient.ts"
import { brief, changed, digits, gap, rate, snapshot } from "../support/RateMessages.ts"
import * as TestRpcServer from "../support/TestRpcServer.ts"

type Answer = Stream.Stream<RateEventMessage, InvalidRequest | UnsupportedPair | RateLimited>

/** Answers each subscription with the next of some streams, and keeps what each one asked for. */
const script = Effect.fnUntraced(function* (...answers: ReadonlyArray<Answer>) {
  const asked = yield* Ref.make<ReadonlyArray<string | undefined>>([])
  const WatchRates = ({ since }: { readonly since?: string }) =>
    Stream.unwrap(
      Effect.map(
        Ref.updateAndGet(asked, (all) => [...all, since]),
        (all): Answer => answers[all.length - 1] ?? Stream.never
      )
    )
  return { asked, WatchRates }
})

const openly = (...events: ReadonlyArray<RateEventMessage>): Answer =>
  Stream.concat(Stream.fromIterable(events), Stream.never)

const events = (url: string, count: number) =>
  Stream.unwrap(Effect.map(EffexClient, (client) => client.watchEvents())).pipe(
    Stream.take(count),
    Stream.map(brief),
    Stream.runCollect,
    Effect.provide(EffexClient.layer({ url })),
    Effect.timeout("10 seconds")
  )

describe("watching rates", () => {
  it.live("resumes where it was, once a server that was gone is back", () =>
    Effect.gen(function* () {
      const told = yield* Deferred.make<void>()
      const first = yield* script(openly(snapshot(5, rate("1500")), changed(6, rate("1501"))))
      const before = yield* TestRpcServer.listen(first)
      const all = yield* Stream.unwrap(
        Effect.map(EffexClient, (client) => client.watchEvents({ pairs: ["USD:NGN"] }))
      ).pipe(
        Stream.tap((event) => (event.sequence === 6 ? Deferred.succeed(told, undefined) : Effect.void)),
        Stream.take(3),
        Stream.map(brief),
        Stream.runCollect,
        Effect.provide(EffexClient.layer({ url: before.url })),
        Effect.forkScoped
      )
      yield* Deferred.await(told)
      yield* before.stop
      yield* Effect.sleep("600 millis")
      const second = yield* script(openly(changed(7, rate("1502"))))
      yield* TestRpcServer.listen(second, before.port)
      assert.deepStrictEqual(yield* Fiber.join(all), ["Snapshot 5", "RateChanged 6", "RateChanged 7"])
      assert.deepStrictEqual(
        [yield* Ref.get(first.asked), yield* Ref.get(second.asked)],
        [[undefined], ["e-6"]]
      )
    }).pipe(Effect.scoped)
  )

  it.live("begins again when the server ends the stream, fails unforeseen, or says: later", () =>
    Effect.gen(function* () {
      const server = yield* script(
        Stream.make(snapshot(1)),
        Stream.die(new Error("nobody foresaw it")),
        Stream.fail(new RateLimited({ detail: "later" })),
        openly(changed(2, rate("1501")))
      )
      const { url } = yield* TestRpcServer.listen(server)
      assert.deepStrictEqual(yield* events(url, 2), ["Snapshot 1", "RateChanged 2"])
      assert.deepStrictEqual(yield* Ref.get(server.asked), [undefined, "e-1", "e-1", "e-1"])
    }).pipe(Effect.scoped)
  )

  it.live("has not passed a gap before the snapshot behind it came", () =>
    Effect.gen(function* () {
      const server = yield* script(
        Stream.make(snapshot(1), gap(9, "e-1")),
        openly(gap(9, "e-1"), snapshot(9))
      )
      const { url } = yield* TestRpcServer.listen(server)
      assert.deepStrictEqual(yield* events(url, 4), ["Snapshot 1", "Gap 9", "Gap 9", "Snapshot 9"])
      assert.deepStrictEqual(yield* Ref.get(server.asked), [undefined, "e-1"])
    }).pipe(Effect.scoped)
  )

  it.live("fails with a refusal that would come again, and does not ask twice", () =>
    Effect.gen(function* () {
      const server = yield* script(Stream.fail(new UnsupportedPair({ detail: "USD:EUR is not offered" })))
      const { url } = yield* TestRpcServer.listen(server)
      const error = yield* Effect.flip(events(url, 1))
      assert.deepInclude(error, { _tag: "UnsupportedPair", detail: "USD:EUR is not offered", status: 422 })
      assert.lengthOf(yield* Ref.get(server.asked), 1)
    }).pipe(Effect.scoped)
  )

  it.live("refuses a position that is none before it asks", () =>
    Effect.gen(function* () {
      const client = yield* EffexClient
      const error = yield* Effect.flip(Stream.runDrain(client.watchEvents({ since: "yesterday" })))
      assert.isTrue(Schema.is(InvalidRequest)(error))
      assert.include(error.message, "Expected a position such as")
    }).pipe(Effect.provide(EffexClient.layer({ url: "http://127.0.0.1:1" })))
  )

  it.live("tells each rate once, whatever is repeated after an interruption", () =>
    Effect.gen(function* () {
      const [before, after] = [rate("1500"), rate("1501")]
      const server = yield* script(
        Stream.make(snapshot(1, before, rate("130", "KES")), changed(2, after)),
        openly(gap(9, "e-2"), snapshot(9, after, rate("131", "KES")))
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

  it.live("watches over HTTP as well, and says that it is connected", () =>
    Effect.gen(function* () {
      const server = yield* script(
        Stream.make(snapshot(5, rate("1500")), changed(6, rate("1501"))),
        openly(changed(7, rate("1502")))
      )
      const { url } = yield* TestRpcServer.listen(server)
      yield* Effect.gen(function* () {
        const client = yield* EffexClient
        const told = yield* client.watchEvents().pipe(Stream.take(3), Stream.map(brief), Stream.runCollect)
        assert.deepStrictEqual(told, ["Snapshot 5", "RateChanged 6", "RateChanged 7"])
        assert.deepStrictEqual(yield* Ref.get(server.asked), [undefined, "e-6"])
        assert.deepStrictEqual(yield* client.watchConnection.pipe(Stream.take(1), Stream.runCollect), [
          "connected"
        ])
      }).pipe(Effect.provide(EffexClient.layerHttp({ url })))
    }).pipe(Effect.scoped)
  )
})
