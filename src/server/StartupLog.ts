import { Effect, Layer, Option } from "effect"
import { UserAdministration } from "../accounts/UserAdministration.ts"
import { Settings } from "../config/Settings.ts"

/**
 * Logs the substitutes that the settings select: sandbox rates, sandbox money, sandbox orders and the embedded PostgreSQL. In a
 * sandbox without users, also logs how to create some.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { databaseUrl, dataDir, exchange, funding, sandbox } = yield* Settings
    if (sandbox) {
      yield* Effect.logWarning(
        "Rates come from the built-in sandbox and are not real; set FLUTTERWAVE_SECRET_KEY for real rates"
      )
    }
    if (funding === "sandbox") {
      yield* Effect.logWarning(
        "Deposits and withdrawals are decided by the built-in sandbox, without any payment; set FUNDING=manual for real money"
      )
    }
    if (exchange === "sandbox") {
      yield* Effect.logWarning(
        "Orders are executed by the built-in sandbox exchange and are not real; set ALPACA_KEY_ID for real orders"
      )
    }
    if (Option.isNone(databaseUrl)) {
      yield* Effect.logInfo(`The embedded PostgreSQL stores its data in ${dataDir}`)
      if (!sandbox) {
        yield* Effect.logWarning(
          "Real rates and conversions are stored in the embedded PostgreSQL of this node; set DATABASE_URL in production"
        )
      }
    }
    if (sandbox && funding === "sandbox" && exchange === "sandbox" && !(yield* hasUsers)) {
      yield* Effect.logInfo(
        "There are no users yet; `npx effex seed` creates sample users with balances, orders and past rates"
      )
    }
  })
)

/** True also if the database does not answer: the hint is not worth a failed start. */
const hasUsers = Effect.gen(function* () {
  const { list } = yield* UserAdministration
  return (yield* list({ prefix: "", after: undefined, limit: 1 })).length > 0
}).pipe(Effect.orElseSucceed(() => true))
