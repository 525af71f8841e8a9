import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Layer, Stream } from "effect"
import { HeavyRequestBounds, HeavyRequests } from "../../../../src/server/middleware/limits/HeavyRequests.ts"

const bounds = { concurrency: 1, maxPerAddress: 3, max: 5, maxExportsPerAddress: 2, maxExports: 3 }
const layer = HeavyRequests.layer.pipe(Layer.provide(Layer.succeed(HeavyRequestBounds, bounds)))

/** Starts requests that run until the latch opens. Returns their fibers. */
const start = Effect.fnUntraced(function* (address: string, requests: number, request: Effect.Effect<void>) {
  const { run } = yield* HeavyRequests
  return yield* Effect.forEach(Array.from({ length: requests }), () =>
    Effect.forkChild(run(address)(request), { startImmediately: true })
  )
})

describe("HeavyRequests", () => {
  it.effect("rejects requests of one address with 429 and those of too many addresses with 503", () =>
    Effect.gen(function* () {
      const { run } = yield* HeavyRequests
      const latch = yield* Latch.make()
      const first = yield* start("a", 3, latch.await)
      const ofAddress = yield* Effect.flip(run("a")(Effect.void))
      assert.deepInclude({ ...ofAddress.problem }, { code: "rate-limited", status: 429 })
      const second = yield* start("b", 2, latch.await)
      const ofNode = yield* Effect.flip(run("b")(Effect.void))
      assert.deepInclude({ ...ofNode.problem }, { code: "overloaded", status: 503, retryable: true })
      yield* latch.open
      yield* Fiber.awaitAll([...first, ...second])
      yield* run("a")(Effect.void)
    }).pipe(Effect.provide(layer))
  )

  it.effect("lets addresses take turns", () =>
    Effect.gen(function* () {
      const latch = yield* Latch.make()
      const order: Array<string> = []
      const step = (name: string) =>
        Effect.andThen(
          latch.await,
          Effect.sync(() => order.push(name))
        )
      const fibers = [
        ...(yield* start("a", 3, Effect.asVoid(step("a")))),
        ...(yield* start("b", 1, Effect.asVoid(step("b"))))
      ]
      yield* latch.open
      yield* Fiber.awaitAll(fibers)
      assert.deepStrictEqual(order.indexOf("b") < 3, true, order.join())
    }).pipe(Effect.provide(layer))
  )

  it.effect("counts a request that is interrupted while it waits no longer", () =>
    Effect.gen(function* () {
      const { run } = yield* HeavyRequests
      const latch = yield* Latch.make()
      const fibers = yield* start("a", 3, latch.await)
      yield* Effect.forEach(fibers.slice(1), Fiber.interrupt)
      const next = yield* start("a", 2, Effect.void)
      yield* latch.open
      yield* Fiber.awaitAll([...fibers, ...next])
      yield* run("a")(Effect.void)
    }).pipe(Effect.provide(layer))
  )

  it.effect("counts an export until its scope ends", () =>
    Effect.gen(function* () {
      const { openExport } = yield* HeavyRequests
      yield* Effect.gen(function* () {
        yield* openExport("a")
        yield* openExport("a")
        assert.strictEqual((yield* Effect.flip(openExport("a"))).problem.code, "rate-limited")
        yield* openExport("b")
        assert.strictEqual((yield* Effect.flip(openExport("c"))).problem.code, "overloaded")
      }).pipe(Effect.scoped)
      yield* Effect.scoped(openExport("c"))
    }).pipe(Effect.provide(layer))
  )

  it.live("computes the pages of exports one at a time, and lets others run between two pages", () =>
    Effect.gen(function* () {
      const { pace } = yield* HeavyRequests
      let running = 0
      let pages = 0
      let othersRan = 0
      const page = Effect.gen(function* () {
        assert.strictEqual(++running, 1)
        yield* Effect.yieldNow
        pages++
        running--
      })
      const exported = pace(Stream.take(Stream.fromEffectRepeat(page), 10))
      yield* Effect.sync(() => {
        const tick = () => {
          othersRan++
          if (pages < 20) setImmediate(tick)
        }
        setImmediate(tick)
      })
      yield* Effect.all([Stream.runDrain(exported), Stream.runDrain(exported)], { concurrency: 2 })
      assert.strictEqual(pages, 20)
      assert.isAtLeast(othersRan, 19)
    }).pipe(Effect.provide(layer))
  )
})
