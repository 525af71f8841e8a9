import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Scope } from "effect"
import { EUR_GHS, USD_NGN, poll, rate, USD_KES } from "../../support/SampleRates.ts"
import * as TcpProxy from "../../support/TcpProxy.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import { read, start, until, untilInSync } from "./StreamNodes.ts"

/** The tests run concurrently, each in its own Redis database, because they wait for timeouts. */
const FIRST_DATABASE = 9
const STREAM = "effex:db1:rates"
const PUBLISHED = "effex:db1:rates:published"

const setUp = Effect.fnUntraced(function* (database: number) {
  const redis = yield* TestRedis.database(database)
  const proxy = yield* TcpProxy.open(redis.target)
  return { ...redis, proxy, proxiedUrl: redis.urlAt(proxy.port) }
})

let database = FIRST_DATABASE
const test = (
  name: string,
  body: (redis: Effect.Success<ReturnType<typeof setUp>>) => Effect.Effect<void, unknown, Scope.Scope>
) => {
  const ownDatabase = database++
  it.live(name, () => Effect.scoped(Effect.flatMap(setUp(ownDatabase), body)))
}

const hasView = (reader: { view: () => object }, expected: object) => () =>
  JSON.stringify(Object.entries(reader.view()).toSorted()) ===
  JSON.stringify(Object.entries(expected).toSorted())

describe.skipIf(!TestRedis.isAvailable)(
  "Broadcaster.layerRedis with a failing Redis",
  { concurrent: true },
  () => {
    for (const failure of ["reset", "blackhole"] as const) {
      test(`reaches local subscribers during a ${failure}, and the other nodes after it`, (redis) =>
        Effect.gen(function* () {
          const [near, far] = [yield* start(redis.url), yield* start(redis.proxiedUrl)]
          const [nearReader, farReader] = [yield* read(near), yield* read(far)]
          yield* far.publish(rate(USD_NGN, 1))
          yield* until(
            "the change, everywhere",
            () => nearReader.last() !== undefined && far.latest(USD_NGN) !== undefined
          )
          yield* untilInSync(near, far)
          const { epoch } = near.snapshot()

          redis.proxy[failure]()
          yield* far.publish(rate(USD_NGN, 2))
          yield* until("the local reader", hasView(farReader, { "USD:NGN": 2 }))
          yield* far.publish(rate(USD_NGN, 3))
          yield* far.publishPoll(poll(9))
          yield* until("the local poll", () => farReader.last()?._tag === "PollFinished")
          assert.notStrictEqual(far.snapshot().epoch, epoch)
          yield* near.publish(rate(USD_KES, 4))
          yield* until("the other reader", hasView(nearReader, { "USD:NGN": 1, "USD:KES": 4 }))

          redis.proxy.heal()
          for (const reader of [nearReader, farReader]) {
            yield* until("the complete view", hasView(reader, { "USD:NGN": 3, "USD:KES": 4 }))
          }
          yield* untilInSync(near, far)
          assert.strictEqual(far.snapshot().epoch, epoch)
          assert.isFalse(nearReader.texts().some((event) => event.includes("gap")))
          yield* far.publish(rate(EUR_GHS, 5))
          yield* until(
            "the next change",
            () => nearReader.view()["EUR:GHS"] === 5 && farReader.view()["EUR:GHS"] === 5
          )
        }))
    }

    test("catches up without a gap if it published nothing during the outage", (redis) =>
      Effect.gen(function* () {
        const [near, far] = [yield* start(redis.url), yield* start(redis.proxiedUrl)]
        const reader = yield* read(far)
        yield* near.publish(rate(USD_NGN, 1))
        yield* until("the first change", () => reader.view()["USD:NGN"] === 1)
        redis.proxy.reset()
        yield* near.publish(rate(USD_NGN, 2))
        yield* near.publish(rate(USD_KES, 3))
        yield* near.publishPoll(poll(7))
        yield* Effect.sleep("700 millis")
        redis.proxy.heal()
        yield* until("the late poll", () => reader.last()?._tag === "PollFinished")
        assert.deepStrictEqual(reader.texts(), [
          "0 all ",
          "1 USD:NGN=1",
          "2 USD:NGN=2",
          "3 USD:KES=3",
          "3 poll 0007"
        ])
      }))

    test("delivers a gap and a snapshot for changes that were trimmed during the outage", (redis) =>
      Effect.gen(function* () {
        const [near, far] = [yield* start(redis.url), yield* start(redis.proxiedUrl)]
        const reader = yield* read(far)
        redis.proxy.reset()
        yield* near.publish(rate(USD_NGN, 1))
        yield* near.publish(rate(USD_KES, 2))
        yield* near.publish(rate(USD_KES, 3))
        yield* redis.call("XTRIM", STREAM, "MINID", `${near.snapshot().epoch}-3`)
        redis.proxy.heal()
        yield* until("the complete view", hasView(reader, { "USD:NGN": 1, "USD:KES": 3 }))
        assert.deepStrictEqual(reader.texts(), ["0 all ", "3 gap since 0", "3 all USD:KES=3,USD:NGN=1"])
      }))

    test("starts without Redis, and joins the other nodes when Redis is available", (redis) =>
      Effect.gen(function* () {
        redis.proxy.reset()
        const [near, far] = [yield* start(redis.url), yield* start(redis.proxiedUrl)]
        const reader = yield* read(far)
        yield* far.publish(rate(USD_NGN, 1))
        yield* near.publish(rate(USD_KES, 2))
        yield* until("the local change", () => reader.view()["USD:NGN"] === 1)
        redis.proxy.heal()
        yield* until("the complete view", hasView(reader, { "USD:NGN": 1, "USD:KES": 2 }))
        yield* untilInSync(near, far)
      }))

    for (const isDisconnected of [false, true]) {
      test(`reuses no sequence number after Redis lost its last entries while ${isDisconnected ? "disconnected" : "connected"}`, (redis) =>
        Effect.gen(function* () {
          const node = yield* start(redis.proxiedUrl)
          const reader = yield* read(node)
          yield* node.publish(rate(USD_NGN, 1))
          const saved = yield* redis.save(STREAM, PUBLISHED)
          yield* node.publish(rate(USD_KES, 2))
          yield* node.publish(rate(USD_NGN, 3))
          yield* until("three changes", () => reader.last()?.sequence === 3)
          const { epoch } = node.snapshot()
          if (isDisconnected) {
            redis.proxy.reset()
            yield* node.publish(rate(EUR_GHS, 4))
          }
          yield* redis.restore(saved)
          redis.proxy.heal()
          yield* until("another epoch", () => ![epoch, undefined].includes(reader.last()?.epoch))
          yield* node.publish(rate(EUR_GHS, 4))
          yield* until("the complete view", hasView(reader, { "USD:NGN": 3, "USD:KES": 2, "EUR:GHS": 4 }))
          yield* until("the shared epoch", () => /^\d+$/.test(node.snapshot().epoch))
          assert.notStrictEqual(node.snapshot().epoch, epoch)
          const resumed = yield* read(node, { since: { epoch, sequence: 3 } })
          yield* until("a snapshot", () => resumed.received().length === 2)
          assert.include(resumed.texts()[0], "gap since 3")
        }))
    }
  }
)
