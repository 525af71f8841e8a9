import { Option, Result, Schema } from "effect"
import { excerpt, Failing, ofStatus, type ProviderReason, RateLimited, Refused } from "../ProviderError.ts"
import * as ResponseJson from "../ResponseJson.ts"
import type { TableQuotes } from "../table/RateTable.ts"
import * as TableResponse from "../table/TableResponse.ts"

const Success = Schema.Struct({
  success: Schema.Literal(true),
  timestamp: Schema.String,
  base: Schema.String,
  rates: TableResponse.Cells
})

/** The code is a number. Some gateways of the provider send the type instead, and `message` instead of `info`. */
const Failure = Schema.Struct({
  error: Schema.Struct({
    code: Schema.String,
    type: Schema.optionalKey(Schema.String),
    info: Schema.optionalKey(Schema.String),
    message: Schema.optionalKey(Schema.String)
  })
})

/** Error of the gateway at apilayer.com, which has a meaningful status. */
const GatewayFailure = Schema.Struct({ message: Schema.String })

const decodeSuccess = Schema.decodeUnknownOption(Success)
const decodeFailure = Schema.decodeUnknownOption(Failure)
const decodeGatewayFailure = Schema.decodeUnknownOption(GatewayFailure)

/** Reads a response of `GET /latest`. Fixer sends errors with HTTP 200 too. */
export const read = (
  response: TableResponse.RawResponse,
  request: TableResponse.TableRequest
): Result.Result<TableQuotes, ProviderReason> => {
  const { body, status } = response
  const json = ResponseJson.parse(body)
  const failure = Option.flatMap(json, decodeFailure)
  if (Option.isSome(failure)) return Result.fail(errorOf(response, failure.value.error))
  if (status < 200 || status >= 300) {
    const gatewayFailure = Option.flatMap(json, decodeGatewayFailure)
    const detail = Option.match(gatewayFailure, { onNone: () => body, onSome: ({ message }) => message })
    return Result.fail(ofStatus(response, detail))
  }
  const success = Option.flatMap(json, decodeSuccess)
  return Option.isNone(success)
    ? Result.fail(ResponseJson.rejection(body, json))
    : TableResponse.quotesAt(request, success.value)
}

/** HTTP statuses that correspond to Fixer's error codes. */
const statuses: ReadonlyMap<string, number> = new Map([
  ["101", 401],
  ["102", 403],
  ["103", 404],
  ["105", 403],
  ["201", 400],
  ["202", 400],
  ["404", 404]
])

const errorOf = (
  response: TableResponse.RawResponse,
  { code, info, message, type = code }: (typeof Failure.Type)["error"]
): ProviderReason => {
  // A monthly quota: retries are pointless.
  if (code === "104" || type.endsWith("usage_limit_reached")) return TableResponse.quotaExceeded()
  if (type === "rate_limit_reached") return new RateLimited({})
  const text = Array.from(new Set([code, type, info ?? message ?? ""])).join(" ")
  const detail = excerpt(text.trim())
  // "No results", although the request has results at other times.
  if (code === "106") return new Failing({ status: response.status, detail })
  const status = statuses.get(code)
  if (status !== undefined) return new Refused({ status, detail })
  return ofStatus(response, detail)
}
