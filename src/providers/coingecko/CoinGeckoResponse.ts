import { Option, Result, Schema } from "effect"
import { Failing, ofStatus, type ProviderReason, Untraded } from "../ProviderError.ts"
import type { ProviderResponse } from "../ProviderResponse.ts"
import * as JsonText from "../prices/JsonText.ts"
import { parsePrice, parseTime, type PriceQuotes, type PriceResult } from "../prices/PriceQuote.ts"
import * as ResponseJson from "../ResponseJson.ts"

const MAX_CONTAINERS = 1000

const Coins = Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown))
const decodeCoins = Schema.decodeUnknownOption(Coins)

/**
 * Errors are documented with `status`, but keys are refused with its fields at the top level, and other errors with a text.
 */
const Failure = Schema.Union([
  Schema.Struct({ status: Schema.Struct({ error_code: Schema.String, error_message: Schema.String }) }),
  Schema.Struct({ error_code: Schema.String, error_message: Schema.optionalKey(Schema.String) }),
  Schema.Struct({ error: Schema.String })
])
const decodeFailure = Schema.decodeUnknownOption(Failure)

/** Reads a response of `GET /simple/price` with `vs_currencies=usd`. Unknown ids are missing from it. */
export const read = (response: ProviderResponse): Result.Result<PriceQuotes, ProviderReason> => {
  const { body, status } = response
  const json = ResponseJson.parse(body, MAX_CONTAINERS)
  const failure = Option.map(Option.flatMap(json, decodeFailure), detailOf)
  if (status < 200 || status >= 300)
    return Result.fail(
      ofStatus(
        response,
        Option.getOrElse(failure, () => body)
      )
    )
  if (Option.isSome(failure)) return Result.fail(new Failing({ status, detail: failure.value }))
  const coins = Option.getOrUndefined(Option.flatMap(json, decodeCoins))
  if (coins === undefined) return Result.fail(ResponseJson.rejection(body, json))
  const texts = JsonText.fieldsOf(body)
  return Result.succeed(
    new Map(Object.entries(coins).map(([id, coin]) => [id, readCoin(id, coin, texts.get(id) ?? "")]))
  )
}

const readCoin = (id: string, coin: Readonly<Record<string, unknown>>, text: string): PriceResult =>
  Result.gen(function* () {
    // CoinGecko sends null or nothing for a coin that is not traded any more.
    if ((coin["usd"] ?? null) === null)
      return yield* Result.fail(new Untraded({ detail: `${id} has no price in US dollars` }))
    return {
      price: yield* parsePrice(coin["usd"]),
      text: String(coin["usd"]),
      quotedAt: yield* parseTime(coin["last_updated_at"], "seconds"),
      raw: `{${JSON.stringify(id)}:${text}}`
    }
  })

const detailOf = (failure: typeof Failure.Type): string => {
  if ("error" in failure) return failure.error
  const { error_code, error_message } = "status" in failure ? failure.status : failure
  return `${error_code} ${error_message ?? ""}`.trim()
}
