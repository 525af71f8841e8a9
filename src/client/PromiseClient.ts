import { Cause, Context, Deferred, type Duration, Effect, Exit, ManagedRuntime, Stream } from "effect"
import type { ConnectionState } from "./Connection.ts"
import { type ConvertRequest, EffexClient, type QuoteRequest, type RateOptions } from "./EffexClient.ts"
import * as Plain from "./PromiseValues.ts"
import { Unreachable } from "./Unreachable.ts"
import type { WatchOptions } from "./Subscriptions.ts"

/** How {@link connect} connects. */
export interface ConnectOptions {
  /** How long a call waits for a connection before it fails; 10 seconds where it is not set. */
  readonly connectTimeout?: Duration.Input | undefined
  /** A key of the server, `efx_live_…` or `efx_test_…`, for what needs one. */
  readonly apiKey?: string | undefined
  /** One `websocket` for everything, where it is not set, or an `http` request for each call and each loop. */
  readonly transport?: "websocket" | "http" | undefined
}

/**
 * {@link EffexClient} with promises and loops.
 *
 * Rates and amounts are strings of decimal digits, times are `Date`s. What fails is thrown as an `Error` with the
 * contract's `code`, `status`, `detail` and `retryable`. The connection is made anew whenever it is lost, and loops go on
 * where they were. Leaving a loop ends its subscription.
 */
export interface PromiseClient extends AsyncDisposable {
  /** The latest rate: units of `to` for one unit of `from`. */
  rate(from: string, to: string, options?: RateOptions): Promise<Plain.Rate>
  /** Every known rate, of one source currency or of all. */
  rates(base?: string): Promise<ReadonlyArray<Plain.Rate>>
  /** Converts an amount; it is committed when the answer comes. */
  convert(request: ConvertRequest): Promise<Plain.Conversion>
  /** Locks the numbers of a conversion for a while. */
  createQuote(request: QuoteRequest): Promise<Plain.Quote>
  /** The rate of each pair (`USD:NGN`, or all), then each rate that changes, for ever. */
  watch(pairs?: ReadonlyArray<string>): AsyncIterable<Plain.Rate>
  /** The same with positions: a snapshot first, or what came after `since`. */
  watchEvents(options?: WatchOptions): AsyncIterable<Plain.RateEvent>
  /** Each poll that finishes, for ever. */
  watchPolls(): AsyncIterable<Plain.Poll>
  /** The state of the connection now, and every change of it. */
  watchConnection(): AsyncIterable<ConnectionState>
  /** Ends every loop and the connection; calls that are under way fail. */
  close(): Promise<void>
}

/**
 * A client of the server at a URL such as `http://127.0.0.1:8000`. It connects when it is first asked. Throws a TypeError
 * for what is not http(s).
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

  const ask = async <A, B, E>(
    call: (client: EffexClient["Service"]) => Effect.Effect<A, E>,
    toPlain: (answer: A) => B
  ): Promise<B> => {
    if (isClosed()) throw closedError(false)
    const answer = Effect.flatMap(EffexClient, call)
    const exit = await runtime.runPromiseExit(Effect.raceFirst(answer, failWhen(closed)))
    if (Exit.isSuccess(exit)) return toPlain(exit.value)
    throw Cause.squash(exit.cause)
  }

  const loop = <A, B, E>(
    watch: (client: EffexClient["Service"]) => Stream.Stream<A, E>,
    toPlain: (told: A) => B
  ): AsyncIterable<B> =>
    Stream.suspend(() =>
      isClosed()
        ? Stream.empty
        : Stream.unwrap(
            Effect.map(runtime.contextEffect, (context) => watch(Context.get(context, EffexClient)))
          )
    ).pipe(Stream.map(toPlain), Stream.interruptWhen(Deferred.await(closed)), Stream.toAsyncIterable)

  const close = async () => {
    Deferred.doneUnsafe(closed, Exit.void)
    await runtime.dispose()
  }

  return {
    rate: (from, to, options) => ask((client) => client.rate(from, to, options), Plain.rateOf),
    rates: (base) =>
      ask(
        (client) => client.rates(base),
        (rates) => rates.map(Plain.rateOf)
      ),
    convert: (request) => ask((client) => client.convert(request), Plain.conversionOf),
    createQuote: (request) => ask((client) => client.createQuote(request), Plain.quoteOf),
    watch: (pairs) => loop((client) => client.watch(pairs), Plain.rateOf),
    watchEvents: (options) => loop((client) => client.watchEvents(options), Plain.eventOf),
    watchPolls: () => loop((client) => client.watchPolls, Plain.pollOf),
    watchConnection: () =>
      loop(
        (client) => client.watchConnection,
        (state) => state
      ),
    close,
    [Symbol.asyncDispose]: close
  }
}

const closedError = (sent: boolean) =>
  new Unreachable({ detail: "The client was closed", sent, retryable: false })

const failWhen = (closed: Deferred.Deferred<void>) =>
  Effect.andThen(
    Deferred.await(closed),
    Effect.suspend(() => Effect.fail(closedError(true)))
  )
