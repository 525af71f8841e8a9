import { BigDecimal, Duration, Effect, Option, Result, Schema } from "effect"
import { ConvertBody, QuoteBody } from "../../api/conversion/ConversionMessage.ts"
import type { InvalidRequest } from "../../api/Problem.ts"
import * as DurationText from "../../domain/DurationText.ts"
import * as Idempotency from "../../conversion/Idempotency.ts"
import type { Asset } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as Problems from "../middleware/Problems.ts"
import * as JsonBody from "./JsonBody.ts"

/** A decimal that keeps the digits that the client sent. */
export const Amount = Schema.declare(
  (value): value is string | ExactJson.JsonNumber =>
    typeof value === "string" || value instanceof ExactJson.JsonNumber,
  { message: `must be a decimal, as a string such as "500.00" or as a number` }
)

/** Body of `POST /convert`. The amount keeps the digits that the client sent. */
export const Convert = Schema.Struct({ ...ConvertBody.fields, amount: Amount })
export type Convert = typeof Convert.Type

/** Body of `POST /quotes`. The amount keeps the digits that the client sent. */
export const Quote = Schema.Struct({ ...QuoteBody.fields, amount: Amount })
export type Quote = typeof Quote.Type

export const parseConvert = JsonBody.makeParser(Convert, JsonBody.exactGuard(Convert))
export const readConvert = JsonBody.makeReader(parseConvert)
export const readQuote = JsonBody.makeReader(JsonBody.makeParser(Quote, JsonBody.exactGuard(Quote)))

/** JSON numbers with more significant digits lose precision in clients that use doubles. */
const MAX_NUMBER_DIGITS = 15

/** Returns the digits of an amount, unless the client may have lost some of them. */
const amountText = (
  amount: string | ExactJson.JsonNumber,
  pointer: string
): Result.Result<string, InvalidRequest> => {
  if (typeof amount === "string") return Result.succeed(amount)
  const { text } = amount
  if (significantDigits(text) <= MAX_NUMBER_DIGITS) return Result.succeed(text)
  return Result.fail(
    Problems.invalid(
      pointer,
      `a JSON number may have at most ${MAX_NUMBER_DIGITS} significant digits; send it as a string, "${excerpt(text)}"`
    )
  )
}

/** Parses a positive amount with at most as many decimals as its asset has. `pointer` names the field. */
export const parseAmount = (
  amount: string | ExactJson.JsonNumber,
  { code, decimals }: Pick<Asset, "code" | "decimals">,
  pointer = "/body/amount"
): Result.Result<BigDecimal.BigDecimal, InvalidRequest> =>
  Result.flatMap(amountText(amount, pointer), (text) =>
    Decimal.parse(text, decimals).pipe(
      Option.filter(BigDecimal.isPositive),
      Result.fromOption(() =>
        Problems.invalid(
          pointer,
          `must be a positive decimal with at most ${Decimal.MAX_INTEGER_DIGITS} digits before the point and ${decimals} after it (${code}), without sign or exponent; found "${excerpt(text)}"`
        )
      )
    )
  )

/** Returns what a request means without regard to the settings; see `Idempotency.toRequestFields`. */
export const toRequestFields = (body: Convert) => {
  const { amount, amount_type: amountType = "source", quote_id: quoteId = null, reference = null } = body
  const text = typeof amount === "string" ? amount : amount.text
  const [from, to] = [body.from_currency, body.to_currency]
  return Idempotency.toRequestFields({ from, to, amount: text, amountType, quoteId, reference })
}

const significantDigits = (text: string) =>
  text
    .replace(/[eE].*$/, "")
    .replace(/^-?0*\.?0*/, "")
    .replace(".", "").length

/** Returns the beginning of a rejected amount, for display. */
const excerpt = (text: string) => text.slice(0, 40).replaceAll(/[^\x20-\x7e]/g, "?")

const DEFAULT_TTL = Duration.seconds(30)
const MAX_TTL = Duration.hours(1)

/** Parses the lifetime of a quote. */
export const parseTtl = (text: string | undefined): Effect.Effect<Duration.Duration, InvalidRequest> => {
  if (text === undefined) return Effect.succeed(DEFAULT_TTL)
  return DurationText.parse(text).pipe(
    Option.filter((ttl) => Duration.isPositive(ttl) && Duration.isLessThanOrEqualTo(ttl, MAX_TTL)),
    Effect.fromOption,
    Effect.mapError(() =>
      Problems.invalid("/body/ttl", `must be ${DurationText.ALLOWED}, above 0 and at most 1 hour`)
    )
  )
}
