import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlError } from "effect/sql"
import { StoreUnavailable } from "../../../src/platform/postgres/StoreUnavailable.ts"
import * as Problems from "../../../src/server/middleware/Problems.ts"

const locked = new SqlError.SqlError({ reason: new SqlError.LockTimeoutError({ cause: new Error("55P03") }) })

const LOOK_FIRST = "retry with the same Idempotency-Key, or without a key look for it first"

describe("Problems of the database", () => {
  const cases = [
    ["a lock", locked, "Another request is changing the same data; retry later"],
    ["an outage", new Error("lost"), "The database is unavailable; retry later"]
  ] as const
  for (const [title, cause, detail] of cases)
    it.effect(`name ${title}`, () =>
      Effect.gen(function* () {
        const { StoreUnavailable: handle } = Problems.storeErrors
        const problem = yield* Effect.flip(handle(new StoreUnavailable({ cause })))
        assert.include(problem, { status: 503, code: "store-unavailable", detail })
      })
    )

  it.effect("say how to find out what became of a movement of money", () =>
    Effect.gen(function* () {
      const { StoreUnavailable: handle } = Problems.unconfirmedErrors
      const details = yield* Effect.forEach([locked, new Error("lost")], (cause) =>
        Effect.map(Effect.flip(handle(new StoreUnavailable({ cause }))), ({ detail }) => detail)
      )
      assert.deepStrictEqual(details, [
        `Another request is changing the same data; ${LOOK_FIRST}`,
        `The database did not confirm the request, so it may have been carried out; ${LOOK_FIRST}`
      ])
    })
  )
})
