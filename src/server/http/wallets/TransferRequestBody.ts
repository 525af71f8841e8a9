import { Effect, Option, Schema } from "effect"
import { TransferBody } from "../../../api/wallets/TransferMessage.ts"
import * as Problem from "../../../api/Problem.ts"
import type { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { MAX_SHOWN_CODE } from "../../../domain/money/Asset.ts"
import * as Decimal from "../../../domain/money/Decimal.ts"
import { type AssetAmount, parseAmount } from "../../../domain/wallets/Wallet.ts"
import * as ConversionBody from "../../encoding/ConversionBody.ts"
import * as JsonBody from "../../encoding/JsonBody.ts"
import * as Problems from "../../middleware/Problems.ts"

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
  const text = yield* Effect.fromResult(ConversionBody.amountText(body.amount))
  const money = parseAmount(text, asset.value)
  if (Option.isSome(money)) return money.value satisfies AssetAmount
  const { code, decimals } = asset.value
  return yield* Problems.invalid(
    "/body/amount",
    `must be a positive decimal with at most ${Decimal.MAX_INTEGER_DIGITS} digits before the point and ${decimals} after it (${code}), without sign or exponent; found "${ConversionBody.excerpt(text)}"`
  )
})
