import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import type { Duration } from "effect"
import { SecureRandom } from "effect/crypto"
import { HttpServerRequest } from "effect/http"
import { TestClock } from "effect/testing"
import { Socket } from "node:net"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { Drain } from "../../../src/server/Drain.ts"
import * as RatesSse from "../../../src/server/stream/RatesSse.ts"
import { StreamConnections } from "../../../src/server/stream/StreamConnections.ts"
import { USD_NGN, rate } from "../../support/SampleRates.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { eventually } from "../../support/Waiters.ts"

const TestLayer = Layer.mergeAll(
  Broadcaster.layerMemory,
  Drain.layer,
  Layer.succeed(
    StreamConnections,
    StreamConnections.of({
      acquire: () => Effect.succeed(new Socket()),
      register: () => Effect.never,
      release: () => {},
      endWithSession: () => {},
      upgrade: () => Effect.never
    })
  ),
  Layer.succeed(
    HttpServerRequest.HttpServerRequest,
    HttpServerRequest.fromWeb(new Request("http://localhost/"))
  )
).pipe(
  Layer.provide([Layer.mock(RateRepo)({ latestAll: Effect.succeed([]) }), SecureRandom.layerWebCrypto]),
  Layer.provideMerge(TestSettings.layer())
)

/** Gives unexpected chunks time to arrive. */
const settle = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))
const adjust = (duration: Duration.Input) => Effect.andThen(TestClock.adjust(duration), settle)

/** Reads the event stream in the background. */
const read = Effect.gen(function* () {
  const { body } = yield* (yield* RatesSse.make)({ pairs: undefined, since: undefined })
  if (body._tag !== "Stream") return assert.fail("no stream")
  const chunks: Array<string> = []
  const collect = Stream.runForEach(body.stream, (bytes) =>
    Effect.sync(() => chunks.push(Buffer.from(bytes).toString()))
  )
  const fiber = yield* Effect.forkScoped(collect)
  const awaitChunks = (count: number) =>
    Effect.andThen(
      eventually(`${count} chunks`, () => chunks.length >= count || undefined),
      settle
    )
  yield* awaitChunks(2)
  return { chunks, awaitChunks, fiber }
})

/** A heartbeat of a node whose last contact was at its start. */
const heartbeatAt = (seconds: number) =>
  `: heartbeat\nevent: heartbeat\ndata: {"last_contact":"1970-01-01T00:00:00.000Z","last_contact_age_seconds":${seconds}.000}\n\n`

describe("RatesSse", () => {
  it.effect("sends a heartbeat with the last contact every 15 seconds, in addition to the events", () =>
    Effect.gen(function* () {
      const { awaitChunks, chunks } = yield* read
      assert.strictEqual(chunks.length, 2)
      yield* adjust("14999 millis")
      assert.strictEqual(chunks.length, 2)
      yield* adjust("1 millis")
      yield* awaitChunks(3)
      assert.deepStrictEqual(chunks.slice(2), [heartbeatAt(15)])
      yield* (yield* Broadcaster).publish(rate(USD_NGN, 1))
      yield* awaitChunks(4)
      yield* adjust("30 seconds")
      yield* awaitChunks(6)
      assert.strictEqual(chunks.length, 6)
      assert.match(chunks[3] ?? "", /^id: \w+-1\nevent: rate\ndata: \{.*\}\n\n$/)
      assert.deepStrictEqual(chunks.slice(4), [heartbeatAt(30), heartbeatAt(45)])
    }).pipe(Effect.provide(TestLayer))
  )

  it.effect("ends when the server shuts down", () =>
    Effect.gen(function* () {
      const { fiber } = yield* read
      assert.isUndefined(fiber.pollUnsafe())
      yield* (yield* Drain).endStreams
      yield* Fiber.join(fiber)
    }).pipe(Effect.provide(TestLayer))
  )
})
