import { Effect } from "effect"
import * as Settings from "../../config/Settings.ts"
import { SANDBOX_PROVIDER } from "../../domain/rates/Rate.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { commandError } from "../CommandError.ts"

/** Fails unless everything is the sandbox: the settings of this command, and the rates in the database. */
export const check = Effect.gen(function* () {
  const { production, settings } = yield* Settings.inspect
  const refuse = (found: string) =>
    commandError(
      `Sample users have a public password, and are only for a sandbox: ${found}. Use a database of its own, without NODE_ENV=production and without credentials of providers`
    )
  if (production) return yield* refuse("these are settings of production")
  if (!settings.sandbox || settings.funding !== "sandbox" || settings.exchange !== "sandbox")
    return yield* refuse("rates, FUNDING and EXCHANGE are not all those of the sandbox")
  const { execute, sql } = yield* Database
  const [real] = yield* execute(sql<{ provider: string }>`
    SELECT provider FROM latest_rate AS latest JOIN exchange_rate AS rate ON rate.id = latest.rate_id
    WHERE provider <> ${SANDBOX_PROVIDER} LIMIT 1`)
  if (real !== undefined) return yield* refuse(`the database has rates of the provider ${real.provider}`)
})
