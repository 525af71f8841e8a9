import { DateTime, Duration, Option, Redacted, Result, Schema } from "effect"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as FlutterwaveQuotation from "./FlutterwaveQuotation.ts"
import { excerpt, Failing, Malformed, malformed, ofStatus, type ProviderReason } from "../ProviderError.ts"
import type { ProviderResponse } from "../ProviderHttp.ts"

/** An answer under an idempotency key that was used before: of an old rate. */
const REPLAYED = "x-idempotency-cache-hit"

const Success = Schema.Struct({
  status: Schema.Literal("success"),
  data: Schema.Struct({
    ...FlutterwaveQuotation.Stated.fields,
    created_datetime: Schema.optionalKey(Schema.String)
  })
})
const Failure = Schema.Struct({ error: Schema.Struct({ code: Schema.String, message: Schema.String }) })
const TokenSuccess = Schema.Struct({
  access_token: Schema.NonEmptyString,
  expires_in: Schema.FiniteFromString
})
const TokenFailure = Schema.Struct({
  error: Schema.String,
  error_description: Schema.optionalKey(Schema.String)
})

const decodeSuccess = Schema.decodeUnknownOption(Success)
const decodeFailure = Schema.decodeUnknownOption(Failure)
const decodeToken = Schema.decodeUnknownOption(TokenSuccess)
const decodeTokenFailure = Schema.decodeUnknownOption(TokenFailure)

/** How long before its end a token is no longer used: a request takes its time, and clocks differ. */
const MARGIN = Duration.seconds(60)

/** What lets us in for a while. */
export interface Token {
  readonly bearer: Redacted.Redacted
  /** For how long to use it. */
  readonly life: Duration.Duration
}

/** A quotation, and since when Flutterwave says that it holds. */
export interface DatedQuotation extends FlutterwaveQuotation.Quotation {
  readonly quotedAt: DateTime.Utc | undefined
}

/** Reads an answer of `POST /transfers/rates`. */
export const read = (
  response: ProviderResponse,
  asked: FlutterwaveQuotation.Asked
): Result.Result<DatedQuotation, ProviderReason> => {
  const { body, headers, status } = response
  const json = ExactJson.parse(body)
  const failure = Option.flatMap(json, decodeFailure)
  if (Option.isSome(failure)) return Result.fail(ofCode(response, failure.value.error))
  if (status < 200 || status >= 300) return Result.fail(ofStatus(response, body))
  if (headers[REPLAYED] === "true") return Result.fail(new Malformed({ detail: "an old rate, given again" }))
  const success = Option.flatMap(json, decodeSuccess)
  if (Option.isNone(success)) return Result.fail(malformed(body, json))
  const { created_datetime, ...stated } = success.value.data
  return Result.map(FlutterwaveQuotation.check(stated, asked), (quotation) => ({
    ...quotation,
    quotedAt:
      created_datetime === undefined ? undefined : Option.getOrUndefined(DateTime.make(created_datetime))
  }))
}

/** Flutterwave's own codes are `10` and a status of HTTP, which may differ from the answer's. */
const ofCode = (
  response: ProviderResponse,
  { code, message }: { readonly code: string; readonly message: string }
): ProviderReason => {
  const [, text = ""] = /^10([45]\d\d)$/.exec(code) ?? []
  const detail = `${code}: ${message}`
  if (text !== "") return ofStatus({ ...response, status: Number(text) }, detail)
  return response.status >= 400
    ? ofStatus(response, detail)
    : new Failing({ status: response.status, detail: excerpt(detail) })
}

/** Reads an answer of the token's endpoint. What may hold a token is never shown. */
export const readToken = (response: ProviderResponse): Result.Result<Token, ProviderReason> => {
  const json = ExactJson.parse(response.body)
  if (response.status < 200 || response.status >= 300) {
    const message = Option.map(
      Option.flatMap(json, decodeTokenFailure),
      ({ error, error_description = "" }) => `${error}: ${error_description}`
    )
    return Result.fail(ofStatus(response, `no token: ${Option.getOrElse(message, () => response.body)}`))
  }
  const token = Option.flatMap(json, decodeToken)
  if (Option.isNone(token))
    return Result.fail(new Malformed({ detail: "no token in the answer to our id and secret" }))
  const life = Duration.seconds(Math.max(0, token.value.expires_in))
  return Result.succeed({
    bearer: Redacted.make(token.value.access_token),
    life: Duration.max(Duration.subtract(life, MARGIN), Duration.divideUnsafe(life, 2))
  })
}
