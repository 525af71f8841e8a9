import { type Duration, Option, Result, Schema } from "effect"
import * as FlutterwaveQuotation from "./FlutterwaveQuotation.ts"
import { excerpt, Failing, NotQuoted, ofStatus, type ProviderReason } from "../ProviderError.ts"
import * as ResponseJson from "../ResponseJson.ts"
import { isPairRefusal } from "./PairRefusal.ts"

const Success = Schema.Struct({
  status: Schema.Literal("success"),
  data: FlutterwaveQuotation.QuotationFields
})
const Failure = Schema.Struct({ status: Schema.optionalKey(Schema.String), message: Schema.String })

const decodeSuccess = Schema.decodeUnknownOption(Success)
const decodeFailure = Schema.decodeUnknownOption(Failure)

/** Reads a 2xx response of `GET /v3/transfers/rates`. */
export const read = (
  body: string,
  request: FlutterwaveQuotation.QuotationRequest
): Result.Result<FlutterwaveQuotation.Quotation, ProviderReason> => {
  const json = ResponseJson.parse(body)
  const success = Option.flatMap(json, decodeSuccess)
  if (Option.isSome(success)) return FlutterwaveQuotation.check(success.value.data, request)
  const failure = Option.flatMap(json, decodeFailure)
  return Result.fail(
    Option.isSome(failure) && failure.value.status !== "success"
      ? ofFailure(
          200,
          failure.value.message,
          () => new Failing({ status: 200, detail: excerpt(failure.value.message) })
        )
      : ResponseJson.rejection(body, json)
  )
}

/** Reads a response with any other status. */
export const readError = (
  status: number,
  body: string,
  retryAfter: Option.Option<Duration.Duration>
): ProviderReason => {
  const failure = Option.flatMap(ResponseJson.parse(body), decodeFailure)
  if (Option.isNone(failure)) return ofStatus({ status, retryAfter }, body)
  const { message } = failure.value
  return ofFailure(status, message, () => ofStatus({ status, retryAfter }, message))
}

/** Reason of a failure in Flutterwave's format. */
const ofFailure = (status: number, message: string, other: () => ProviderReason): ProviderReason =>
  isPairRefusal(status, message) ? new NotQuoted({ detail: excerpt(message) }) : other()
