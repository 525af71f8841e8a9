import { Effect, Option } from "effect"
import type { Page } from "playwright-core"
import { AssetCatalog } from "../../../src/assets/AssetCatalog.ts"
import { type AdminClient, connectAdmin } from "../../../src/client/promise/ConnectAdmin.ts"
import type { AssetKind } from "../../../src/client/promise/Values.ts"
import { AssetCode } from "../../../src/domain/money/Asset.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import * as RateChanges from "../../support/RateChanges.ts"
import { tick } from "../../support/RateTicks.ts"
import { ScriptedExchange } from "../../support/ScriptedExchange.ts"
import { TestServer } from "../../support/TestServer.ts"
import * as Callers from "../../support/Callers.ts"
import { PASSWORD, run, signUp } from "./WebTest.ts"

/** Lists an asset, which the exchange fills at its price. */
export const list = Effect.fnUntraced(function* (
  code: string,
  kind: Exclude<AssetKind, "currency">,
  price: string
) {
  yield* (yield* AssetCatalog).change({
    definition: {
      code: AssetCode.make(code),
      kind,
      name: code === "BTC" ? "Bitcoin" : code,
      decimals: 8,
      tradable: true,
      minimumOrder: null,
      providerSymbols: {},
      exchangeSymbol: null,
      state: "listed"
    },
    principal: "test",
    expectedVersion: Option.none()
  })
  yield* (yield* RateRepo).insert(yield* tick(code, "USD", price))
  yield* (yield* ScriptedExchange).always({ does: "fill", price })
})

/** Rates and prices that the pages show. */
export const prices = Effect.gen(function* () {
  yield* RateChanges.change("USD:NGN", "1528.0351515")
  yield* RateChanges.change("USD:KES", "128.735")
  yield* RateChanges.change("NGN:USD", "0.00065443")
  yield* RateChanges.change("KES:USD", "0.0077679")
  yield* list("BTC", "crypto", "50000")
  yield* list("AAPL", "stock", "231.02")
})

/** Creates a user, signs the browser of a page in, deposits, and returns a client of the user. */
export const signUpWith = Effect.fnUntraced(function* (
  page: Page,
  username: string,
  deposits: Readonly<Record<string, string>>
) {
  yield* signUp(page, username)
  return yield* depositAs(username, deposits)
})

/** Signs a client in as a user, and deposits. The end of the scope closes it. */
export const depositAs = Effect.fnUntraced(function* (
  username: string,
  deposits: Readonly<Record<string, string>> = {}
) {
  const { url } = yield* TestServer
  const client = yield* Effect.acquireRelease(
    Effect.sync((): AdminClient => connectAdmin(url)),
    (client) => Effect.promise(() => client.close())
  )
  yield* run(() => client.accounts.login({ username, password: PASSWORD }))
  for (const [asset, amount] of Object.entries(deposits))
    yield* run(() => client.funding.deposit({ asset, amount }))
  return client
})

/** A client with a key of an administrator. */
export const administrator = Effect.gen(function* () {
  const { url } = yield* TestServer
  const { authorization } = yield* Callers.withScopes("admin")
  return connectAdmin(url, { apiKey: (authorization ?? "").replace("Bearer ", "") })
})
