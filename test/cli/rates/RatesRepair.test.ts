import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { Reactivity } from "effect/reactivity"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import { storeInFuture } from "../../support/FutureRates.ts"
import { tick } from "../../support/RateTicks.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestSettings from "../../support/TestSettings.ts"

describe("effex rates repair", () => {
  it.live("prints which latest rates are from the future, and replaces them with --apply", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.create
      const env = { DATABASE_URL: url, LOG_LEVEL: "none" }
      const repair = (...args: ReadonlyArray<string>) => EffexCommand.exec(["rates", "repair", ...args], env)
      const nothing = yield* repair()
      assert.deepStrictEqual(
        [nothing.code, nothing.stdout],
        [0, "No rate is from the future; there is nothing to repair\n"]
      )

      const services = RateRepo.layer.pipe(
        Layer.provideMerge(Database.layer),
        Layer.provide([TestSettings.layer(env), SecureRandom.layerWebCrypto])
      )
      const { dollar, euro, good, replaced } = yield* Effect.gen(function* () {
        const repo = yield* RateRepo
        const observedAt = DateTime.formatIso(DateTime.subtract(yield* DateTime.now, { minutes: 5 }))
        const good = yield* repo.insert(yield* tick("USD", "NGN", "1500", observedAt))
        const replaced = yield* storeInFuture("USD", "NGN", "1501")
        const dollar = yield* storeInFuture("USD", "NGN", "1502")
        const euro = yield* storeInFuture("EUR", "KES", "150")
        return { good, replaced, dollar, euro }
      }).pipe(Effect.provide(services))

      const planned = yield* repair("--json")
      assert.deepInclude(planned.json, { applied: false, withdrawn: 3 })
      const shown = yield* repair()
      assert.match(shown.stdout, /^EUR:KES {2}150 of \S+ → no rate\nUSD:NGN {2}1502 of \S+ → 1500 of \S+\n/)
      assert.include(shown.stdout, "Run it again with --apply")

      const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
      const latest = sql<{ rate_id: string }>`SELECT rate_id FROM latest_rate ORDER BY source_currency`
      assert.deepStrictEqual(
        (yield* latest).map(({ rate_id }) => rate_id),
        [euro, dollar]
      )
      const applied = yield* repair("--apply", "--json")
      assert.deepStrictEqual(applied.json, { ...planned.json, applied: true })
      assert.deepStrictEqual(yield* latest, [{ rate_id: good.id }])
      const withdrawn = yield* sql<{ rate_id: string }>`SELECT rate_id FROM withdrawn_rate`
      assert.sameMembers(
        withdrawn.map(({ rate_id }) => rate_id),
        [dollar, euro, replaced]
      )
      assert.include((yield* repair("--apply")).stdout, "there is nothing to repair")
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
