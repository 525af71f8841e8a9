import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Scope } from "effect"
import { HISTORY } from "../../../src/rates/feed/RateFeed.ts"
import { CEDI, NAIRA, poll, rate, SHILLING } from "../../support/SampleRates.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import { read, start, until, untilOne } from "./StreamNodes.ts"

const DATABASE = 8

type Redis = Effect.Success<ReturnType<typeof TestRedis.database>>

const test = (name: string, body: (redis: Redis) => Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(name, () => Effect.scoped(Effect.flatMap(TestRedis.database(DATABASE), body)))

describe.skipIf(!TestRedis.isAvailable)("Broadcaster over Redis", () => {
  test("tells the same changes under the same numbers on every node", ({ url }) =>
    Effect.gen(function* () {
      const nodes = [yield* start(url), yield* start(url)] as const
      const readers = [yield* read(nodes[0]), yield* read(nodes[1])] as const
      yield* Effect.forEach(
        Array.from({ length: 60 }, (_, i) => rate([NAIRA, SHILLING, CEDI][i % 3] ?? NAIRA, i + 1)),
        (made, i) => (nodes[i % 2] ?? nodes[0]).publish(made),
        { concurrency: 8 }
      )
      yield* until("60 changes at most, of three pairs", () =>
        readers.every((reader) => Object.values(reader.view()).toSorted().join() === "58,59,60")
      )
      yield* untilOne(...nodes)
      const since = { epoch: nodes[0].snapshot().epoch, sequence: 0 }
      const [left, right] = [yield* read(nodes[0], { since }), yield* read(nodes[1], { since })]
      yield* until("all of them", () => left.told().length > 0 && right.told().length > 0)
      assert.deepStrictEqual(left.told(), right.told())
      assert.isTrue(left.told().every(({ _tag }) => _tag === "RateChanged"))
      assert.strictEqual(left.told().length, nodes[0].snapshot().sequence)
      for (const [i, reader] of readers.entries()) {
        const told = reader.told().filter(({ _tag }) => _tag === "RateChanged")
        assert.includeDeepMembers([...left.told()], told, `node ${i}`)
      }
    }))

  test("tells of a rate once, whoever publishes it, and of none that is older", ({ url }) =>
    Effect.gen(function* () {
      const nodes = [yield* start(url), yield* start(url)] as const
      const reader = yield* read(nodes[1])
      for (const n of [2, 1, 2]) {
        yield* Effect.forEach(nodes, (node) => node.publish(rate(NAIRA, n)), { concurrency: "unbounded" })
      }
      yield* nodes[0].publish(rate(SHILLING, 1))
      yield* until("the last change", () => reader.last()?.sequence === 2)
      assert.deepStrictEqual(reader.short(), ["0 all ", "1 USD:NGN=2", "2 USD:KES=1"])
      assert.strictEqual(nodes[0].newest(NAIRA)?.id, rate(NAIRA, 2).id)
    }))

  test("tells of polls on every node, behind the changes that they made", ({ url }) =>
    Effect.gen(function* () {
      const nodes = [yield* start(url), yield* start(url)] as const
      const readers = [yield* read(nodes[0]), yield* read(nodes[1])] as const
      yield* nodes[0].publish(rate(NAIRA, 1))
      yield* nodes[0].publishPoll(poll(7))
      for (const reader of readers) {
        yield* until("the poll", () => reader.last()?._tag === "PollFinished")
        assert.deepStrictEqual(reader.short(), ["0 all ", "1 USD:NGN=1", "1 poll 0007"])
        assert.deepInclude(reader.last(), { run: poll(7) })
      }
    }))

  test("gives a node that starts later the same position, the newest rates and the last changes", ({ url }) =>
    Effect.gen(function* () {
      const first = yield* start(url)
      for (const n of [1, 2, 3]) yield* first.publish(rate(NAIRA, n))
      yield* first.publish(rate(SHILLING, 4))
      const second = yield* start(url)
      yield* untilOne(first, second)
      const { epoch } = second.snapshot()
      const fresh = yield* read(second)
      const returned = yield* read(second, { since: { epoch, sequence: 1 } })
      yield* until("both", () => fresh.told().length === 1 && returned.told().length === 3)
      assert.deepStrictEqual(fresh.short(), ["4 all USD:KES=4,USD:NGN=3"])
      assert.deepStrictEqual(returned.short(), ["2 USD:NGN=2", "3 USD:NGN=3", "4 USD:KES=4"])
    }))

  test("begins another epoch after FLUSHDB, in which every node tells everything anew", ({ call, url }) =>
    Effect.gen(function* () {
      const nodes = [yield* start(url), yield* start(url)] as const
      const readers = [yield* read(nodes[0]), yield* read(nodes[1])] as const
      yield* nodes[0].publish(rate(NAIRA, 5))
      yield* nodes[1].publish(rate(SHILLING, 6))
      yield* until("both changes", () => readers.every((reader) => reader.last()?.sequence === 2))
      const { epoch } = nodes[0].snapshot()
      yield* call("FLUSHDB")
      yield* nodes[0].publish(rate(NAIRA, 4))
      yield* until("another epoch", () => nodes.every((node) => node.snapshot().epoch !== epoch), 2500)
      yield* nodes[1].publish(rate(CEDI, 7))
      const newest = { "USD:NGN": 5, "USD:KES": 6, "EUR:GHS": 7 }
      for (const reader of readers) {
        yield* until("everything anew", () => JSON.stringify(reader.view()) === JSON.stringify(newest))
        const gap = reader.told().findIndex(({ _tag }) => _tag === "Gap")
        assert.deepInclude(reader.told()[gap], { since: { epoch, sequence: 2 } })
        assert.strictEqual(reader.told()[gap + 1]?._tag, "Snapshot")
      }
      yield* untilOne(...nodes)
      const [left, right] = nodes.map((node) => node.snapshot().rates.map(({ id }) => id))
      assert.sameMembers(left ?? [], right ?? [])
    }))

  test("goes on, with a gap, where somebody else wrote into the stream", ({ call, url }) =>
    Effect.gen(function* () {
      const node = yield* start(url)
      const reader = yield* read(node)
      yield* node.publish(rate(NAIRA, 1))
      yield* until("the change", () => reader.last()?.sequence === 1)
      const { epoch } = node.snapshot()
      const rubbish = [
        ["colour", "blue"],
        ["rate", "blue"],
        ["rate", '{"from":"USD","to":"NGN","rate":"1e999999999"}'],
        ["rate", ""]
      ] as const
      const reads = Effect.map(call("INFO", "commandstats"), (stats) =>
        Number(/cmdstat_xread:calls=(\d+)/.exec(String(stats))?.[1])
      )
      for (const [i, [field, value]] of rubbish.entries()) {
        yield* call("XADD", "effex:rates", `${epoch}-${2 * i + 2}`, field, value)
        yield* node.publish(rate(SHILLING, i))
        yield* until("the next change", () => node.newest(SHILLING)?.id === rate(SHILLING, i).id)
      }
      yield* call("XADD", "effex:rates", `${epoch}-10`, "colour", "blue")
      yield* call("XADD", "effex:polls", "*", "colour", "blue")
      const before = yield* reads
      yield* Effect.sleep("300 millis")
      assert.isBelow((yield* reads) - before, 20, "it reads the same entry again and again")
      assert.deepStrictEqual(reader.view(), { "USD:NGN": 1, "USD:KES": 3 })
      yield* node.publish(rate(CEDI, 1))
      yield* until("the last change", () => reader.view()["EUR:GHS"] === 1)
      assert.strictEqual(node.snapshot().epoch, epoch)
      assert.isTrue(reader.short().some((event) => event.endsWith("gap since 1")))
    }))

  test("enters an epoch whose beginning it did not see, with the rate that it saw first", ({ call, url }) =>
    Effect.gen(function* () {
      const nodes = [yield* start(url), yield* start(url)] as const
      yield* nodes[0].publish(rate(NAIRA, 1))
      yield* until("the change", () => nodes[0].snapshot().sequence === 1)
      const reader = yield* read(nodes[0])
      const next = String(BigInt(nodes[0].snapshot().epoch) + 5n)
      const [[, fields = []] = []] = (yield* call("XREVRANGE", "effex:rates", "+", "-")) as ReadonlyArray<
        readonly [id: string, fields: ReadonlyArray<string>]
      >
      const later = (fields[1] ?? "").replace("USD", "EUR")
      yield* call("XADD", "effex:rates", `${next}-3`, "rate", later)
      yield* until("the epoch", () => reader.last()?.epoch === next)
      assert.deepStrictEqual(reader.short().slice(1), ["3 gap since 1", "3 all EUR:NGN=1,USD:NGN=1"])
    }))

  test("tells of a gap where what came in the meantime is in the stream no more", ({ call, url }) =>
    Effect.gen(function* () {
      const node = yield* start(url)
      for (let n = 1; n <= 3; n++) yield* node.publish(rate(NAIRA, n))
      yield* until("three changes", () => node.snapshot().sequence === 3)
      const { epoch } = node.snapshot()
      yield* call("XTRIM", "effex:rates", "MINID", `${epoch}-3`)
      const late = yield* start(url)
      yield* untilOne(node, late)
      const since = (sequence: number) => read(late, { since: { epoch, sequence } })
      const [two, one] = [yield* since(2), yield* since(1)]
      yield* until("both", () => two.told().length === 1 && one.told().length === 2)
      assert.deepStrictEqual(two.short(), ["3 USD:NGN=3"])
      assert.deepStrictEqual(one.short(), ["3 gap since 1", "3 all USD:NGN=3"])
    }))

  test("keeps the last changes in Redis, and not many more", ({ call, url }) =>
    Effect.gen(function* () {
      const node = yield* start(url)
      const rates = Array.from({ length: HISTORY * 2 }, (_, i) => rate(NAIRA, i + 1))
      yield* Effect.forEach(rates, node.publish, { discard: true })
      const kept = Number(yield* call("XLEN", "effex:rates"))
      assert.isAtLeast(kept, HISTORY)
      assert.isAtMost(kept, HISTORY + 200)
      assert.strictEqual(Number(yield* call("HLEN", "effex:rates:told")), 1)
    }))
})
