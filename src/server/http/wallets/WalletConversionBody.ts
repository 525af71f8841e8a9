import { Effect, Option, Schema } from "effect"
import * as Problem from "../../../api/Problem.ts"
import { WalletConvertBody, WalletQuoteBody } from "../../../api/wallets/WalletConversionMessage.ts"
import type { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import * as ConversionBody from "../../encoding/ConversionBody.ts"
import * as JsonBody from "../../encoding/JsonBody.ts"
import * as Problems from "../../middleware/Problems.ts"

// The amounts keep the digits that the client sent.
const Convert = Schema.Struct({ ...WalletConvertBody.fields, amount: ConversionBody.Amount })
const Quote = Schema.Struct({ ...WalletQuoteBody.fields, amount: ConversionBody.Amount })

type PriceBody = Pick<typeof Convert.Type, "from" | "to">

/** Reads the body of a conversion. Its price is that of a quote, or of a rate with a largest age. */
export const readConvert = Effect.fnUntraced(function* (request: Parameters<typeof readConvertBody>[0]) {
  const body = yield* readConvertBody(request)
  return body.quote_id !== undefined && body.max_age !== undefined
    ? yield* Problems.invalid("/body/max_age", "must be left out with quote_id: the quote fixes the rate")
    : body
})
const readConvertBody = JsonBody.readerOf(Convert)

/** Reads the body of a quote. */
export const readQuote = JsonBody.readerOf(Quote)

/** Names the fields as `POST /convert` and `POST /quotes` do. */
export const toServiceFields = <A extends PriceBody>({ from, to, ...others }: A) => ({
  ...others,
  from_currency: from,
  to_currency: to
})

/** Fails if one side is an asset of the catalogue that is not a currency. */
export const requireCurrencies = Effect.fnUntraced(function* (
  { find }: Pick<AssetCatalog["Service"], "find">,
  { from, to }: PriceBody
) {
  for (const text of [from, to]) {
    const asset = find(text)
    if (Option.isSome(asset) && asset.value.kind !== "currency")
      return yield* new Problem.AssetUnavailable({
        detail: `${asset.value.code} is not a currency, and only currencies are converted; buy or sell it with POST /api/v1/orders`
      })
  }
})
