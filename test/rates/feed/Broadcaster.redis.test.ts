import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Scope } from "effect"
import { HISTORY_SIZE } from "../../../src/rates/feed/RateFeed.ts"
import { EUR_GHS, USD_NGN, poll, rate, USD_KES } from "../../support/SampleRates.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import { read, start, until, untilInSync } from "./StreamNodes.ts"

const DATABASE = 8

type Redis = Effect.Success<ReturnType<typeof TestRedis.database>>

const test = (name: string, body: (redis: Redis) => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(name, () => Effect.scoped(Effect.flatMap(TestRedis.database(DATABASE), body)))

describe.skipIf(!TestRedis.isAvailable)("Broadcaster.layerRedis", () => {
  test("delivers the same changes under the same sequence numbers on every node", ({ url }) =>
    Effect.gen(function* () {
      const nodes = [yield* start(url), yield* start(url)] as const
      const readers = [yield* read(nodes[0]), yield* read(nodes[1])] as const
      yield* Effect.forEach(
        Array.from({ length: 60 }, (_, i) => rate([USD_NGN, USD_KES, EUR_GHS][i % 3] ?? USD_NGN, i + 1)),
        (made, i) => (nodes[i % 2] ?? nodes[0]).publish(made),
        { concurrency: 8 }
      )
      yield* until("the last of 60 changes of three pairs", () =>
        readers.every((reader) => Object.values(reader.view()).toSorted().join() === "58,59,60")
      )
      yield* untilInSync(...nodes)
      const since = { epoch: nodes[0].snapshot().epoch, sequence: 0 }
      const [left, right] = [yield* read(nodes[0], { since }), yield* read(nodes[1], { since })]
      yield* until("all of them", () => left.received().length > 0 && right.received().length > 0)
      assert.deepStrictEqual(left.received(), right.received())
      assert.isTrue(left.received().every(({ _tag }) => _tag === "RateChanged"))
      assert.strictEqual(left.received().length, nodes[0].snapshot().sequence)
      for (const [i, reader] of readers.entries()) {
        const changes = reader.received().filter(({ _tag }) => _tag === "RateChanged")
        assert.includeDeepMembers([...left.received()], changes, `node ${i}`)
      }
    }))

  test("delivers a rate once, whichever nodes publish it, and no older one", ({ url }) =>
    Effect.gen(function* () {
      const nodes = [yield* start(url), yield* start(url)] as const
      const reader = yield* read(nodes[1])
      for (const n of [2, 1, 2]) {
        yield* Effect.forEach(nodes, (node) => node.publish(rate(USD_NGN, n)), { concurrency: "unbounded" })
      }
      yield* nodes[0].publish(rate(USD_KES, 1))
      yield* until("the last change", () => reader.last()?.sequence === 2)
      assert.deepStrictEqual(reader.texts(), ["0 all ", "1 USD:NGN=2", "2 USD:KES=1"])
      assert.strictEqual(nodes[0].latest(USD_NGN)?.id, rate(USD_NGN, 2).id)
    }))

  test("delivers polls on every node, after their changes", ({ url }) =>
    Effect.gen(function* () {
      const nodes = [yield* start(url), yield* start(url)] as const
      const readers = [yield* read(nodes[0]), yield* read(nodes[1])] as const
      yield* nodes[0].publish(rate(USD_NGN, 1))
      yield* nodes[0].publishPoll(poll(7))
      for (const reader of readers) {
        yield* until("the poll", () => reader.last()?._tag === "PollFinished")
        assert.deepStrictEqual(reader.texts(), ["0 all ", "1 USD:NGN=1", "1 poll 0007"])
        assert.deepInclude(reader.last(), { run: poll(7) })
      }
    }))

  test("gives a node that starts later the same position, latest rates and history", ({ url }) =>
    Effect.gen(function* () {
      const first = yield* start(url)
      for (const n of [1, 2, 3]) yield* first.publish(rate(USD_NGN, n))
      yield* first.publish(rate(USD_KES, 4))
      const second = yield* start(url)
      yield* untilInSync(first, second)
      const { epoch } = second.snapshot()
      const subscribed = yield* read(second)
      const resumed = yield* read(second, { since: { epoch, sequence: 1 } })
      yield* until("both", () => subscribed.received().length === 1 && resumed.received().length === 3)
      assert.deepStrictEqual(subscribed.texts(), ["4 all USD:KES=4,USD:NGN=3"])
      assert.deepStrictEqual(resumed.texts(), ["2 USD:NGN=2", "3 USD:NGN=3", "4 USD:KES=4"])
    }))

  test("starts another epoch after FLUSHDB, with a gap and a snapshot on every node", ({ call, url }) =>
    Effect.gen(function* () {
      const nodes = [yield* start(url), yield* start(url)] as const
      const readers = [yield* read(nodes[0]), yield* read(nodes[1])] as const
      yield* nodes[0].publish(rate(USD_NGN, 5))
      yield* nodes[1].publish(rate(USD_KES, 6))
      yield* until("both changes", () => readers.every((reader) => reader.last()?.sequence === 2))
      const { epoch } = nodes[0].snapshot()
      yield* call("FLUSHDB")
      yield* nodes[0].publish(rate(USD_NGN, 4))
      yield* until("another epoch", () => nodes.every((node) => node.snapshot().epoch !== epoch))
      yield* nodes[1].publish(rate(EUR_GHS, 7))
      const expected = { "USD:NGN": 5, "USD:KES": 6, "EUR:GHS": 7 }
      for (const reader of readers) {
        yield* until("a complete view", () => JSON.stringify(reader.view()) === JSON.stringify(expected))
        const gap = reader.received().findIndex(({ _tag }) => _tag === "Gap")
        assert.deepInclude(reader.received()[gap], { since: { epoch, sequence: 2 } })
        assert.strictEqual(reader.received()[gap + 1]?._tag, "Snapshot")
      }
      yield* untilInSync(...nodes)
      const [left, right] = nodes.map((node) => node.snapshot().rates.map(({ id }) => id))
      assert.sameMembers(left ?? [], right ?? [])
    }))

  test("continues with a gap after a foreign entry in the stream", ({ call, url }) =>
    Effect.gen(function* () {
      const node = yield* start(url)
      const reader = yield* read(node)
      yield* node.publish(rate(USD_NGN, 1))
      yield* until("the change", () => reader.last()?.sequence === 1)
      const { epoch } = node.snapshot()
      const foreignEntries = [
        ["colour", "blue"],
        ["rate", "blue"],
        ["rate", '{"from":"USD","to":"NGN","rate":"1e999999999"}'],
        ["rate", ""]
      ] as const
      const reads = Effect.map(call("INFO", "commandstats"), (stats) =>
        Number(/cmdstat_xread:calls=(\d+)/.exec(String(stats))?.[1])
      )
      for (const [i, [field, value]] of foreignEntries.entries()) {
        yield* call("XADD", "effex:db1:rates", `${epoch}-${2 * i + 2}`, field, value)
        yield* node.publish(rate(USD_KES, i))
        yield* until("the next change", () => node.latest(USD_KES)?.id === rate(USD_KES, i).id)
      }
      yield* call("XADD", "effex:db1:rates", `${epoch}-10`, "colour", "blue")
      yield* call("XADD", "effex:db1:polls", "*", "colour", "blue")
      const before = yield* reads
      yield* Effect.sleep("200 millis")
      assert.isBelow((yield* reads) - before, 20, "the same entry is read in a loop")
      assert.deepStrictEqual(reader.view(), { "USD:NGN": 1, "USD:KES": 3 })
      yield* node.publish(rate(EUR_GHS, 1))
      yield* until("the last change", () => reader.view()["EUR:GHS"] === 1)
      assert.strictEqual(node.snapshot().epoch, epoch)
      assert.isTrue(reader.texts().some((event) => event.endsWith("gap since 1")))
    }))

  test("enters an epoch whose start it did not receive, with its first received rate", ({ call, url }) =>
    Effect.gen(function* () {
      const nodes = [yield* start(url), yield* start(url)] as const
      yield* nodes[0].publish(rate(USD_NGN, 1))
      yield* until("the change", () => nodes[0].snapshot().sequence === 1)
      const reader = yield* read(nodes[0])
      const next = String(BigInt(nodes[0].snapshot().epoch) + 5n)
      const [[, fields = []] = []] = (yield* call("XREVRANGE", "effex:db1:rates", "+", "-")) as ReadonlyArray<
        readonly [id: string, fields: ReadonlyArray<string>]
      >
      const later = (fields[1] ?? "").replace("USD", "EUR")
      yield* call("HSET", "effex:db1:rates:published", "epoch", next)
      yield* call("XADD", "effex:db1:rates", `${next}-3`, "rate", later)
      yield* until("the new epoch", () => reader.last()?.epoch === next)
      assert.deepStrictEqual(reader.texts().slice(1), ["3 gap since 1", "3 all EUR:NGN=1,USD:NGN=1"])
    }))

  test("delivers a gap when missed changes were trimmed from the stream", ({ call, url }) =>
    Effect.gen(function* () {
      const node = yield* start(url)
      for (let n = 1; n <= 3; n++) yield* node.publish(rate(USD_NGN, n))
      yield* until("three changes", () => node.snapshot().sequence === 3)
      const { epoch } = node.snapshot()
      yield* call("XTRIM", "effex:db1:rates", "MINID", `${epoch}-3`)
      const late = yield* start(url)
      yield* untilInSync(node, late)
      const since = (sequence: number) => read(late, { since: { epoch, sequence } })
      const [two, one] = [yield* since(2), yield* since(1)]
      yield* until("both", () => two.received().length === 1 && one.received().length === 2)
      assert.deepStrictEqual(two.texts(), ["3 USD:NGN=3"])
      assert.deepStrictEqual(one.texts(), ["3 gap since 1", "3 all USD:NGN=3"])
    }))

  test("trims the stream to the last changes", ({ call, url }) =>
    Effect.gen(function* () {
      const node = yield* start(url)
      const rates = Array.from({ length: HISTORY_SIZE * 2 }, (_, i) => rate(USD_NGN, i + 1))
      // The first publication loads the script; the others are pipelined, in order.
      yield* Effect.forEach(rates.slice(0, 1), node.publish, { discard: true })
      yield* Effect.forEach(rates.slice(1), node.publish, { concurrency: 100, discard: true })
      const kept = Number(yield* call("XLEN", "effex:db1:rates"))
      assert.isAtLeast(kept, HISTORY_SIZE)
      assert.isAtMost(kept, HISTORY_SIZE + 200)
      assert.strictEqual(
        Number(yield* call("HLEN", "effex:db1:rates:published")),
        2,
        "the epoch and the pair"
      )
    }))
})
