import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as RequestSpacing from "../../src/providers/RequestSpacing.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Turns that note when they came, and whose they were. */
const watched = Effect.fnUntraced(function* (gap: Duration.Input) {
  const spacing = yield* RequestSpacing.make(Duration.fromInputUnsafe(gap))
  const starts: Array<readonly [name: string, at: number]> = []
  const turn = (name: string) =>
    spacing.turn.pipe(
      Effect.andThen(Clock.currentTimeMillis),
      Effect.map((now) => starts.push([name, now]))
    )
  /** Turns that are asked for at this moment, in this order. */
  const ask = (...names: ReadonlyArray<string>) =>
    Effect.forEach(names, (name) => Effect.forkChild(turn(name), { startImmediately: true }))
  return { starts, ask, pause: spacing.pause }
})

describe("Spacing", () => {
  it.effect("starts requests apart, in the order in which they came", () =>
    Effect.gen(function* () {
      const { ask, starts } = yield* watched("500 millis")
      yield* ask("a", "b", "c")
      yield* TestClock.adjust("700 millis")
      yield* ask("d")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [
        ["a", 0],
        ["b", 500],
        ["c", 1000],
        ["d", 1500]
      ])
    })
  )

  it.effect("lets a request start at once after a rest, and saves up no turns", () =>
    Effect.gen(function* () {
      const { ask, starts } = yield* watched("500 millis")
      yield* TestClock.adjust("1 hour")
      yield* ask("a", "b")
      yield* TestClock.adjust("10 seconds")
      yield* ask("c")
      assert.deepStrictEqual(starts, [
        ["a", 3_600_000],
        ["b", 3_600_500],
        ["c", 3_610_000]
      ])
    })
  )

  it.effect("holds nothing back without spacing", () =>
    Effect.gen(function* () {
      const { ask, starts } = yield* watched("0 millis")
      const names = Array.from({ length: 100 }, (_, index) => String(index))
      yield* Effect.flatMap(ask(...names), Fiber.joinAll)
      assert.deepStrictEqual(
        starts,
        names.map((name) => [name, 0] as const)
      )
    })
  )

  it.effect("holds all during a pause, those that were waiting included", () =>
    Effect.gen(function* () {
      const { ask, pause, starts } = yield* watched("500 millis")
      yield* ask("a", "b", "c")
      yield* TestClock.adjust("200 millis")
      yield* pause(Duration.seconds(10))
      yield* ask("d")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [
        ["a", 0],
        ["b", 10_200],
        ["c", 10_700],
        ["d", 11_200]
      ])
    })
  )

  it.effect("holds all during a pause without spacing", () =>
    Effect.gen(function* () {
      const { ask, pause, starts } = yield* watched("0 millis")
      yield* pause(Duration.seconds(1))
      yield* ask("a", "b")
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(starts, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(starts, [
        ["a", 1000],
        ["b", 1000]
      ])
    })
  )

  it.effect("goes by the longest of the pauses", () =>
    Effect.gen(function* () {
      const { ask, pause, starts } = yield* watched("500 millis")
      yield* pause(Duration.seconds(10))
      yield* pause(Duration.seconds(1))
      yield* pause(Duration.zero)
      yield* ask("a")
      yield* TestClock.adjust("5 seconds")
      yield* pause(Duration.seconds(2))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [["a", 10_000]])
    })
  )

  it.effect("gives the turn of who gave up to the next", () =>
    Effect.gen(function* () {
      const { ask, starts } = yield* watched("500 millis")
      const [, b, c] = yield* ask("a", "b", "c", "d")
      yield* TestClock.adjust("100 millis")
      yield* Fiber.interruptAll([b ?? assert.fail(), c ?? assert.fail()])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts, [
        ["a", 0],
        ["d", 500]
      ])
    })
  )

  it.effect("is not held up by a wall clock that is set back", () =>
    Effect.gen(function* () {
      const { ask, starts } = yield* watched("500 millis")
      yield* TestClock.adjust("1 hour")
      yield* ask("a")
      yield* TestClock.setTime(0)
      yield* ask("b")
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(starts, [
        ["a", 3_600_000],
        ["b", 500]
      ])
    })
  )

  it.effect.prop(
    "keeps the gap and the pauses, whatever comes when",
    [int(0, 50), Schema.Array(Schema.Tuple([Schema.Literals(["turn", "pause"]), int(0, 200)]))],
    ([gap, events]) =>
      Effect.gen(function* () {
        const { ask, pause, starts } = yield* watched(Duration.millis(gap))
        const pauses: Array<readonly [from: number, until: number]> = []
        for (const [event, millis] of events) {
          const now = yield* Clock.currentTimeMillis
          if (event === "turn") yield* ask(String(millis))
          else {
            yield* pause(Duration.millis(millis))
            pauses.push([now, now + millis])
          }
          yield* TestClock.adjust(Duration.millis(millis % 7))
        }
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(starts.length, events.filter(([event]) => event === "turn").length)
        for (const [index, [, at]] of starts.entries()) {
          assert.isTrue(index === 0 || at - (starts[index - 1]?.[1] ?? at) >= gap)
          // At the very moment of a pause a turn may have come before it.
          assert.isFalse(pauses.some(([from, until]) => at > from && at < until))
        }
      }),
    { arbitrary: { runs: 200 } }
  )
})
