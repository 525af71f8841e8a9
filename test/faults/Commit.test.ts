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
/** Stands among the keys that are committed with conversions, as PostgreSQL's arrays are written, and nowhere else. */
const COMMIT = '"POST /api/v1/convert"'

describe("A commit whose answer is lost on the way", () => {
  it.live("is told as it was the first time, when the same key asks again", () =>
    Effect.gen(function* () {
      const { door, sql, through } = yield* NodeEnvironment.behindDoor()
      const server = yield* Effex.serve(through)
      yield* server.written(/44 refreshed/)
      const workload = Workload.make("commit")
      const convertAll = (round: number) =>
        Effect.forEach(
          Array.from({ length: KEYS }, (_, i) => i + 1),
          (i) => workload.convert(server.url, `round ${round}, ${i}`, i),
          { concurrency: "unbounded" }
        )
      yield* convertAll(0)
      let swallowed = 0
      for (let round = 1; round <= ROUNDS; round++) {
        door.mute(COMMIT)
        const answers = yield* convertAll(round)
        for (const answer of answers) {
          assert.deepStrictEqual(
            Option.map(answer, ({ status }) => status),
            Option.some(503)
          )
        }
        const done = yield* sql<{ id: string; key: string; amount: number }>`
          SELECT (answer::jsonb ->> 'audit_id') AS id, key, (answer::jsonb ->> 'input_amount')::float8 AS amount
          FROM idempotency WHERE key LIKE ${`round ${round}, %`}`
        assert.isAtLeast(done.length, 1)
        swallowed += done.length
        door.heal()
        for (const { amount, id, key } of done) {
          const again = yield* workload
            .convert(server.url, key, amount)
            .pipe(
              Effect.map(Option.getOrThrow),
              Effect.repeat({ until: ({ status }) => status === 200 }),
              Effect.timeout("1 minute")
            )
          assert.isTrue(again.replayed)
          assert.strictEqual(ApiRequests.auditIdOf(again), id)
        }
      }
      const settled = yield* Integrity.check({ workload, url: server.url, sql })
      yield* Workload.report(
        `The answer to ${swallowed} commits swallowed: each retry told the first result; ${Integrity.inWords(settled)}`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
