import { Cause, Context, Deferred, type Duration, Effect, Exit, ManagedRuntime, Stream } from "effect"
import type { ConnectionState } from "./Connection.ts"
import { type ConvertRequest, EffexClient, type QuoteRequest, type RateOptions } from "./EffexClient.ts"
import * as Values from "./PromiseValues.ts"
import { Unreachable } from "./Unreachable.ts"
import type { WatchOptions } from "./Subscriptions.ts"

/** Options of {@link connect}. */
export interface ConnectOptions {
  /** Maximum time that a call waits for a connection. Default: 10 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** API key (`efx_live_…` or `efx_test_…`), for calls that need one. */
  readonly apiKey?: string | undefined
  /** `websocket` (default) multiplexes everything over one connection; `http` sends a request per call and stream. */
  readonly transport?: "websocket" | "http" | undefined
}

/**
 * Client of an effex server with promises and async iterables.
 *
 * Rates and amounts are decimal strings; times are `Date`s. Errors are thrown as `Error` objects with the `code`,
 * `status`, `detail` and `retryable` of the API. Reconnects automatically, and iterables resume at their last position.
 * Leaving a `for await` loop ends its subscription.
 */
export interface PromiseClient extends AsyncDisposable {
  /** Returns the latest rate: units of `to` per unit of `from`. */
  rate(from: string, to: string, options?: RateOptions): Promise<Values.Rate>
  /** Returns the latest rates of all pairs, or of one source currency. */
  rates(base?: string): Promise<ReadonlyArray<Values.Rate>>
  /** Converts an amount. The audit record is committed before the promise resolves. */
  convert(request: ConvertRequest): Promise<Values.Conversion>
  /** Locks the rate and amounts of a conversion for `ttl`. */
  createQuote(request: QuoteRequest): Promise<Values.Quote>
  /** Yields the latest rate of each pair (such as `USD:NGN`; default: all), then each change. Never ends. */
  watch(pairs?: ReadonlyArray<string>): AsyncIterable<Values.Rate>
  /** Yields events with stream positions: a snapshot, or the changes after `since`. */
  watchEvents(options?: WatchOptions): AsyncIterable<Values.RateEvent>
  /** Yields finished polls. Never ends. */
  watchPolls(): AsyncIterable<Values.Poll>
  /** Yields the current connection state and every change of it. */
  watchConnection(): AsyncIterable<ConnectionState>
  /** Ends all iterables, fails pending calls and closes the connection. */
  close(): Promise<void>
}

/**
 * Creates a client of the server at a URL such as `http://127.0.0.1:8000`. Connects on the first call. Throws a TypeError
 * if the URL is not http or https.
 */
export const connect = (
  url: string,
  { apiKey, connectTimeout, transport }: ConnectOptions = {}
): PromiseClient => {
  const options = { url, apiKey, connectTimeout }
  const runtime = ManagedRuntime.make(
    transport === "http" ? EffexClient.layerHttp(options) : EffexClient.layer(options)
  )
  const closed = Deferred.makeUnsafe<void>()
  const isClosed = () => Deferred.isDoneUnsafe(closed)

  const run = async <A, B, E>(
    call: (client: EffexClient["Service"]) => Effect.Effect<A, E>,
    toValue: (message: A) => B
  ): Promise<B> => {
    if (isClosed()) throw closedError(false)
    const response = Effect.flatMap(EffexClient, call)
    const exit = await runtime.runPromiseExit(Effect.raceFirst(response, failOnClose(closed)))
    if (Exit.isSuccess(exit)) return toValue(exit.value)
    throw Cause.squash(exit.cause)
  }

  const iterate = <A, B, E>(
    watch: (client: EffexClient["Service"]) => Stream.Stream<A, E>,
    toValue: (message: A) => B
  ): AsyncIterable<B> =>
    Stream.suspend(() =>
      isClosed()
        ? Stream.empty
        : Stream.unwrap(
            Effect.map(runtime.contextEffect, (context) => watch(Context.get(context, EffexClient)))
          )
    ).pipe(Stream.map(toValue), Stream.interruptWhen(Deferred.await(closed)), Stream.toAsyncIterable)

  const close = async () => {
    Deferred.doneUnsafe(closed, Exit.void)
    await runtime.dispose()
  }

  return {
    rate: (from, to, options) => run((client) => client.rate(from, to, options), Values.rateOf),
    rates: (base) =>
      run(
        (client) => client.rates(base),
        (rates) => rates.map(Values.rateOf)
      ),
    convert: (request) => run((client) => client.convert(request), Values.conversionOf),
    createQuote: (request) => run((client) => client.createQuote(request), Values.quoteOf),
    watch: (pairs) => iterate((client) => client.watch(pairs), Values.rateOf),
    watchEvents: (options) => iterate((client) => client.watchEvents(options), Values.eventOf),
    watchPolls: () => iterate((client) => client.watchPolls, Values.pollOf),
    watchConnection: () =>
      iterate(
        (client) => client.watchConnection,
        (state) => state
      ),
    close,
    [Symbol.asyncDispose]: close
  }
}

const closedError = (sent: boolean) =>
  new Unreachable({ detail: "The client was closed", sent, retryable: false })

const failOnClose = (closed: Deferred.Deferred<void>) =>
  Effect.andThen(
    Deferred.await(closed),
    Effect.suspend(() => Effect.fail(closedError(true)))
  )
