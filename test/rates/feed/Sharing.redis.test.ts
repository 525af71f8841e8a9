import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect } from "effect"
import type { Scope } from "effect"
import * as RedisServer from "../../support/RedisServer.ts"
import * as TcpProxy from "../../support/TcpProxy.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import { rate, USD_KES, USD_NGN } from "../../support/SampleRates.ts"
import { read, start, StoredRates, until, untilInSync } from "./StreamNodes.ts"

const CHANGES = "effex:db1:rates"
const PUBLISHED = "effex:db1:rates:published"

const test = (
  name: string,
  body: (redis: RedisServer.RedisServer) => Effect.Effect<void, unknown, Scope.Scope>
) => it.live(name, () => Effect.scoped(Effect.flatMap(RedisServer.start, body)))

describe.skipIf(!TestRedis.isAvailable)("Broadcaster.layerRedis", () => {
  test("delivers nothing of another deployment on the same Redis", ({ call, url }) =>
    Effect.gen(function* () {
      const [first, second] = [yield* start(url, "db1"), yield* start(url, "db2")]
      const [firstReader, secondReader] = [yield* read(first), yield* read(second)]
      yield* first.publish(rate(USD_NGN, 1))
      yield* second.publish(rate(USD_NGN, 2))
      yield* first.publish(rate(USD_KES, 3))
      yield* until("both", () => firstReader.received().length === 3 && secondReader.received().length === 2)
      assert.deepStrictEqual(firstReader.texts(), ["0 all ", "1 USD:NGN=1", "2 USD:KES=3"])
      assert.deepStrictEqual(secondReader.texts(), ["0 all ", "1 USD:NGN=2"])
      // A flush by one deployment ends the epoch of both, without a change of either's rates.
      yield* call("FLUSHDB")
      yield* until(
        "another epoch",
        () => firstReader.received().length === 5 && secondReader.received().length === 4
      )
      assert.deepStrictEqual(firstReader.view(), { "USD:NGN": 1, "USD:KES": 3 })
      assert.deepStrictEqual(secondReader.view(), { "USD:NGN": 2 })
    }))

  for (const lost of [[CHANGES], [PUBLISHED], [CHANGES, PUBLISHED]]) {
    test(`repeats no change and publishes no earlier rate after ${lost.join(" and ")} was evicted`, ({
      call,
      url
    }) =>
      Effect.gen(function* () {
        const nodes = [yield* start(url), yield* start(url)] as const
        const readers = [yield* read(nodes[0]), yield* read(nodes[1])] as const
        for (const n of [1, 2]) yield* nodes[0].publish(rate(USD_NGN, n))
        yield* nodes[1].publish(rate(USD_KES, 3))
        yield* until("three changes", () => readers.every((reader) => reader.last()?.sequence === 3))
        const { epoch } = nodes[0].snapshot()
        yield* call("DEL", ...lost)
        // A slow publisher, which does not know the later rate.
        yield* nodes[1].publish(rate(USD_NGN, 1))
        yield* nodes[0].publish(rate(USD_KES, 4))
        yield* until("the next change", () => readers.every((reader) => reader.view()["USD:KES"] === 4))
        yield* untilInSync(...nodes)
        assert.notStrictEqual(nodes[0].snapshot().epoch, epoch)
        for (const reader of readers) {
          assert.deepStrictEqual(reader.view(), { "USD:NGN": 2, "USD:KES": 4 })
          const afterwards = reader.received().slice(4)
          const changes = afterwards.flatMap((event) => (event._tag === "RateChanged" ? [event.rate.id] : []))
          assert.isTrue(
            changes.every((id) => id === rate(USD_KES, 4).id) && changes.length <= 1,
            reader.texts().join("; ")
          )
        }
        // A node that starts later, and a reader that resumes in the new epoch, see no earlier rate either.
        const late = yield* start(url)
        assert.deepStrictEqual((yield* read(late)).view(), {})
        const position = { epoch: nodes[0].snapshot().epoch, sequence: 0 }
        const resumed = yield* read(late, { since: position })
        yield* until("all of it", () => resumed.view()["USD:KES"] === 4)
        assert.isTrue(
          resumed.texts().every((text) => !text.endsWith("USD:NGN=1")),
          resumed.texts().join("; ")
        )
      }))
  }

  for (const isDatabaseUp of [true, false]) {
    test(`delivers no earlier rates to a subscriber that resumes at a lagging node, with the database ${isDatabaseUp ? "up" : "down"}`, (redis) =>
      Effect.gen(function* () {
        const stored = new StoredRates()
        const proxy = yield* TcpProxy.open(redis.target)
        const [ahead, lagging] = [
          yield* start(redis.url, "db1", stored),
          yield* start(`redis://127.0.0.1:${proxy.port}`, "db1", stored)
        ]
        yield* ahead.publish(stored.add(rate(USD_NGN, 1)))
        yield* untilInSync(ahead, lagging)
        stored.isUp = isDatabaseUp
        proxy.blackhole()
        yield* ahead.publish(stored.add(rate(USD_NGN, 2)))
        yield* until("the change", () => ahead.snapshot().sequence === 2)
        const since = { epoch: ahead.snapshot().epoch, sequence: 2 }
        const resumed = yield* read(lagging, { since })
        const contact = lagging.contact()
        if (isDatabaseUp) {
          // The rate arrives through the database. The node is in an epoch of its own meanwhile.
          yield* until("the change", () => resumed.view()["USD:NGN"] === 2)
        } else {
          yield* Effect.sleep("500 millis")
          assert.deepStrictEqual(resumed.texts(), [])
          assert.isAbove(lagging.contact()?.ageSeconds ?? 0, contact?.ageSeconds ?? 0)
        }
        yield* ahead.publish(stored.add(rate(USD_KES, 3)))
        proxy.heal()
        yield* until("the next change", () => resumed.view()["USD:KES"] === 3)
        assert.isTrue(
          resumed.texts().every((text) => !text.includes("USD:NGN=1")),
          resumed.texts().join("; ")
        )
      }))
  }

  test("delivers no earlier rates to a subscriber of a node without Redis that resumes at another one, with the database down", (redis) =>
    Effect.gen(function* () {
      const stored = new StoredRates()
      const proxy = yield* TcpProxy.open(redis.target)
      const [isolated, other] = [
        yield* start(`redis://127.0.0.1:${proxy.port}`, "db1", stored),
        yield* start(redis.url, "db1", stored)
      ]
      yield* other.publish(stored.add(rate(USD_NGN, 1)))
      yield* untilInSync(isolated, other)
      proxy.reset()
      yield* isolated.publish(stored.add(rate(USD_NGN, 2)))
      const { epoch, sequence } = isolated.snapshot()
      assert.strictEqual(isolated.latest(USD_NGN)?.id, rate(USD_NGN, 2).id)
      stored.isUp = false
      const resumed = yield* read(other, { since: { epoch, sequence } })
      // Redis answers this node, and does not have the second rate.
      yield* other.publish(rate(USD_KES, 3))
      yield* until("a change through Redis", () => other.latest(USD_KES) !== undefined)
      assert.deepStrictEqual(resumed.texts(), [])
      stored.isUp = true
      yield* until("the second rate", () => resumed.view()["USD:NGN"] === 2)
      assert.isTrue(
        resumed.texts().every((text) => !text.includes("USD:NGN=1")),
        resumed.texts().join("; ")
      )
    }))

  test("publishes rates as stale while the node is cut off from Redis and from the database", (redis) =>
    Effect.gen(function* () {
      const stored = new StoredRates()
      const proxy = yield* TcpProxy.open(redis.target)
      const node = yield* start(`redis://127.0.0.1:${proxy.port}`, "db1", stored, {
        STALE_AFTER: "1 second"
      })
      const reader = yield* read(node)
      const fresh = { ...rate(USD_NGN, 1), observedAt: yield* DateTime.now }
      yield* node.publish(fresh)
      yield* until("the change", () => reader.last()?._tag === "RateChanged")
      stored.isUp = false
      proxy.blackhole()
      yield* until("the stale rate", () => reader.last()?._tag === "RateStale")
      assert.deepInclude(reader.last(), { rate: fresh, sequence: 1 })
      yield* Effect.sleep("1200 millis")
      assert.strictEqual(reader.received().filter(({ _tag }) => _tag === "RateStale").length, 1)
      assert.isAbove(node.contact()?.ageSeconds ?? 0, 1)
    }))
})
