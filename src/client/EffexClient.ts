import { Context, type Duration, Effect, Layer, type Stream } from "effect"
import type { ConversionResult, QuoteResult } from "../api/conversion/ConversionResult.ts"
import type { PollMessage } from "../api/polling/PollMessage.ts"
import type * as Problem from "../api/Problem.ts"
import type { RateEventMessage } from "../api/rates/RateEventMessage.ts"
import type { RateMessage } from "../api/rates/RateMessage.ts"
import type { AmountType } from "../domain/conversion/Conversion.ts"
import * as RpcCalls from "./RpcCalls.ts"
import { Connection, type ConnectionOptions, type ConnectionState } from "./Connection.ts"
import type { Unreachable } from "./Unreachable.ts"
import * as Watch from "./Subscriptions.ts"

/** How fresh a rate must be. */
export interface RateOptions {
  /** An older rate is refreshed, and where it cannot be, refused: `RateTooOld`. */
  readonly maxAge?: Duration.Input | undefined
}

/** What to convert. Codes are ISO 4217, in any case. */
export interface ConversionRequest {
  /** Decimal text in major units, of `from`, or of `to` where `amountType` is `target`. */
  readonly amount: string
  readonly from: string
  readonly to: string
  /** What is paid in (`source`, where it is not set), or what must arrive (`target`). */
  readonly amountType?: AmountType | undefined
  /** Words of your own for the record, at most 100 characters. */
  readonly reference?: string | undefined
}

export interface ConvertRequest extends ConversionRequest {
  /** Uses the numbers of a quote; the rest of the request must say the same. */
  readonly quoteId?: string | undefined
  /** Repeated with the same key, it is done once. With a key, a conversion survives a lost connection. */
  readonly idempotencyKey?: string | undefined
}

export interface QuoteRequest extends ConversionRequest {
  /** How long the numbers are locked: 30 seconds where it is not set, 1 hour at most. */
  readonly ttl?: Duration.Input | undefined
}

/** Why there is no rate. A key that is given must be in force, for what needs none as well. */
export type LookupFailure =
  | Problem.InvalidRequest
  | Problem.Unauthorized
  | Problem.UnsupportedCurrency
  | Problem.UnsupportedPair
  | Problem.RateLimited
  | Problem.RateTooOld
  | Problem.RateUnavailable
  | Problem.StoreUnavailable
  | Problem.Internal
  | Unreachable

/** Why there is no conversion. */
export type ConvertFailure =
  | LookupFailure
  | Problem.Forbidden
  | Problem.NotFound
  | Problem.IdempotencyConflict
  | Problem.IdempotencyMismatch
  | Problem.QuoteExpired
  | Problem.QuoteUsed

/** Why nothing is told of the pairs. */
export type WatchFailure =
  | Problem.InvalidRequest
  | Problem.Unauthorized
  | Problem.UnsupportedCurrency
  | Problem.UnsupportedPair

/**
 * A server's rates and conversions. The connection is made anew whenever it is lost; streams begin again where they
 * were, for ever. A call that finds no connection waits `connectTimeout` for one, then fails with `Unreachable`.
 */
export class EffexClient extends Context.Service<
  EffexClient,
  {
    /** The latest rate: units of `to` for one unit of `from`. Sent again once where the connection is lost. */
    readonly rate: (
      from: string,
      to: string,
      options?: RateOptions
    ) => Effect.Effect<RateMessage, LookupFailure>
    /** Every known rate, of one source currency or of all. Sent again once where the connection is lost. */
    readonly rates: (
      base?: string
    ) => Effect.Effect<
      ReadonlyArray<RateMessage>,
      | Problem.InvalidRequest
      | Problem.Unauthorized
      | Problem.UnsupportedCurrency
      | Problem.RateLimited
      | Problem.StoreUnavailable
      | Problem.Internal
      | Unreachable
    >
    /**
     * Converts an amount; it is committed when the answer comes. Without an `idempotencyKey` it is never sent again:
     * after an `Unreachable` with `sent`, it may or may not have been done.
     */
    readonly convert: (request: ConvertRequest) => Effect.Effect<ConversionResult, ConvertFailure>
    /** Locks the numbers of a conversion for a while. */
    readonly createQuote: (
      request: QuoteRequest
    ) => Effect.Effect<QuoteResult, LookupFailure | Problem.Forbidden>
    /** The rate of each pair (`USD:NGN`, or all), then each rate that changes, for ever. */
    readonly watch: (pairs?: ReadonlyArray<string>) => Stream.Stream<RateMessage, WatchFailure>
    /** The same with positions: a snapshot first, or what came after `since`; a gap tells of what was left out. */
    readonly watchEvents: (options?: Watch.WatchOptions) => Stream.Stream<RateEventMessage, WatchFailure>
    /** Each poll that finishes, for ever. Those that finish while there is no connection are not told. */
    readonly watchPolls: Stream.Stream<PollMessage, Problem.Unauthorized>
    /** The state of the connection now, and every change of it. */
    readonly watchConnection: Stream.Stream<ConnectionState>
  }
>()("effex/client/EffexClient") {
  /** Over one WebSocket, in Node and in browsers alike. */
  static readonly layer = (options: ConnectionOptions): Layer.Layer<EffexClient> =>
    layerOver(options).pipe(Layer.provide(Connection.layerSocket(options)))

  /** Over HTTP, for where there are no WebSockets: a request for each call and each stream. */
  static readonly layerHttp = (options: ConnectionOptions): Layer.Layer<EffexClient> =>
    layerOver(options).pipe(Layer.provide(Connection.layerHttp(options)))
}

const layerOver = (options: ConnectionOptions) =>
  Layer.effect(
    EffexClient,
    Effect.map(Connection, (connection) => make(connection, options))
  )

const make = (connection: Connection["Service"], options: ConnectionOptions): EffexClient["Service"] => {
  const { rpcs } = connection
  const call = RpcCalls.make(connection, options)

  const watchEvents: EffexClient["Service"]["watchEvents"] = (options = {}) =>
    Watch.events(connection, options)

  return EffexClient.of({
    rate: Effect.fn("EffexClient.rate")(function* (from, to, options = {}) {
      const maxAge = yield* RpcCalls.durationOf("maxAge", options.maxAge)
      const payload = { from, to, ...(maxAge === undefined ? {} : { maxAge }) }
      yield* RpcCalls.check("GetRate", payload)
      return yield* call(rpcs.GetRate(payload), true)
    }),
    rates: Effect.fn("EffexClient.rates")(function* (base) {
      const payload = base === undefined ? {} : { base }
      yield* RpcCalls.check("ListRates", payload)
      return yield* call(rpcs.ListRates(payload), true)
    }),
    convert: Effect.fn("EffexClient.convert")(function* (request) {
      const { idempotencyKey, quoteId } = request
      const payload = {
        ...askedIn(request),
        ...(quoteId === undefined ? {} : { quoteId }),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey })
      }
      yield* RpcCalls.check("Convert", payload)
      return yield* call(rpcs.Convert(payload), idempotencyKey !== undefined)
    }),
    createQuote: Effect.fn("EffexClient.createQuote")(function* (request) {
      const ttl = yield* RpcCalls.durationOf("ttl", request.ttl)
      const payload = { ...askedIn(request), ...(ttl === undefined ? {} : { ttl }) }
      yield* RpcCalls.check("CreateQuote", payload)
      return yield* call(rpcs.CreateQuote(payload), false)
    }),
    watch: (pairs) => Watch.ratesOf(watchEvents({ pairs })),
    watchEvents,
    watchPolls: Watch.forever(connection, () => rpcs.WatchPolls()),
    watchConnection: connection.state
  })
}

const askedIn = ({ amount, amountType, from, reference, to }: ConversionRequest) => ({
  amount,
  fromCurrency: from,
  toCurrency: to,
  ...(amountType === undefined ? {} : { amountType }),
  ...(reference === undefined ? {} : { reference })
})
