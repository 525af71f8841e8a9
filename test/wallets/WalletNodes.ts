import { BigDecimal, type Context, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import * as App from "../../src/App.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { pairOf, tick } from "../support/RateTicks.ts"
import * as TestAccounts from "../support/TestAccounts.ts"
import * as TestConversions from "../support/TestConversions.ts"
import { TestProvider } from "../support/TestProvider.ts"
import * as TestSettings from "../support/TestSettings.ts"
import { houseAccount } from "../../src/wallets/Wallets.ts"
import { Rates } from "../../src/rates/lookup/Rates.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import {
  type Change,
  CODES,
  HOUSE_ROLES,
  MARGIN,
  MINOR_UNITS,
  rateOf,
  type WalletModel
} from "./WalletModel.ts"
import * as WalletOperations from "./WalletOperations.ts"

/** Limits of the risk rules that the workload does not reach. */
const RISK_LIMITS = Object.fromEntries(
  ["HOUR", "DAY", "ASSET_HOUR", "ASSET_DAY"].flatMap((period) => [
    [`RISK_${period}_COUNT`, "999999"],
    [`RISK_${period}_VALUE`, "999999999999"]
  ])
)

/** The application on a database, with a provider that quotes the rates of the model. */
export const start = Effect.fnUntraced(function* (
  url: string,
  database: typeof Database.layer = Database.layer
) {
  const app = App.users.pipe(
    Layer.provide(TestAccounts.cheapHashes),
    Layer.provideMerge(TestConversions.features),
    Layer.provideMerge(App.assets),
    Layer.provideMerge(database),
    Layer.provideMerge(
      TestSettings.layer({
        DATABASE_URL: url,
        AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY,
        JWT_SIGNING_KEY: TestConversions.SIGNING_KEY,
        CONVERSION_MARGIN: MARGIN,
        ...RISK_LIMITS
      })
    ),
    Layer.provideMerge(SecureRandom.layerWebCrypto)
  )
  const context = yield* Layer.build(Layer.fresh(app))
  const provider = yield* Effect.provideContext(TestProvider, context)
  yield* provider.respondWith(({ from, to }) => tick(from, to, rateOf(from, to)))
  return context
})

export type Node = Effect.Success<ReturnType<typeof start>>
type Services = Node extends Context.Context<infer R> ? R : never

/** Runs an effect on a node. */
export const on = <A, E>(node: Node, effect: Effect.Effect<A, E, Services>) =>
  Effect.provideContext(effect, node)

/** Looks every rate of the model up, so that later requests find fresh ones in memory. */
export const readRates = Effect.gen(function* () {
  const { lookup } = yield* Rates
  for (const from of CODES) for (const to of CODES) if (from !== to) yield* lookup(pairOf(from, to), {})
})

/** Balances of the accounts of the house, in minor units. */
export const houseBalances = Effect.gen(function* () {
  const { accountOf } = yield* Ledger
  const found: Array<Change> = []
  for (const owner of HOUSE_ROLES)
    for (const code of CODES) {
      const account = yield* accountOf(houseAccount(owner, AssetCode.make(code)))
      if (Option.isSome(account))
        found.push({ owner, code, amount: BigDecimal.scale(account.value.balance, MINOR_UNITS[code]).value })
    }
  return found
})

/** Accounts whose balance or held amount is not that of the model. */
export const differencesOf = Effect.fnUntraced(function* (
  model: WalletModel,
  users: ReadonlyArray<NamedWallet>
) {
  const { accountOf } = yield* Ledger
  const differences: Array<string> = []
  for (const { balance, code, held, owner } of model.state) {
    const stored = Option.getOrNull(yield* accountOf(WalletOperations.nameOf(users, { owner, code })))
    const amounts = [balance, held].map((amount) => WalletOperations.toDecimal(amount, code))
    // An account is opened with its first entry or hold.
    const actual = [stored?.balance, stored?.held].map((amount) => amount ?? BigDecimal.make(0n, 0))
    if (!amounts.every((amount, i) => BigDecimal.equals(amount, actual[i] ?? amount)))
      differences.push(
        `${owner} ${code}: ${actual.join(" and held ")}; the model has ${amounts.join(" and held ")}`
      )
  }
  return differences
})

/** Conversions of which the audit or the ledger has nothing. */
export const unpairedConversions = Effect.flatMap(
  Database,
  ({ sql }) => sql`
    SELECT record.id AS record, transfer.id AS transfer FROM conversion_audit AS record
    FULL JOIN (SELECT id FROM ledger_transfer WHERE kind = 'conversion') AS transfer ON transfer.id = record.id
    WHERE record.id IS NULL OR transfer.id IS NULL`
)
