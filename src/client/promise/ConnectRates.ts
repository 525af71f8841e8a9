/// <reference lib="esnext.disposable" preserve="true" />
import * as Access from "./Access.ts"
import * as AssetCalls from "./rates/AssetCalls.ts"
import * as Options from "./Options.ts"
import * as RateCalls from "./rates/RateCalls.ts"
import * as Streams from "./streams/Streams.ts"

/** The part of `Client` that reads rates, prices and their streams. */
export interface RatesClient
  extends RateCalls.RateCalls, AssetCalls.AssetCalls, Streams.StreamCalls, AsyncDisposable {
  /** Ends all streams and fails pending calls. */
  close(): Promise<void>
}

/** Creates a client like `connect` that only reads rates and prices. A bundle with it is half as large. */
export const connectRates = (url: string | URL, options: Access.AccessOptions = {}): RatesClient => {
  Options.requireKnown("connectRates", options, Access.ACCESS_OPTIONS)
  const { access, close, streams } = Access.make(url, options)
  return {
    ...RateCalls.make(access),
    ...AssetCalls.make(access),
    ...Streams.make(access, streams),
    close,
    [Symbol.asyncDispose]: close
  }
}
