import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { Reactivity } from "effect/reactivity"
import * as ApiRequests from "../support/ApiRequests.ts"
import * as Effex from "../support/Effex.ts"
import * as Integrity from "../support/Integrity.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as Workload from "../support/Workload.ts"

const KEYS = 20
const ROUNDS = 3
/** Occurs only in the parameters of the statement that commits conversions: its PostgreSQL array of routes. */
const COMMIT_MARKER = '"POST /api/v1/convert"'

describe("A commit whose confirmation is lost", () => {
  it.live("returns the first response when the key is retried", () =>
    Effect.gen(function* () {
      const { proxy, sql, proxiedEnv } = yield* NodeEnvironment.behindProxy()
      const server = yield* Effex.serve(proxiedEnv)
      yield* server.written(/44 refreshed/)
      const workload = Workload.make("commit")
      const convertAll = (round: number) =>
        Effect.forEach(
          Array.from({ length: KEYS }, (_, i) => i + 1),
          (i) => workload.convert(server.url, `round ${round}, ${i}`, i),
          { concurrency: "unbounded" }
        )
      yield* convertAll(0)
      let lostConfirmations = 0
      for (let round = 1; round <= ROUNDS; round++) {
        proxy.mute(COMMIT_MARKER)
        const responses = yield* convertAll(round)
        for (const response of responses) {
          assert.deepStrictEqual(
            Option.map(response, ({ status }) => status),
            Option.some(503)
          )
        }
        const committed = yield* sql<{ id: string; key: string; amount: number }>`
          SELECT (answer::jsonb ->> 'audit_id') AS id, key, (answer::jsonb ->> 'input_amount')::float8 AS amount
          FROM idempotency WHERE key LIKE ${`round ${round}, %`}`
        assert.isAtLeast(committed.length, 1)
        lostConfirmations += committed.length
        proxy.heal()
        for (const { amount, id, key } of committed) {
          const retried = yield* workload
            .convert(server.url, key, amount)
            .pipe(
              Effect.map(Option.getOrThrow),
              Effect.repeat({ until: ({ status }) => status === 200 }),
              Effect.timeout("1 minute")
            )
          assert.isTrue(retried.replayed)
          assert.strictEqual(ApiRequests.auditIdOf(retried), id)
        }
      }
      const settled = yield* Integrity.check({ workload, url: server.url, sql })
      yield* Workload.report(
        `The confirmations of ${lostConfirmations} commits lost: each retry returned the first result; ${Integrity.format(settled)}`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
