import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { HttpServerRequest } from "effect/http"
import { Socket } from "node:net"
import * as BackPressure from "../../../src/server/stream/BackPressure.ts"

const request = HttpServerRequest.fromWeb(new Request("http://effex/rpc/http"))

describe("BackPressure", () => {
  it.effect("makes 64 calls of a connection at once, and the others in their turn", () =>
    Effect.gen(function* () {
      const end = yield* Deferred.make<void>()
      let [begun, done] = [0, 0]
      const call = Effect.gen(function* () {
        begun++
        yield* Deferred.await(end)
        done++
      })
      const connection = BackPressure.paced(new Socket())(
        Effect.forEach(Array.from({ length: 900 }), () => BackPressure.counted(call), {
          concurrency: "unbounded",
          discard: true
        })
      ).pipe(Effect.provideService(HttpServerRequest.HttpServerRequest, request))
      const one = yield* Effect.forkChild(connection)
      const other = yield* Effect.forkChild(connection)
      for (let i = 0; i < 10; i++) yield* Effect.yieldNow
      assert.strictEqual(begun, 2 * 64)
      // Whoever goes away makes room for nobody else: its calls are its own.
      yield* Fiber.interrupt(other)
      assert.strictEqual(begun, 2 * 64)
      yield* Deferred.succeed(end, undefined)
      yield* Fiber.join(one)
      assert.deepStrictEqual([begun, done], [900 + 64, 900])
    })
  )
})
