import { Effect, Option } from "effect"
import type { Settings } from "../config/Settings.ts"
import type { SessionId } from "../domain/accounts/Session.ts"
import type { Username } from "../domain/accounts/User.ts"
import type { CatalogAsset } from "../domain/assets/CatalogAsset.ts"
import * as Currency from "../domain/money/Currency.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { OrderSide } from "../domain/orders/OrderSide.ts"
import type { OrderQuantity } from "../domain/orders/PriceLock.ts"
import { AssetUnavailable, type Wallet } from "../domain/wallets/Wallet.ts"
import { type MovementRequest, postingKeyOf } from "../wallets/RequestHash.ts"

/** An order to place. */
export interface OrderRequest extends MovementRequest {
  readonly wallet: Wallet & { readonly username: Username }
  readonly asset: CatalogAsset
  readonly side: OrderSide
  readonly quantity: OrderQuantity
  /** Name that the client gives the order, once per wallet. Without an `Idempotency-Key` it is the key too. */
  readonly clientOrderId: string | undefined
  /** Session of the user; undefined for an API key that acts for one. */
  readonly session: SessionId | undefined
}

/** Returns the ledger key of an order. The client's own id of an order is a key by itself. */
export const keyOf = ({ asset, clientOrderId, key, owner, quantity, side, wallet }: OrderRequest) => {
  const [kind, value] = "amount" in quantity ? ["amount", quantity.amount] : ["notional", quantity.notional]
  const meaning = ["order", asset.code, side, kind, Decimal.format(value), clientOrderId ?? null]
  return key === undefined
    ? postingKeyOf({ owner: `client_order_id of ${wallet.id}`, key: clientOrderId }, meaning)
    : postingKeyOf({ owner, key }, meaning)
}

/** Refuses what cannot be ordered: currencies, assets that are not tradable, and buying a delisted one. */
export const checkAsset = (
  { code, state, tradable }: CatalogAsset,
  side: OrderSide,
  exchange: Settings["Service"]["exchange"]
): Effect.Effect<void, AssetUnavailable> => {
  const unavailable = (detail: string) => Effect.fail(new AssetUnavailable({ detail }))
  if (exchange === "off") return unavailable("Orders are off on this server: no exchange is configured")
  if (Option.isSome(Currency.find(code)))
    return unavailable(`${code} is a currency; POST /api/v1/accounts/wallet/convert exchanges currencies`)
  if (state === "delisted" && side === "buy")
    return unavailable(`${code} is delisted: it can be sold and withdrawn, but not bought`)
  return tradable
    ? Effect.void
    : unavailable(`${code} cannot be traded; GET /api/v1/assets lists the assets that can`)
}
