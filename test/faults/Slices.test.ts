import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as Integrity from "../support/Integrity.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as Workload from "../support/Workload.ts"

const KEYS = 20
const LATENCY_MILLIS = 100
const PATHS = [
  "/api/v1/rates?from=USD&to=NGN",
  "/api/v1/rates/all",
  "/api/v1/rates/history?from=USD&to=NGN&interval=raw",
  "/api/v1/audit/conversions?page_size=50",
  "/api/v1/audit/verify"
]

describe("A connection to PostgreSQL with latency that delivers single bytes", () => {
  it.live("does not change any response", () =>
    Effect.gen(function* () {
      const { proxy, env, sql, proxiedEnv } = yield* NodeEnvironment.behindProxy({ POLL_INTERVAL: "1 hour" })
      const direct = yield* Effex.serve(env)
      yield* direct.written(/44 refreshed/)
      proxy.slow({ latencyMillis: LATENCY_MILLIS, sliceBytes: 1 })
      const slow = yield* Effex.serve(proxiedEnv)
      const workload = Workload.make("slices")
      const convertAll = (url: string, name: string) =>
        Effect.forEach(
          Array.from({ length: KEYS }, (_, i) => i + 1),
          (i) => Effect.map(workload.convert(url, `${name} ${i}`, i), Option.getOrThrow),
          { concurrency: "unbounded" }
        )
      const numbers = (responses: ReadonlyArray<{ readonly body: string; readonly status: number }>) =>
        responses.map(({ body, status }) => {
          assert.strictEqual(status, 200, body)
          const { audit_id: _id, converted_at: _at, ...rest } = JSON.parse(body)
          return rest
        })
      const directResponses = yield* convertAll(direct.url, "whole")
      const slowResponses = yield* convertAll(slow.url, "sliced")
      assert.deepStrictEqual(numbers(slowResponses), numbers(directResponses))

      // The audit is sealed now, so the responses cannot change between two requests. Each node replays the other's keys.
      const settled = yield* Integrity.check({ workload, url: slow.url, sql, nodes: 2 })
      yield* convertAll(direct.url, "sliced")
      assert.deepStrictEqual(workload.violations, [])
      const now = DateTime.formatIso(yield* DateTime.now)
      for (const path of [...PATHS, `/api/v1/rates/as-of?from=EUR&to=KES&at=${now}&known_at=${now}`]) {
        const [a, b] = [yield* Effex.get(direct.url, path), yield* Effex.get(slow.url, path)]
        assert.strictEqual(a.status, 200, a.body)
        assert.deepStrictEqual([b.status, b.body], [a.status, a.body], path)
      }
      yield* Workload.report(
        `Slices of 1 byte, ${LATENCY_MILLIS} ms each way: ${PATHS.length + 1} responses identical, ${KEYS} conversions with the same numbers; ${Integrity.format(settled)}`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
