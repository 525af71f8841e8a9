import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

describe("migrations", () => {
  layer(TestDatabase.layer())((it) => {
    it.effect("check new columns of quotes without reading the existing ones", () =>
      Effect.gen(function* () {
        const { sql } = yield* Database
        const constraints = yield* sql<{ name: string; isValidated: boolean }>`
          SELECT conname AS name, convalidated AS is_validated FROM pg_constraint
          WHERE conrelid = 'quote'::regclass AND conname IN ('quote_decimals_check', 'quote_owner_check')
          ORDER BY conname`
        assert.deepStrictEqual(constraints, [
          { name: "quote_decimals_check", isValidated: false },
          { name: "quote_owner_check", isValidated: false }
        ])
      })
    )
  })
})
