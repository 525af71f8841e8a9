/// <reference lib="esnext.disposable" preserve="true" />
import type { AccountCalls } from "./accounts/AccountCalls.ts"
import type { AssetCalls } from "./AssetCalls.ts"
import type { AuditCalls } from "./AuditCalls.ts"
import type { ConversionCalls } from "./ConversionCalls.ts"
import type { RateCalls } from "./RateCalls.ts"
import type { StreamCalls } from "./streams/Streams.ts"
import type { TransferCalls } from "./wallets/TransferCalls.ts"

/**
 * Client of an effex server, with promises and async iterables.
 *
 * Rates and amounts are decimal text; times are `Date`s. Every failure is an `EffexError`. Calls that are safe to repeat
 * are retried; streams reconnect and resume where they stopped.
 */
export interface Client
  extends RateCalls, AssetCalls, ConversionCalls, AuditCalls, StreamCalls, AsyncDisposable {
  /** The account of the user. */
  readonly accounts: AccountCalls
  /** Transfers to other users. */
  readonly transfers: TransferCalls
  /** Ends all streams and fails pending calls. */
  close(): Promise<void>
}
