import { Effect, Layer } from "effect"
import * as App from "../../src/App.ts"
import { Funding } from "../../src/wallets/funding/Funding.ts"
import type { FundingClient } from "../../src/wallets/funding/FundingClient.ts"
import type { FundingDirection } from "../../src/domain/wallets/Funding.ts"
import { FundingSettler } from "../../src/wallets/funding/FundingSettler.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import * as TestWallets from "./TestWallets.ts"

/** Wallets and their funding in a new database. */
export const layer = (client: Layer.Layer<FundingClient>) =>
  Layer.mergeAll(Funding.layer, FundingSettler.layer).pipe(
    Layer.provideMerge(App.fundingDecisions),
    Layer.provideMerge(client),
    Layer.provideMerge(TestWallets.layer())
  )

/** Requests a deposit or a withdrawal, with the keys of the user. */
export const request = Effect.fnUntraced(function* (
  wallet: NamedWallet,
  direction: FundingDirection,
  amount: string,
  options: { readonly asset?: string; readonly key?: string; readonly note?: string } = {}
) {
  const { asset = "USD", key, note = null } = options
  const money = yield* TestWallets.money(amount, asset)
  return yield* (yield* Funding).request({
    wallet,
    direction,
    money,
    note,
    owner: `user:${wallet.userId}`,
    key
  })
})
