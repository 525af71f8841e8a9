import { BigDecimal, DateTime, Effect } from "effect"
import type { WalletMessage } from "../../../api/wallets/WalletMessage.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import * as Decimal from "../../../domain/money/Decimal.ts"
import type { WalletId } from "../../../domain/wallets/Wallet.ts"
import { type TotalValue, Valuation } from "../../../wallets/Valuation.ts"
import { Wallets } from "../../../wallets/Wallets.ts"
import { formatterOf } from "./TransactionFields.ts"

/** Makes the function that reads the balances of a wallet as a message. */
export const make = Effect.gen(function* () {
  const format = formatterOf(yield* AssetCatalog)
  const wallets = yield* Wallets
  const { homeCurrency, value } = yield* Valuation

  return Effect.fnUntraced(function* (id: WalletId) {
    const accounts = yield* wallets.balancesOf(id)
    const total = yield* value(accounts)
    const home = accounts.find(({ asset }) => asset === homeCurrency.code)
    const message: WalletMessage = {
      wallet_id: id,
      balance: format(home?.balance ?? ZERO, homeCurrency.code),
      currency: homeCurrency.code,
      balances: accounts.map(({ asset, available, balance, held }) => ({
        asset,
        balance: format(balance, asset),
        held: format(held, asset),
        available: format(available, asset)
      })),
      total: totalFields(format, total)
    }
    return message
  })
})

const ZERO = BigDecimal.make(0n, 0)

const totalFields = (
  format: ReturnType<typeof formatterOf>,
  { asOf, currency, rates, unpriced, value }: TotalValue
): WalletMessage["total"] => ({
  currency: currency.code,
  value: format(value, currency.code),
  as_of: DateTime.formatIso(asOf),
  complete: unpriced.length === 0,
  rates: rates.map(({ rate, stale }) => ({
    pair: rate.pair.key,
    rate: Decimal.format(rate.rate),
    rate_id: rate.id,
    as_of: DateTime.formatIso(rate.observedAt),
    stale
  })),
  unpriced
})
