import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { AmountType } from "../../domain/conversion/Conversion.ts"
import { StreamPositionText } from "../../domain/rates/StreamPosition.ts"
import { ConversionCalls, OpenCalls } from "../access/RpcAccess.ts"
import { ConversionResult, QuoteResult } from "../conversion/ConversionResult.ts"
import { PollMessage } from "../polling/PollMessage.ts"
import * as Problem from "../Problem.ts"
import { RateEventMessage } from "./RateEventMessage.ts"
import { RateMessage } from "./RateMessage.ts"

const optional = Schema.optionalKey

/** An ISO 4217 code in any case. */
const Code = Schema.String

/** `amount` is decimal text in major units, of `fromCurrency`, or of `toCurrency` where `amountType` is `target`. */
const asked = {
  amount: Schema.String,
  fromCurrency: Code,
  toCurrency: Code,
  amountType: optional(AmountType),
  reference: optional(Schema.String)
}

const lookupErrors = [
  Problem.InvalidRequest,
  Problem.UnsupportedCurrency,
  Problem.UnsupportedPair,
  Problem.RateTooOld,
  Problem.RateUnavailable,
  Problem.StoreUnavailable,
  Problem.Internal
] as const

const watchErrors = [
  Problem.InvalidRequest,
  Problem.UnsupportedCurrency,
  Problem.UnsupportedPair,
  Problem.RateLimited
] as const

/** What typed programs ask effex for, on `/rpc` (WebSocket) and `/rpc/http`. */
export class RatesRpcs extends RpcGroup.make(
  /** The latest rate of a pair; with `maxAge` an older one is refreshed, and refused where it cannot be. */
  Rpc.make("GetRate", {
    payload: { from: Code, to: Code, maxAge: optional(Schema.DurationFromMillis) },
    success: RateMessage,
    error: Schema.Union(lookupErrors)
  }).middleware(OpenCalls),
  /** Every known rate, of one source currency or of all. */
  Rpc.make("ListRates", {
    payload: { base: optional(Code) },
    success: Schema.Array(RateMessage),
    error: Schema.Union([Problem.UnsupportedCurrency, Problem.StoreUnavailable, Problem.Internal])
  }).middleware(OpenCalls),
  /** Converts an amount, answered once its audit record is committed. */
  Rpc.make("Convert", {
    payload: { ...asked, quoteId: optional(Schema.String), idempotencyKey: optional(Schema.String) },
    success: ConversionResult,
    error: Schema.Union([
      ...lookupErrors,
      Problem.NotFound,
      Problem.IdempotencyConflict,
      Problem.IdempotencyMismatch,
      Problem.QuoteExpired,
      Problem.QuoteUsed
    ])
  }).middleware(ConversionCalls),
  /** Locks the numbers of a conversion, for `ttl`: 30 seconds without it, 1 hour at most. */
  Rpc.make("CreateQuote", {
    payload: { ...asked, ttl: optional(Schema.DurationFromMillis) },
    success: QuoteResult,
    error: Schema.Union(lookupErrors)
  }).middleware(ConversionCalls),
  /** Every change of the rates of some pairs (`USD:NGN`), or of all: from now on, or from a position. */
  Rpc.make("WatchRates", {
    payload: { pairs: optional(Schema.Array(Schema.String)), since: optional(StreamPositionText) },
    success: RateEventMessage,
    error: Schema.Union(watchErrors),
    stream: true
  }).middleware(OpenCalls),
  /** Every poll that finishes; a slow reader is told of the last one. */
  Rpc.make("WatchPolls", {
    success: PollMessage,
    error: Problem.RateLimited,
    stream: true
  }).middleware(OpenCalls)
) {}
