import { Effect, Option, Schema } from "effect"
import { PlaceOrderBody } from "../../../api/orders/OrderMessage.ts"
import * as Problem from "../../../api/Problem.ts"
import type { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { type Asset, MAX_SHOWN_CODE } from "../../../domain/money/Asset.ts"
import { PRICE_CURRENCY } from "../../../domain/money/SupportedPairs.ts"
import { MINOR_UNIT, type OrderQuantity } from "../../../domain/orders/PriceLock.ts"
import * as ConversionBody from "../../encoding/ConversionBody.ts"
import * as JsonBody from "../../encoding/JsonBody.ts"
import * as Problems from "../../middleware/Problems.ts"

/** Body of `POST /orders`. Amounts keep the digits that the client sent. */
const PlaceOrder = Schema.Struct({
  ...PlaceOrderBody.fields,
  amount: Schema.optionalKey(ConversionBody.Amount),
  notional: Schema.optionalKey(ConversionBody.Amount)
})
type PlaceOrder = typeof PlaceOrder.Type

export const readOrder = JsonBody.readerOf(PlaceOrder)

/** Reads what is ordered from the fields of a body, also in the shape of older clients. */
export const readTerms = Effect.fnUntraced(function* (
  catalog: Pick<AssetCatalog["Service"], "find">,
  body: PlaceOrder
) {
  const code = body.asset ?? body.crypto
  if (code === undefined) return yield* Problems.invalid("/body/asset", "must be the code of an asset")
  if (body.asset !== undefined && body.crypto !== undefined)
    return yield* Problems.invalid("/body/crypto", "must not be sent together with `asset`")
  const side = body.side ?? (body.asset === undefined ? "buy" : undefined)
  if (side === undefined) return yield* Problems.invalid("/body/side", "must be buy or sell")
  const asset = yield* findAsset(catalog, code)
  const quantity = yield* readQuantity(body, asset)
  return { asset, side, quantity, clientOrderId: body.client_order_id }
})

/** Returns the asset of a code. */
export const findAsset = Effect.fnUntraced(function* (
  catalog: Pick<AssetCatalog["Service"], "find">,
  code: string
) {
  const asset = catalog.find(code)
  if (Option.isSome(asset)) return asset.value
  const given = JSON.stringify(code.slice(0, MAX_SHOWN_CODE))
  return yield* new Problem.AssetUnavailable({
    detail: `${given} is not an asset of the catalogue; GET /api/v1/assets lists the assets`
  })
})

const readQuantity = Effect.fnUntraced(function* ({ amount, notional }: PlaceOrder, asset: Asset) {
  if (amount !== undefined && notional !== undefined)
    return yield* Problems.invalid("/body/notional", "must not be sent together with `amount`")
  if (notional !== undefined) {
    const dollars = ConversionBody.parseAmount(
      notional,
      { code: PRICE_CURRENCY, decimals: MINOR_UNIT },
      "/body/notional"
    )
    return { notional: yield* Effect.fromResult(dollars) } satisfies OrderQuantity
  }
  if (amount === undefined)
    return yield* Problems.invalid("/body/amount", "is missing; send `amount` or `notional`")
  const units = ConversionBody.parseAmount(amount, asset)
  return { amount: yield* Effect.fromResult(units) } satisfies OrderQuantity
})
