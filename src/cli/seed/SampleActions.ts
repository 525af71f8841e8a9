import { Effect, Option } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { userPrincipalId, walletIdentityOf } from "../../domain/access/Principal.ts"
import * as Asset from "../../domain/money/Asset.ts"
import { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Currency from "../../domain/money/Currency.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { Orders } from "../../orders/Orders.ts"
import { Funding } from "../../wallets/funding/Funding.ts"
import { type TransferRequest, Transfers } from "../../wallets/Transfers.ts"
import { WalletConversions } from "../../wallets/WalletConversions.ts"
import { commandError } from "../CommandError.ts"
import type { SampleAction } from "./SampleUsers.ts"

/**
 * Makes the function that performs an action in a wallet. The key makes it happen once: a repeated action returns its first
 * outcome and moves nothing.
 */
export const make = Effect.gen(function* () {
  const catalog = yield* AssetCatalog
  const conversions = yield* WalletConversions
  const funding = yield* Funding
  const orders = yield* Orders
  const transfers = yield* Transfers

  const assetOf = (code: string) =>
    Option.match(catalog.find(code), {
      onNone: () =>
        commandError(`${code} is not in the catalogue of assets; the sandbox lists it at its start`),
      onSome: Effect.succeed
    })

  const currencyOf = (code: string) => Currency.get(Asset.AssetCode.make(code))

  return Effect.fnUntraced(function* (wallet: TransferRequest["from"], action: SampleAction, key: string) {
    const amount = Option.getOrThrow(Decimal.parse(action.amount))
    const request = { wallet, key, owner: userPrincipalId(wallet.userId), session: undefined }
    switch (action.type) {
      case "deposit": {
        const money = { asset: yield* assetOf(action.asset), amount }
        return yield* funding.request({ ...request, direction: "deposit", money, note: null })
      }
      case "transfer": {
        const money = { asset: yield* assetOf(action.asset), amount }
        return yield* transfers.send({ ...request, from: wallet, to: action.to, money, note: action.note })
      }
      case "convert": {
        const [from, to] = [currencyOf(action.from), currencyOf(action.to)]
        const { id: principal, owner } = walletIdentityOf(wallet.userId)
        return yield* conversions.convert({
          ...request,
          terms: {
            pair: new AssetPair({ from: from.code, to: to.code }),
            from,
            to,
            amount,
            amountType: "source",
            reference: null,
            principal,
            owner,
            quoteId: null
          }
        })
      }
      case "order":
        return yield* orders.place({
          ...request,
          asset: yield* assetOf(action.asset),
          side: action.side,
          quantity: { amount },
          clientOrderId: key
        })
    }
  })
})
