import { Option, Result, Schema } from "effect"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import {
  excerpt,
  Failing,
  malformed,
  ofStatus,
  type ProviderReason,
  RateLimited,
  Refused
} from "../ProviderError.ts"
import type { Quotes } from "../table/RateTable.ts"
import * as TableResponse from "../table/TableResponse.ts"

const Success = Schema.Struct({
  success: Schema.Literal(true),
  timestamp: Schema.String,
  base: Schema.String,
  rates: Schema.Record(Schema.String, Schema.String)
})

/** A code is a number; some of the provider's gates write the type in its place, and `message` for `info`. */
const Failure = Schema.Struct({
  error: Schema.Struct({
    code: Schema.String,
    type: Schema.optionalKey(Schema.String),
    info: Schema.optionalKey(Schema.String),
    message: Schema.optionalKey(Schema.String)
  })
})

/** The gate of apilayer.com has errors of its own, with a status that says what they are. */
const GateFailure = Schema.Struct({ message: Schema.String })

const decodeSuccess = Schema.decodeUnknownOption(Success)
const decodeFailure = Schema.decodeUnknownOption(Failure)
const decodeGateFailure = Schema.decodeUnknownOption(GateFailure)

/** Reads an answer of `GET /latest`. Fixer's errors come with HTTP 200 as well. */
export const read = (
  response: TableResponse.Response,
  asked: TableResponse.Asked
): Result.Result<Quotes, ProviderReason> => {
  const { body, status } = response
  const json = ExactJson.parse(body)
  const failure = Option.flatMap(json, decodeFailure)
  if (Option.isSome(failure)) return Result.fail(errorOf(response, failure.value.error))
  if (status < 200 || status >= 300) {
    const gate = Option.flatMap(json, decodeGateFailure)
    const detail = Option.match(gate, { onNone: () => body, onSome: ({ message }) => message })
    return Result.fail(ofStatus(response, detail))
  }
  const success = Option.flatMap(json, decodeSuccess)
  return Option.isNone(success)
    ? Result.fail(malformed(body, json))
    : TableResponse.quotesAt(asked, success.value)
}

/** What a code of Fixer's would be in HTTP. */
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
  response: TableResponse.Response,
  { code, info, message, type = code }: (typeof Failure.Type)["error"]
): ProviderReason => {
  // Of the month, so that nothing is gained by asking again soon.
  if (code === "104" || type.endsWith("usage_limit_reached")) return TableResponse.usedUp()
  if (type === "rate_limit_reached") return new RateLimited({})
  const words = Array.from(new Set([code, type, info ?? message ?? ""])).join(" ")
  const detail = excerpt(words.trim())
  // No results, for what has some at all other times.
  if (code === "106") return new Failing({ status: response.status, detail })
  const status = statuses.get(code)
  if (status !== undefined) return new Refused({ status, detail })
  return ofStatus(response, detail)
}
