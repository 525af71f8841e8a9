import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Ledger } from "../../../src/ledger/Ledger.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import * as Postings from "../../support/Postings.ts"
import * as TestSettings from "../../support/TestSettings.ts"

describe("effex ledger", () => {
  it.live("verifies, prints the trial balance, and names an account that was changed", () =>
    Effect.gen(function* () {
      const { env } = yield* Effex.makeSandbox({ LOG_LEVEL: "error" })
      const ledger = (...args: ReadonlyArray<string>) => EffexCommand.exec(["ledger", ...args], env)
      const url = String(env["DATABASE_URL"])
      const services = Ledger.layer.pipe(
        Layer.provideMerge(Database.layer),
        Layer.provide(TestSettings.layer({ DATABASE_URL: url }))
      )
      yield* Effect.gen(function* () {
        const { accounts } = yield* Postings.openFunded("USD", ["12.5"])
        const verified = yield* ledger("verify", "--json")
        assert.deepStrictEqual(verified.json, { ok: true, accounts: 2, entries: 2, transfers: 1 })
        const printed = yield* ledger("trial-balance")
        assert.match(printed.stdout, /USD +funding +1 +-12\.5/)
        const { sql } = yield* Database
        yield* sql.unsafe(`ALTER TABLE ledger_entry DISABLE TRIGGER USER`)
        yield* sql`UPDATE ledger_entry SET amount = 13 WHERE account_id = ${accounts[0]}::bigint`
        const broken = yield* ledger("verify")
        assert.strictEqual(broken.code, 1)
        assert.include(broken.output, `at the account ${accounts[0]}`)
      }).pipe(Effect.provide(services))
    }).pipe(Effect.scoped)
  )
})
