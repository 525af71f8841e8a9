import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { HttpServerRequest } from "effect/http"
import { Socket } from "node:net"
import * as RpcBackPressure from "../../../src/server/rpc/RpcBackPressure.ts"

const request = HttpServerRequest.fromWeb(new Request("http://effex/rpc/http"))

describe("RpcBackPressure", () => {
  it.effect("runs 64 calls of each connection at a time, and queues the others", () =>
    Effect.gen(function* () {
      const finish = yield* Deferred.make<void>()
      let [started, finished] = [0, 0]
      const call = Effect.gen(function* () {
        started++
        yield* Deferred.await(finish)
        finished++
      })
      const connection = RpcBackPressure.limitConnection(new Socket())(
        Effect.forEach(Array.from({ length: 900 }), () => RpcBackPressure.withPermit(call), {
          concurrency: "unbounded",
          discard: true
        })
      ).pipe(Effect.provideService(HttpServerRequest.HttpServerRequest, request))
      const first = yield* Effect.forkChild(connection)
      const second = yield* Effect.forkChild(connection)
      for (let i = 0; i < 10; i++) yield* Effect.yieldNow
      assert.strictEqual(started, 2 * 64)
      // A closed connection gives no permits to another one.
      yield* Fiber.interrupt(second)
      assert.strictEqual(started, 2 * 64)
      yield* Deferred.succeed(finish, undefined)
      yield* Fiber.join(first)
      assert.deepStrictEqual([started, finished], [900 + 64, 900])
    })
  )
})
