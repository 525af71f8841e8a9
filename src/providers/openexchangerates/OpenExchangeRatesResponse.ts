import { Option, Result, Schema } from "effect"
import { excerpt, ofStatus, type ProviderReason, Refused } from "../ProviderError.ts"
import * as ResponseJson from "../ResponseJson.ts"
import type { TableQuotes } from "../table/RateTable.ts"
import * as TableResponse from "../table/TableResponse.ts"

const Success = Schema.Struct({
  timestamp: Schema.String,
  base: Schema.String,
  rates: TableResponse.Cells
})
const Failure = Schema.Struct({
  error: Schema.Literal(true),
  status: Schema.optionalKey(Schema.String),
  message: Schema.String,
  description: Schema.optionalKey(Schema.String)
})

const decodeSuccess = Schema.decodeUnknownOption(Success)
const decodeFailure = Schema.decodeUnknownOption(Failure)

/** Reads a response of `GET /latest.json`. */
export const read = (
  response: TableResponse.RawResponse,
  request: TableResponse.TableRequest
): Result.Result<TableQuotes, ProviderReason> => {
  const { body, status } = response
  const json = ResponseJson.parse(body)
  const failure = Option.flatMap(json, decodeFailure)
  if (Option.isSome(failure)) return Result.fail(errorOf(response, failure.value))
  if (status < 200 || status >= 300) {
    return Result.fail(ofStatus(response, body))
  }
  const success = Option.flatMap(json, decodeSuccess)
  return Option.isNone(success)
    ? Result.fail(ResponseJson.rejection(body, json))
    : TableResponse.quotesAt(request, success.value)
}

const errorOf = (
  response: TableResponse.RawResponse,
  { description = "", message }: typeof Failure.Type
): ProviderReason => {
  const detail = excerpt(`${message} ${description}`.trim())
  // Sent with status 429, but means that the plan lacks the feature.
  if (message === "not_allowed") return new Refused({ status: response.status, detail })
  // Sent with status 403 after many responses with 429.
  if (message === "access_restricted") return TableResponse.quotaExceeded()
  return ofStatus(response, detail)
}
