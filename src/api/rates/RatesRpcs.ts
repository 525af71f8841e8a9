import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { AmountType } from "../../domain/conversion/Conversion.ts"
import { StreamPositionText } from "../../domain/rates/StreamPosition.ts"
import { RpcRequireConvertScope, RpcOptionalAuthentication } from "../access/RpcAuthorization.ts"
import { ConversionResult, QuoteResult } from "../conversion/ConversionResult.ts"
import { PollMessage } from "../polling/PollMessage.ts"
import * as Problem from "../Problem.ts"
import { HeartbeatMessage, RateEventMessage } from "./RateEventMessage.ts"
import { RateMessage } from "./RateMessage.ts"

const optional = Schema.optionalKey

/** A currency code in any case. */
const Code = Schema.String

/** `amount` is decimal text in major units of `fromCurrency`, or of `toCurrency` if `amountType` is `target`. */
const conversionFields = {
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

const priceErrors = [...lookupErrors, Problem.ClockSkewed] as const

const watchErrors = [
  Problem.InvalidRequest,
  Problem.UnsupportedCurrency,
  Problem.UnsupportedPair,
  Problem.RateLimited
] as const

/** RPC API for Effect clients, on `/rpc` (WebSocket) and `/rpc/http`. */
export class RatesRpcs extends RpcGroup.make(
  /** Returns the latest rate of a pair. With `maxAge`, refreshes an older rate, or fails with `RateTooOld`. */
  Rpc.make("GetRate", {
    payload: { from: Code, to: Code, maxAge: optional(Schema.DurationFromMillis) },
    success: RateMessage,
    error: Schema.Union(lookupErrors)
  }).middleware(RpcOptionalAuthentication),
  /** Returns the latest rates of all pairs, or of one source currency. */
  Rpc.make("ListRates", {
    payload: { base: optional(Code) },
    success: Schema.Array(RateMessage),
    error: Schema.Union([Problem.UnsupportedCurrency, Problem.StoreUnavailable, Problem.Internal])
  }).middleware(RpcOptionalAuthentication),
  /** Converts an amount. Responds after the audit record is committed. */
  Rpc.make("Convert", {
    payload: {
      ...conversionFields,
      quoteId: optional(Schema.String),
      idempotencyKey: optional(Schema.String)
    },
    success: ConversionResult,
    error: Schema.Union([
      ...priceErrors,
      Problem.NotFound,
      Problem.IdempotencyConflict,
      Problem.IdempotencyMismatch,
      Problem.QuoteExpired,
      Problem.QuoteUsed
    ])
  }).middleware(RpcRequireConvertScope),
  /** Locks the amounts and rate of a conversion for `ttl` (default 30 seconds, at most 1 hour). */
  Rpc.make("CreateQuote", {
    payload: { ...conversionFields, ttl: optional(Schema.DurationFromMillis) },
    success: QuoteResult,
    error: Schema.Union(priceErrors)
  }).middleware(RpcRequireConvertScope),
  /** Streams rate changes of all pairs, or of some (`USD:NGN`), from now or from a stream position. */
  Rpc.make("WatchRates", {
    payload: { pairs: optional(Schema.Array(Schema.String)), since: optional(StreamPositionText) },
    success: RateEventMessage,
    error: Schema.Union(watchErrors),
    stream: true
  }).middleware(RpcOptionalAuthentication),
  /** Streams a heartbeat immediately and every 15 seconds. */
  Rpc.make("WatchHeartbeats", {
    success: HeartbeatMessage,
    error: Problem.RateLimited,
    stream: true
  }).middleware(RpcOptionalAuthentication),
  /** Streams finished polls. A slow subscriber receives only the latest. */
  Rpc.make("WatchPolls", {
    success: PollMessage,
    error: Problem.RateLimited,
    stream: true
  }).middleware(RpcOptionalAuthentication)
) {}
