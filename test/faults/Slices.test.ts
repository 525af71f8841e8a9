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

describe("PostgreSQL whose every byte comes alone and late", () => {
  it.live("changes nothing of what is answered", () =>
    Effect.gen(function* () {
      const { door, env, sql, through } = yield* NodeEnvironment.behindDoor({ POLL_INTERVAL: "1 hour" })
      const near = yield* Effex.serve(env)
      yield* near.written(/44 refreshed/)
      door.slow({ latencyMillis: LATENCY_MILLIS, sliceBytes: 1 })
      const far = yield* Effex.serve(through)
      const workload = Workload.make("slices")
      const convertAll = (url: string, name: string) =>
        Effect.forEach(
          Array.from({ length: KEYS }, (_, i) => i + 1),
          (i) => Effect.map(workload.convert(url, `${name} ${i}`, i), Option.getOrThrow),
          { concurrency: "unbounded" }
        )
      const numbers = (answers: ReadonlyArray<{ readonly body: string; readonly status: number }>) =>
        answers.map(({ body, status }) => {
          assert.strictEqual(status, 200, body)
          const { audit_id: _id, converted_at: _at, ...rest } = JSON.parse(body)
          return rest
        })
      const whole = yield* convertAll(near.url, "whole")
      const sliced = yield* convertAll(far.url, "sliced")
      assert.deepStrictEqual(numbers(sliced), numbers(whole))

      // Sealed, so that nothing changes between two looks. Each is asked for what the other has done.
      const settled = yield* Integrity.check({ workload, url: far.url, sql, nodes: 2 })
      yield* convertAll(near.url, "sliced")
      assert.deepStrictEqual(workload.violations, [])
      const now = DateTime.formatIso(yield* DateTime.now)
      for (const path of [...PATHS, `/api/v1/rates/as-of?from=EUR&to=KES&at=${now}&known_at=${now}`]) {
        const [a, b] = [yield* Effex.get(near.url, path), yield* Effex.get(far.url, path)]
        assert.strictEqual(a.status, 200, a.body)
        assert.deepStrictEqual([b.status, b.body], [a.status, a.body], path)
      }
      yield* Workload.report(
        `Slices of 1 byte, ${LATENCY_MILLIS} ms each way: ${PATHS.length + 1} answers identical, ${KEYS} conversions with the same numbers; ${Integrity.inWords(settled)}`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
