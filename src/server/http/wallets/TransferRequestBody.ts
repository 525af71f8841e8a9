import { Effect, Option, Schema } from "effect"
import { TransferBody } from "../../../api/wallets/TransferMessage.ts"
import * as Problem from "../../../api/Problem.ts"
import type { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { MAX_SHOWN_CODE } from "../../../domain/money/Asset.ts"
import type { AssetAmount } from "../../../domain/wallets/Wallet.ts"
import * as ConversionBody from "../../encoding/ConversionBody.ts"
import * as JsonBody from "../../encoding/JsonBody.ts"

/** Body of `POST /transfers`. The amount keeps the digits that the client sent. */
const Transfer = Schema.Struct({ ...TransferBody.fields, amount: ConversionBody.Amount })

export const readTransfer = JsonBody.readerOf(Transfer)

/** Reads an amount of an asset from the fields of a body. */
export const readMoney = Effect.fnUntraced(function* (
  { find }: Pick<AssetCatalog["Service"], "find">,
  body: { readonly asset: string; readonly amount: typeof ConversionBody.Amount.Type }
) {
  const asset = find(body.asset)
  if (Option.isNone(asset)) {
    const given = JSON.stringify(body.asset.slice(0, MAX_SHOWN_CODE))
    return yield* new Problem.AssetUnavailable({
      detail: `${given} is neither a currency nor an asset of the catalogue; GET /api/v1/assets lists the assets`
    })
  }
  const amount = yield* Effect.fromResult(ConversionBody.parseAmount(body.amount, asset.value))
  return { amount, asset: asset.value } satisfies AssetAmount
})
