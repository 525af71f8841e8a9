import { BigDecimal, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { AdminActions } from "../../src/accounts/AdminActions.ts"
import { Registration } from "../../src/accounts/Registration.ts"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import { AttemptLimits } from "../../src/accounts/login/AttemptLimits.ts"
import { SecondFactor } from "../../src/accounts/mfa/SecondFactor.ts"
import { SecurityEvents } from "../../src/accounts/SecurityEvents.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import type { AssetAmount } from "../../src/domain/wallets/Wallet.ts"
import { AccountStatements } from "../../src/wallets/AccountStatements.ts"
import { Reviews } from "../../src/risk/Reviews.ts"
import { RiskFacts } from "../../src/risk/RiskFacts.ts"
import { Statement } from "../../src/wallets/Statement.ts"
import { Transfers } from "../../src/wallets/Transfers.ts"
import { type NamedWallet, WalletRepo } from "../../src/wallets/WalletRepo.ts"
import { houseAccount, layerNewUserSetup, walletAccount, Wallets } from "../../src/wallets/Wallets.ts"
import * as TestAccounts from "./TestAccounts.ts"
import * as TestConversions from "./TestConversions.ts"
import * as TestDatabase from "./TestDatabase.ts"

const hooks = Layer.mergeAll(
  AttemptLimits.layerNone,
  SecondFactor.layerNone,
  SecurityEvents.layer,
  layerNewUserSetup
).pipe(Layer.provide(WalletRepo.layer))

/** One node's wallets on a ledger. Requires a database. */
export const nodeOn = <E, R>(ledger: Layer.Layer<Ledger | RiskFacts, E, R>) =>
  Layer.mergeAll(Transfers.layer, Statement.layer, AccountStatements.layer).pipe(
    Layer.provideMerge(Wallets.layer),
    Layer.provideMerge(Reviews.layer),
    Layer.provideMerge(ledger),
    Layer.provideMerge(Layer.mergeAll(AssetCatalog.layer, AdminActions.layer)),
    Layer.provideMerge(TestAccounts.node),
    Layer.provideMerge(hooks)
  )

/** One node's wallets, without rules. Requires a database. */
export const node = nodeOn(Layer.mergeAll(Ledger.layer, RiskFacts.layerNone))

/** Wallets in a new database. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  node.pipe(Layer.provideMerge(TestDatabase.layer({ JWT_SIGNING_KEY: TestConversions.SIGNING_KEY, ...env })))

/** An amount of an asset of the catalogue. */
export const money = (amount: string, code: string) =>
  Effect.map(AssetCatalog, ({ find }): AssetAmount => ({
    amount: Option.getOrThrow(Decimal.parse(amount)),
    asset: Option.getOrThrow(find(code))
  }))

/** Registers a user with these balances. */
export const user = Effect.fnUntraced(function* (
  username: string,
  balances: Readonly<Record<string, string>> = {}
) {
  const { user } = yield* (yield* Registration).register(TestAccounts.account(username), TestAccounts.DEVICE)
  const wallets = yield* Wallets
  const wallet = yield* wallets.ofUser(user.id)
  for (const [code, amount] of Object.entries(balances)) yield* fund(wallet, amount, code)
  return wallet
})

/** Deposits without a payment. */
export const fund = Effect.fnUntraced(function* (wallet: NamedWallet, text: string, code: string) {
  const { amount, asset } = yield* money(text, code)
  const wallets = yield* Wallets
  const ledger = yield* Ledger
  const random = yield* SecureRandom.SecureRandom
  const [source = "", target = ""] = yield* wallets.accountIds([
    houseAccount("funding", asset.code),
    walletAccount(wallet.id, asset.code)
  ])
  if (source === "" || target === "") return
  yield* ledger.post([
    {
      id: TransferId.make(yield* random.uuidV7()),
      kind: "deposit",
      details: {},
      entries: [
        { account: source, amount: BigDecimal.negate(amount) },
        { account: target, amount }
      ],
      opens: [],
      ends: []
    }
  ])
})

/** Balances of a wallet as text, such as `USD 5.00`. */
export const balances = Effect.fnUntraced(function* (wallet: NamedWallet) {
  const accounts = yield* (yield* Wallets).accountsOf(wallet.id)
  return accounts.map(({ asset, available }) => `${asset} ${Decimal.format(available)}`)
})
