import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import type { Scope } from "effect"
import { CEDI, NAIRA, poll, rate, SHILLING } from "../../support/SampleRates.ts"
import * as TcpProxy from "../../support/TcpProxy.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import { read, start, until, untilOne } from "./StreamNodes.ts"

/** They wait for long, so that they run at once, each in a database of its own. */
const FIRST_DATABASE = 9
const STREAM = "effex:rates"
const TOLD = "effex:rates:told"

const setUp = Effect.fnUntraced(function* (database: number) {
  const redis = yield* TestRedis.database(database)
  const door = yield* TcpProxy.open(redis.target)
  return { ...redis, door, behindDoor: redis.urlAt(door.port) }
})

let database = FIRST_DATABASE
const test = (
  name: string,
  body: (redis: Effect.Success<ReturnType<typeof setUp>>) => Effect.Effect<void, unknown, Scope.Scope>
) => {
  const own = database++
  it.live(name, () => Effect.scoped(Effect.flatMap(setUp(own), body)))
}

const knows = (reader: { view: () => object }, expected: object) => () =>
  JSON.stringify(Object.entries(reader.view()).toSorted()) ===
  JSON.stringify(Object.entries(expected).toSorted())

describe.skipIf(!TestRedis.isAvailable)("Broadcaster over a Redis that fails", { concurrent: true }, () => {
  for (const failure of ["reset", "blackhole"] as const) {
    test(`tells its own readers after a ${failure}, and the others once it is over`, (redis) =>
      Effect.gen(function* () {
        const [near, far] = [yield* start(redis.url), yield* start(redis.behindDoor)]
        const [nearReader, farReader] = [yield* read(near), yield* read(far)]
        yield* far.publish(rate(NAIRA, 1))
        yield* until(
          "the change, everywhere",
          () => nearReader.last() !== undefined && far.newest(NAIRA) !== undefined
        )
        yield* untilOne(near, far)
        const { epoch } = near.snapshot()

        redis.door[failure]()
        const [waited] = yield* Effect.timed(far.publish(rate(NAIRA, 2)))
        assert.isBelow(Duration.toMillis(waited), 1000)
        yield* until("the local reader", knows(farReader, { "USD:NGN": 2 }), 1000)
        yield* far.publish(rate(NAIRA, 3))
        yield* far.publishPoll(poll(9))
        yield* until("the local poll", () => farReader.last()?._tag === "PollFinished", 1000)
        assert.notStrictEqual(far.snapshot().epoch, epoch)
        yield* near.publish(rate(SHILLING, 4))
        yield* until("the other reader", knows(nearReader, { "USD:NGN": 1, "USD:KES": 4 }))

        redis.door.heal()
        for (const reader of [nearReader, farReader]) {
          yield* until("everything", knows(reader, { "USD:NGN": 3, "USD:KES": 4 }), 8000)
        }
        yield* untilOne(near, far)
        assert.strictEqual(far.snapshot().epoch, epoch)
        assert.isFalse(nearReader.short().some((event) => event.includes("gap")))
        yield* far.publish(rate(CEDI, 5))
        yield* until(
          "the next change",
          () => nearReader.view()["EUR:GHS"] === 5 && farReader.view()["EUR:GHS"] === 5
        )
      }))
  }

  test("catches up without a gap where it published nothing in the meantime", (redis) =>
    Effect.gen(function* () {
      const [near, far] = [yield* start(redis.url), yield* start(redis.behindDoor)]
      const reader = yield* read(far)
      yield* near.publish(rate(NAIRA, 1))
      yield* until("the first change", () => reader.view()["USD:NGN"] === 1)
      redis.door.reset()
      yield* near.publish(rate(NAIRA, 2))
      yield* near.publish(rate(SHILLING, 3))
      yield* near.publishPoll(poll(7))
      yield* Effect.sleep("700 millis")
      redis.door.heal()
      yield* until("the poll, of which it was told late", () => reader.last()?._tag === "PollFinished")
      assert.deepStrictEqual(reader.short(), [
        "0 all ",
        "1 USD:NGN=1",
        "2 USD:NGN=2",
        "3 USD:KES=3",
        "3 poll 0007"
      ])
    }))

  test("learns what the stream has no more, after a gap", (redis) =>
    Effect.gen(function* () {
      const [near, far] = [yield* start(redis.url), yield* start(redis.behindDoor)]
      const reader = yield* read(far)
      redis.door.reset()
      yield* near.publish(rate(NAIRA, 1))
      yield* near.publish(rate(SHILLING, 2))
      yield* near.publish(rate(SHILLING, 3))
      yield* redis.call("XTRIM", STREAM, "MINID", `${near.snapshot().epoch}-3`)
      redis.door.heal()
      yield* until("everything", knows(reader, { "USD:NGN": 1, "USD:KES": 3 }))
      assert.deepStrictEqual(reader.short(), ["0 all ", "3 gap since 0", "3 all USD:KES=3,USD:NGN=1"])
    }))

  test("begins without Redis, and joins the others once there is one", (redis) =>
    Effect.gen(function* () {
      redis.door.reset()
      const [near, far] = [yield* start(redis.url), yield* start(redis.behindDoor)]
      const reader = yield* read(far)
      yield* far.publish(rate(NAIRA, 1))
      yield* near.publish(rate(SHILLING, 2))
      yield* until("the local change", () => reader.view()["USD:NGN"] === 1, 1000)
      redis.door.heal()
      yield* until("everything", knows(reader, { "USD:NGN": 1, "USD:KES": 2 }), 8000)
      yield* untilOne(near, far)
    }))

  for (const isCut of [false, true]) {
    test(`gives no number twice after Redis lost its last entries, ${isCut ? "out of" : "in"} its reach`, (redis) =>
      Effect.gen(function* () {
        const node = yield* start(redis.behindDoor)
        const reader = yield* read(node)
        yield* node.publish(rate(NAIRA, 1))
        const saved = yield* redis.save(STREAM, TOLD)
        yield* node.publish(rate(SHILLING, 2))
        yield* node.publish(rate(NAIRA, 3))
        yield* until("three changes", () => reader.last()?.sequence === 3)
        const { epoch } = node.snapshot()
        if (isCut) {
          redis.door.reset()
          yield* node.publish(rate(CEDI, 4))
        }
        yield* redis.restore(saved)
        redis.door.heal()
        yield* until("another epoch", () => ![epoch, undefined].includes(reader.last()?.epoch), 8000)
        yield* node.publish(rate(CEDI, 4))
        yield* until("everything", knows(reader, { "USD:NGN": 3, "USD:KES": 2, "EUR:GHS": 4 }), 8000)
        yield* until("one epoch", () => /^\d+$/.test(node.snapshot().epoch), 8000)
        assert.notStrictEqual(node.snapshot().epoch, epoch)
        const returned = yield* read(node, { since: { epoch, sequence: 3 } })
        yield* until("a snapshot", () => returned.told().length === 2)
        assert.include(returned.short()[0], "gap since 3")
      }))
  }
})
