import { Context, type Duration, Effect, Layer, type Stream } from "effect"
import type { ConversionResult, QuoteResult } from "../api/conversion/ConversionResult.ts"
import type { PollMessage } from "../api/polling/PollMessage.ts"
import type * as Problem from "../api/Problem.ts"
import type { RateEventMessage } from "../api/rates/RateEventMessage.ts"
import type { RateMessage } from "../api/rates/RateMessage.ts"
import type { AmountType } from "../domain/conversion/Conversion.ts"
import * as HttpAccess from "./HttpAccess.ts"
import * as HttpCalls from "./HttpCalls.ts"
import { randomId } from "./promise/Requests.ts"
import * as RpcCalls from "./RpcCalls.ts"
import { Connection, type ConnectionOptions, type ConnectionState, validate } from "./Connection.ts"
import { Unreachable } from "./Unreachable.ts"
import * as Subscriptions from "./Subscriptions.ts"
import * as UserEffects from "./UserEffects.ts"
import * as WalletSubscription from "./WalletSubscription.ts"
import type { Exact } from "./Exact.ts"
import type { WalletEvent } from "./promise/wallets/WalletValues.ts"

/** Options of a rate lookup. */
export interface RateOptions {
  /** Maximum age of the rate. An older rate is refreshed, or the call fails with `RateTooOld`. */
  readonly maxAge?: Duration.Input | undefined
}

/** The amount and currencies to convert. Currency codes are ISO 4217, in any case. */
export interface ConversionRequest {
  /** Decimal text in major units of `from`, or of `to` if `amountType` is `target`. */
  readonly amount: string
  readonly from: string
  readonly to: string
  /** Side that `amount` fixes: the amount paid (`source`, the default) or the amount received (`target`). */
  readonly amountType?: AmountType | undefined
  /** Your own reference, stored with the audit record. At most 100 characters. */
  readonly reference?: string | undefined
}

export interface ConvertRequest extends ConversionRequest {
  /** Id of the quote to use. The other fields must match the quote. */
  readonly quoteId?: string | undefined
  /** Requests with the same key convert once. Default: a random key, which makes the retry of this call safe. */
  readonly idempotencyKey?: string | undefined
}

export interface QuoteRequest extends ConversionRequest {
  /** Validity of the quote. Default: 30 seconds. Maximum: 1 hour. */
  readonly ttl?: Duration.Input | undefined
}

/** Errors of a rate lookup. An invalid API key fails the call even if the call needs none. */
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

/** Errors of a conversion. */
export type ConvertFailure =
  | LookupFailure
  | Problem.ClockSkewed
  | Problem.SessionEnded
  | Problem.Forbidden
  | Problem.NotFound
  | Problem.IdempotencyConflict
  | Problem.IdempotencyMismatch
  | Problem.QuoteExpired
  | Problem.QuoteUsed

/** Errors of a rate stream. Temporary errors are retried and do not fail the stream. */
export type WatchFailure =
  | Problem.InvalidRequest
  | Problem.Unauthorized
  | Problem.UnsupportedCurrency
  | Problem.UnsupportedPair

/**
 * Client of an effex server. Reconnects automatically, and streams resume at their last position. A call without a
 * connection waits for one up to `connectTimeout`, then fails with `Unreachable`.
 */
export class EffexClient extends Context.Service<
  EffexClient,
  HttpCalls.HttpCalls &
    UserEffects.UserEffects & {
      /** Returns the latest rate: units of `to` per unit of `from`. Retries once if the connection is lost. */
      readonly rate: (
        from: string,
        to: string,
        options?: RateOptions
      ) => Effect.Effect<RateMessage, LookupFailure>
      /** Returns the latest rates of all pairs, or of one source currency. Retries once if the connection is lost. */
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
       * Converts an amount. The audit record is committed before the call returns. Retries once, with the same key, if the
       * connection is lost. An `Unreachable` error with `sent: true` means that the conversion may have happened: repeat it
       * with the `idempotencyKey` of the error.
       */
      readonly convert: (request: ConvertRequest) => Effect.Effect<ConversionResult, ConvertFailure>
      /** Locks the rate and amounts of a conversion for `ttl`. */
      readonly createQuote: (
        request: QuoteRequest
      ) => Effect.Effect<
        QuoteResult,
        LookupFailure | Problem.ClockSkewed | Problem.SessionEnded | Problem.Forbidden
      >
      /** Emits the latest rate of each pair (such as `USD:NGN`; default: all), then each change. Never ends. */
      readonly watch: (pairs?: ReadonlyArray<string>) => Stream.Stream<RateMessage, WatchFailure>
      /** Emits events with stream positions: a snapshot, or the changes after `since`. A gap marks skipped changes. */
      readonly watchEvents: (
        options?: Subscriptions.WatchOptions
      ) => Stream.Stream<RateEventMessage, WatchFailure>
      /** Emits all balances, then balances, transactions, orders and security events as they happen. Fails when the session ends. */
      readonly watchWallet: (
        options?: WalletSubscription.WatchWalletOptions
      ) => Stream.Stream<Exact<WalletEvent>, WalletSubscription.WatchWalletFailure>
      /** Emits finished polls. Never ends. Misses polls that finish while the client is disconnected. */
      readonly watchPolls: Stream.Stream<PollMessage, Problem.Unauthorized>
      /** Emits the current connection state and every change of it. */
      readonly watchConnection: Stream.Stream<ConnectionState>
    }
>()("effex/client/EffexClient") {
  /** Connects over one WebSocket. Throws an `EffexError` for a wrong URL or option. Works in Node and in browsers. */
  static readonly layer = (options: ConnectionOptions): Layer.Layer<EffexClient> => {
    validate(options)
    return layerOver(options).pipe(Layer.provide(Connection.layerSocket(options)))
  }

  /** Connects over HTTP, one request per call and stream, for networks without WebSockets. */
  static readonly layerHttp = (options: ConnectionOptions): Layer.Layer<EffexClient> => {
    validate(options)
    return layerOver(options).pipe(Layer.provide(Connection.layerHttp(options)))
  }
}

const layerOver = (options: ConnectionOptions) =>
  Layer.effect(
    EffexClient,
    Effect.map(Connection, (connection) => make(connection, options))
  )

const make = (connection: Connection["Service"], options: ConnectionOptions): EffexClient["Service"] => {
  const { rpcs } = connection
  const call = RpcCalls.make(connection, options)
  const access = HttpAccess.make(options)
  const { effects, user } = UserEffects.make(access, options)

  const watchEvents: EffexClient["Service"]["watchEvents"] = (options = {}) =>
    Subscriptions.watchEvents(connection, options)

  return EffexClient.of({
    ...HttpCalls.make(access),
    ...effects,
    rate: Effect.fn("EffexClient.rate")(function* (from, to, options = {}) {
      const maxAge = yield* RpcCalls.parseDuration("maxAge", options.maxAge)
      const payload = { from, to, ...(maxAge === undefined ? {} : { maxAge }) }
      yield* RpcCalls.validate("GetRate", payload)
      return yield* call(rpcs.GetRate(payload), true)
    }),
    rates: Effect.fn("EffexClient.rates")(function* (base) {
      const payload = base === undefined ? {} : { base }
      yield* RpcCalls.validate("ListRates", payload)
      return yield* call(rpcs.ListRates(payload), true)
    }),
    convert: Effect.fn("EffexClient.convert")(function* (request) {
      const { idempotencyKey = randomId(), quoteId } = request
      const payload = {
        ...payloadOf(request),
        ...(quoteId === undefined ? {} : { quoteId }),
        idempotencyKey
      }
      yield* RpcCalls.validate("Convert", payload)
      let isLost = false
      const send = Effect.tapError(rpcs.Convert(payload), (error) =>
        Effect.sync(() => (isLost ||= RpcCalls.isConnectionError(error)))
      )
      return yield* Effect.mapError(call(send, true), (error) => {
        const isUncertain = isLost && error.retryable
        if (!isUncertain) return error
        // Repeating the call would send another automatic key, and could convert a second time.
        const retryable = request.idempotencyKey !== undefined
        return new Unreachable({ detail: error.message, sent: true, retryable, idempotencyKey, cause: error })
      })
    }),
    createQuote: Effect.fn("EffexClient.createQuote")(function* (request) {
      const ttl = yield* RpcCalls.parseDuration("ttl", request.ttl)
      const payload = { ...payloadOf(request), ...(ttl === undefined ? {} : { ttl }) }
      yield* RpcCalls.validate("CreateQuote", payload)
      return yield* call(rpcs.CreateQuote(payload), false)
    }),
    watch: (pairs) => Subscriptions.distinctRates(watchEvents({ pairs })),
    watchEvents,
    watchWallet: (options = {}) => WalletSubscription.watchWallet(connection, user, options),
    watchPolls: Subscriptions.resubscribe(connection, () => rpcs.WatchPolls()),
    watchConnection: connection.state
  })
}

const payloadOf = ({ amount, amountType, from, reference, to }: ConversionRequest) => ({
  amount,
  fromCurrency: from,
  toCurrency: to,
  ...(amountType === undefined ? {} : { amountType }),
  ...(reference === undefined ? {} : { reference })
})
