import { Effect, Layer, Option } from "effect"
import { AdminActions } from "../../src/accounts/AdminActions.ts"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import type { AssetDefinition } from "../../src/domain/assets/CatalogAsset.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import type { Order } from "../../src/domain/orders/Order.ts"
import type { OrderSide } from "../../src/domain/orders/OrderSide.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { Batches } from "../../src/orders/settlement/Batches.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { OrderWaits } from "../../src/orders/OrderWaits.ts"
import { SettlementSignal } from "../../src/orders/settlement/SettlementSignal.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { ScriptedExchange } from "./ScriptedExchange.ts"
import * as TestSettlement from "./TestSettlement.ts"
import * as TestWallets from "./TestWallets.ts"

/** The services of one node. */
export const node = Layer.mergeAll(Orders.layer, OrderWaits.layer, Batches.layer).pipe(
  Layer.provideMerge(TestSettlement.settlement),
  Layer.provideMerge(Layer.mergeAll(SettlementSignal.layerMemory, AdminActions.layer))
)

/** Lists an asset with 8 decimals at a price. Pools of different assets are independent. */
export const list = Effect.fnUntraced(function* (
  code: string,
  price: string,
  fields: Partial<AssetDefinition> = {}
) {
  const definition: AssetDefinition = {
    code: AssetCode.make(code),
    kind: "crypto",
    name: code,
    decimals: 8,
    tradable: true,
    minimumOrder: null,
    providerSymbols: {},
    exchangeSymbol: null,
    state: "listed",
    ...fields
  }
  yield* (yield* AssetCatalog).change({ definition, principal: "test", expectedVersion: Option.none() })
  yield* (yield* TestSettlement.TestPrices).set(code, price)
})

/** Orders in a new database, with assets, prices and an exchange that the test decides. There is no spread. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  node.pipe(
    Layer.provideMerge(Layer.mergeAll(ScriptedExchange.layer, TestSettlement.TestPrices.layer)),
    Layer.provideMerge(TestWallets.layer({ ORDER_SPREAD: "0", ...env }))
  )

/** Places an order. */
export const place = Effect.fnUntraced(function* (
  wallet: NamedWallet,
  side: OrderSide,
  code: string,
  amount: string,
  options: { readonly key?: string; readonly clientOrderId?: string; readonly notional?: boolean } = {}
) {
  const orders = yield* Orders
  const value = Option.getOrThrow(Decimal.parse(amount))
  return yield* orders.place({
    wallet,
    asset: Option.getOrThrow((yield* AssetCatalog).find(code)),
    side,
    quantity: options.notional === true ? { notional: value } : { amount: value },
    clientOrderId: options.clientOrderId,
    owner: `user:${wallet.userId}`,
    key: options.key,
    session: undefined
  })
})

/** The order as it is now: state, reason, filled and charged. */
export const stateOf = Effect.fnUntraced(function* ({ id, walletId }: Order) {
  const { charged, filled, reason, state } = yield* (yield* Orders).find(walletId, id)
  const format = (value: typeof filled) => (value === null ? null : Decimal.format(value))
  return [state, reason, format(filled), format(charged)]
})

/** Balances of the accounts of the house, such as `exchange USD -12.5`, without those that are zero. */
export const house = Effect.gen(function* () {
  const rows = yield* (yield* Ledger).trialBalance(undefined)
  return rows
    .filter(({ balance, role }) => role !== "user" && role !== "funding" && balance.value !== 0n)
    .map(({ asset, balance, role }) => `${role} ${asset} ${Decimal.format(balance)}`)
    .toSorted()
})

/** Number of open holds. */
export const openHolds = Effect.gen(function* () {
  const { sql } = yield* Database
  const rows = yield* sql`SELECT 1 FROM ledger_open_hold`
  return rows.length
})
