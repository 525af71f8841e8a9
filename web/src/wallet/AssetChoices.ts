import type { Balance } from "../../../src/client/promise/wallets/WalletValues.ts"
import * as Decimal from "../money/Decimal.ts"
import { assetOf, assetsOf, nameOf } from "../rates/RateStore.ts"
import { money } from "./Money.ts"

/** An asset to choose, with the words of the list. */
export interface AssetChoice {
  readonly code: string
  readonly text: string
}

const choiceOf = (code: string): AssetChoice => ({ code, text: `${code} – ${nameOf(code)}` })

/** Assets of the wallet that can be spent. */
export const spendable = (
  balances: ReadonlyArray<Balance>,
  isOffered: (code: string) => boolean = () => true
): ReadonlyArray<AssetChoice> =>
  balances
    .filter(({ asset, available }) => isOffered(asset) && Decimal.isPositive(Decimal.of(available)))
    .map(({ asset, available }) => ({ code: asset, text: `${asset} – ${money(available, asset)}` }))

/** All currencies. */
export const currencies = (): ReadonlyArray<AssetChoice> =>
  assetsOf("currency").map(({ code }) => choiceOf(code))

/** Everything that can be deposited. */
export const depositable = (): ReadonlyArray<AssetChoice> =>
  (["currency", "crypto", "stock"] as const).flatMap((kind) =>
    assetsOf(kind).map(({ code }) => choiceOf(code))
  )

export const isCurrency = (code: string): boolean => assetOf(code).kind === "currency"
