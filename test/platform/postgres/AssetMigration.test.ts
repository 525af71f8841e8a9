import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { tick } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

layer(RateRepo.layer.pipe(Layer.provideMerge(TestDatabase.layer())))("Migration 0020", (it) => {
  it.effect("shows nodes of the previous version only the rates of currencies", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const repo = yield* RateRepo
      for (const [from, to] of [
        ["USD", "NGN"],
        ["NGN", "USD"],
        ["BTC", "USD"],
        ["AAPL", "USD"],
        ["BRK.B", "USD"]
      ] as const)
        yield* repo.insert(yield* tick(from, to, "1.5"))
      // The queries of the previous version for all latest rates, their ids, and the latest rate of a pair.
      const all = yield* sql<{ source: string; destination: string }>`
        SELECT source_currency AS source, destination_currency AS destination FROM exchange_rate
        WHERE id IN (SELECT rate_id FROM rate_in_force) ORDER BY source_currency, destination_currency`
      assert.deepStrictEqual(
        all.map(({ destination, source }) => `${source}:${destination}`),
        ["NGN:USD", "USD:NGN"]
      )
      const ids = yield* sql<{ key: string }>`
        SELECT source_currency || ':' || destination_currency AS key, rate_id FROM rate_in_force
        WHERE rate_id IS NOT NULL ORDER BY key`
      assert.deepStrictEqual(
        ids.map(({ key }) => key),
        ["NGN:USD", "USD:NGN"]
      )
      const [latest] = yield* sql<{ source: string }>`
        SELECT source_currency AS source FROM exchange_rate WHERE id = (
          SELECT rate_id FROM rate_in_force WHERE source_currency = 'USD' AND destination_currency = 'NGN')`
      assert.strictEqual(latest?.source, "USD")
      assert.strictEqual((yield* repo.latestAll).length, 5)
    })
  )

  it.effect("relaxes the checks of codes without reading the existing rows", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const constraints = yield* sql<{ name: string; isValidated: boolean }>`
        SELECT conname AS name, convalidated AS is_validated FROM pg_constraint
        WHERE conrelid IN ('exchange_rate'::regclass, 'quarantined_rate'::regclass) AND conname LIKE '%\_code\_check'
        ORDER BY conname`
      assert.deepStrictEqual(constraints, [
        { name: "exchange_rate_destination_code_check", isValidated: false },
        { name: "exchange_rate_source_code_check", isValidated: false },
        { name: "quarantined_rate_destination_code_check", isValidated: false },
        { name: "quarantined_rate_source_code_check", isValidated: false }
      ])
    })
  )
})
