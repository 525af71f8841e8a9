import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as PgArray from "../../../src/platform/postgres/PgArray.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

/** Text that PostgreSQL can store. */
const Text = Schema.String.check(Schema.isPattern(/^[^\0\p{Cs}]*$/u))

describe("PgArray.of", () => {
  it("formats values without quotes", () => {
    assert.strictEqual(PgArray.of([]), "{}")
    assert.strictEqual(
      PgArray.of(["USD", "1534.5", null, true, 7, "2026-11-21T03:27:17.086Z"]),
      "{USD,1534.5,NULL,true,7,2026-11-21T03:27:17.086Z}"
    )
  })
})

layer(TestDatabase.layer())("PgArray.ofTexts, read by PostgreSQL", (it) => {
  const read = Effect.fnUntraced(function* (values: ReadonlyArray<string | null>) {
    const { sql } = yield* Database
    const rows = yield* sql<{ value: string | null }>`
      SELECT value FROM unnest(${PgArray.ofTexts(values)}::text[]) WITH ORDINALITY AS item (value, n) ORDER BY n`
    return rows.map(({ value }) => value)
  })

  it.effect("quotes characters with a meaning in arrays", () =>
    Effect.gen(function* () {
      const values = [
        "",
        "NULL",
        "null",
        null,
        "{",
        "}",
        "{}",
        ",",
        '"',
        "\\",
        " a ",
        "a\nb",
        "é",
        "'; --",
        "-"
      ]
      assert.deepStrictEqual(yield* read(values), values)
    })
  )

  it.effect.prop("round-trips any text", { values: Schema.Array(Schema.NullOr(Text)) }, ({ values }) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read(values), values)
    })
  )
})
