import { DateTime, Duration, Option, Redacted, Result, Schema } from "effect"
import * as FlutterwaveQuotation from "./FlutterwaveQuotation.ts"
import { excerpt, Failing, Malformed, NotQuoted, ofStatus, type ProviderReason } from "../ProviderError.ts"
import type { ProviderResponse } from "../ProviderResponse.ts"
import * as ResponseJson from "../ResponseJson.ts"
import { isPairRefusal } from "./PairRefusal.ts"

/** Marks the replay of an earlier response with the same idempotency key. */
const REPLAY_HEADER = "x-idempotency-cache-hit"

const Success = Schema.Struct({
  status: Schema.Literal("success"),
  data: Schema.Struct({
    ...FlutterwaveQuotation.QuotationFields.fields,
    created_datetime: Schema.optionalKey(Schema.String)
  })
})
const Failure = Schema.Struct({
  error: Schema.Struct({
    code: Schema.String,
    message: Schema.String,
    validation_errors: Schema.optionalKey(Schema.Unknown)
  })
})
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

/** Time before expiry from which a token is not used any more, for slow requests and clock differences. */
const EXPIRY_MARGIN = Duration.seconds(60)

/** OAuth 2.0 access token. */
export interface Token {
  readonly bearer: Redacted.Redacted
  /** Time during which to use the token. */
  readonly lifetime: Duration.Duration
}

/** A quotation with the time of its creation at Flutterwave. */
export interface DatedQuotation extends FlutterwaveQuotation.Quotation {
  readonly quotedAt: DateTime.Utc | undefined
}

/** Reads a response of `POST /transfers/rates`. */
export const read = (
  response: ProviderResponse,
  request: FlutterwaveQuotation.QuotationRequest
): Result.Result<DatedQuotation, ProviderReason> => {
  const { body, headers, status } = response
  const json = ResponseJson.parse(body)
  const failure = Option.flatMap(json, decodeFailure)
  if (Option.isSome(failure)) return Result.fail(ofCode(response, failure.value.error))
  if (status < 200 || status >= 300) return Result.fail(ofStatus(response, body))
  if (headers[REPLAY_HEADER] === "true")
    return Result.fail(new Malformed({ detail: "replay of an earlier response" }))
  const success = Option.flatMap(json, decodeSuccess)
  if (Option.isNone(success)) return Result.fail(ResponseJson.rejection(body, json))
  const { created_datetime, ...fields } = success.value.data
  return Result.map(FlutterwaveQuotation.check(fields, request), (quotation) => ({
    ...quotation,
    quotedAt:
      created_datetime === undefined ? undefined : Option.getOrUndefined(DateTime.make(created_datetime))
  }))
}

/** Maps Flutterwave's error codes: `10` and an HTTP status, which can differ from the status of the response. */
const ofCode = (
  response: ProviderResponse,
  { code, message, validation_errors }: (typeof Failure.Type)["error"]
): ProviderReason => {
  const [, statusText = ""] = /^10([45]\d\d)$/.exec(code) ?? []
  const detail = `${code}: ${message}`
  const explanation = `${message} ${validation_errors === undefined ? "" : JSON.stringify(validation_errors)}`
  if (statusText !== "" && isPairRefusal(Number(statusText), explanation))
    return new NotQuoted({ detail: excerpt(detail) })
  if (statusText !== "") return ofStatus({ ...response, status: Number(statusText) }, detail)
  return response.status >= 400
    ? ofStatus(response, detail)
    : new Failing({ status: response.status, detail: excerpt(detail) })
}

/** Reads a response of the token endpoint. Error details never include a body that can hold a token. */
export const readToken = (response: ProviderResponse): Result.Result<Token, ProviderReason> => {
  const json = ResponseJson.parse(response.body)
  if (response.status < 200 || response.status >= 300) {
    const message = Option.map(
      Option.flatMap(json, decodeTokenFailure),
      ({ error, error_description = "" }) => `${error}: ${error_description}`
    )
    return Result.fail(ofStatus(response, `no token: ${Option.getOrElse(message, () => response.body)}`))
  }
  const token = Option.flatMap(json, decodeToken)
  if (Option.isNone(token)) return Result.fail(new Malformed({ detail: "no token in the response" }))
  const lifetime = Duration.seconds(Math.max(0, token.value.expires_in))
  return Result.succeed({
    bearer: Redacted.make(token.value.access_token),
    lifetime: Duration.max(Duration.subtract(lifetime, EXPIRY_MARGIN), Duration.divideUnsafe(lifetime, 2))
  })
}
