import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { RequestPriority } from "../../src/providers/RequestPriority.ts"
import * as RequestSpacing from "../../src/providers/RequestSpacing.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Records the name and the start time of each request. */
const watched = Effect.fnUntraced(function* (gap: Duration.Input) {
  const spacing = yield* RequestSpacing.make(Duration.fromInputUnsafe(gap))
  const starts: Array<readonly [name: string, at: number]> = []
  const start = (name: string) =>
    spacing.await.pipe(
      Effect.andThen(Clock.currentTimeMillis),
      Effect.map((now) => starts.push([name, now]))
    )
  /** Starts requests now, in this order. */
  const request = (...names: ReadonlyArray<string>) =>
    Effect.forEach(names, (name) => Effect.forkChild(start(name), { startImmediately: true }))
  /** Starts requests of low priority now, in this order. */
  const requestLow = (...names: ReadonlyArray<string>) =>
    Effect.provideService(request(...names), RequestPriority, "low")
  return { starts, request, requestLow, pause: spacing.pause }
})

describe("RequestSpacing", () => {
  it.effect("spaces requests in order of arrival", () =>
    Effect.gen(function* () {
      const { request, starts } = yield* watched("500 millis")
      yield* request("a", "b", "c")
      yield* TestClock.adjust("700 millis")
      yield* request("d")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [
        ["a", 0],
        ["b", 500],
        ["c", 1000],
        ["d", 1500]
      ])
    })
  )

  it.effect("starts a request at once after an idle time, without accumulating permits", () =>
    Effect.gen(function* () {
      const { request, starts } = yield* watched("500 millis")
      yield* TestClock.adjust("1 hour")
      yield* request("a", "b")
      yield* TestClock.adjust("10 seconds")
      yield* request("c")
      assert.deepStrictEqual(starts, [
        ["a", 3_600_000],
        ["b", 3_600_500],
        ["c", 3_610_000]
      ])
    })
  )

  it.effect("does not delay requests without spacing", () =>
    Effect.gen(function* () {
      const { request, starts } = yield* watched("0 millis")
      const names = Array.from({ length: 100 }, (_, index) => String(index))
      yield* Effect.flatMap(request(...names), Fiber.joinAll)
      assert.deepStrictEqual(
        starts,
        names.map((name) => [name, 0] as const)
      )
    })
  )

  it.effect("delays all requests during a pause, including waiting ones", () =>
    Effect.gen(function* () {
      const { request, pause, starts } = yield* watched("500 millis")
      yield* request("a", "b", "c")
      yield* TestClock.adjust("200 millis")
      yield* pause(Duration.seconds(10))
      yield* request("d")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [
        ["a", 0],
        ["b", 10_200],
        ["c", 10_700],
        ["d", 11_200]
      ])
    })
  )

  it.effect("delays all requests during a pause without spacing", () =>
    Effect.gen(function* () {
      const { request, pause, starts } = yield* watched("0 millis")
      yield* pause(Duration.seconds(1))
      yield* request("a", "b")
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(starts, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(starts, [
        ["a", 1000],
        ["b", 1000]
      ])
    })
  )

  it.effect("applies the longest of several pauses", () =>
    Effect.gen(function* () {
      const { request, pause, starts } = yield* watched("500 millis")
      yield* pause(Duration.seconds(10))
      yield* pause(Duration.seconds(1))
      yield* pause(Duration.zero)
      yield* request("a")
      yield* TestClock.adjust("5 seconds")
      yield* pause(Duration.seconds(2))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [["a", 10_000]])
    })
  )

  it.effect("gives the slot of an interrupted request to the next", () =>
    Effect.gen(function* () {
      const { request, starts } = yield* watched("500 millis")
      const [, b, c] = yield* request("a", "b", "c", "d")
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interruptAll([b ?? assert.fail(), c ?? assert.fail()])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [
        ["a", 0],
        ["d", 500]
      ])
    })
  )

  it.effect("ignores a wall clock that is set back", () =>
    Effect.gen(function* () {
      const { request, starts } = yield* watched("500 millis")
      yield* TestClock.adjust("1 hour")
      yield* request("a")
      yield* TestClock.setTime(0)
      yield* request("b")
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(starts, [
        ["a", 3_600_000],
        ["b", 500]
      ])
    })
  )

  it.effect.prop(
    "keeps the spacing and the pauses for any sequence of events",
    [int(0, 50), Schema.Array(Schema.Tuple([Schema.Literals(["request", "pause"]), int(0, 200)]))],
    ([gap, events]) =>
      Effect.gen(function* () {
        const { request, pause, starts } = yield* watched(Duration.millis(gap))
        const pauses: Array<readonly [from: number, until: number]> = []
        for (const [event, millis] of events) {
          const now = yield* Clock.currentTimeMillis
          if (event === "request") yield* request(String(millis))
          else {
            yield* pause(Duration.millis(millis))
            pauses.push([now, now + millis])
          }
          yield* TestClock.adjust(Duration.millis(millis % 7))
        }
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(starts.length, events.filter(([event]) => event === "request").length)
        for (const [index, [, at]] of starts.entries()) {
          assert.isTrue(index === 0 || at - (starts[index - 1]?.[1] ?? at) >= gap)
          // A request at the exact time of a pause can precede it.
          assert.isFalse(pauses.some(([from, until]) => at > from && at < until))
        }
      }),
    { arbitrary: { runs: 200 } }
  )
})

describe("RequestSpacing with priorities", () => {
  it.effect("starts requests of low priority after all others, also after those that arrive later", () =>
    Effect.gen(function* () {
      const { request, requestLow, starts } = yield* watched("500 millis")
      yield* requestLow("low 1", "low 2", "low 3")
      yield* request("a")
      yield* TestClock.adjust("100 millis")
      yield* request("b", "c")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [
        ["low 1", 0],
        ["a", 500],
        ["b", 1000],
        ["c", 1500],
        ["low 2", 2000],
        ["low 3", 2500]
      ])
    })
  )

  it.effect("continues with requests of low priority when a waiting request is interrupted", () =>
    Effect.gen(function* () {
      const { pause, request, requestLow, starts } = yield* watched("500 millis")
      yield* pause(Duration.seconds(10))
      const fibers = yield* request("a")
      yield* requestLow("low")
      yield* Fiber.interruptAll(fibers)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(starts, [["low", 10_000]])
    })
  )
})
