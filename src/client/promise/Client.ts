/// <reference lib="esnext.disposable" preserve="true" />
import type { AssetCalls } from "./rates/AssetCalls.ts"
import type { AuditCalls } from "./conversion/AuditCalls.ts"
import type { ConversionCalls } from "./conversion/ConversionCalls.ts"
import type { RateCalls } from "./rates/RateCalls.ts"
import type { StreamCalls } from "./streams/Streams.ts"
import type { UserCalls } from "./UserCalls.ts"

/**
 * Client of an effex server, with promises and async iterables.
 *
 * Rates and amounts are decimal text; times are `Date`s. Every failure is an `EffexError`. Calls that are safe to repeat
 * are retried; streams reconnect and resume where they stopped.
 */
export interface Client
  extends RateCalls, AssetCalls, ConversionCalls, AuditCalls, StreamCalls, UserCalls, AsyncDisposable {
  /** Ends all streams and fails pending calls. */
  close(): Promise<void>
}
