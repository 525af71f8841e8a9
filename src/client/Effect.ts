/** Entry point of `effex-client/effect`: a client of an effex server as an Effect service. */
export * as Problem from "../api/Problem.ts"
export type { RateEventMessage } from "../api/rates/RateEventMessage.ts"
export type { RateMessage } from "../api/rates/RateMessage.ts"
export type { ConversionResult, QuoteResult } from "../api/conversion/ConversionResult.ts"
export type { PollMessage } from "../api/polling/PollMessage.ts"
export type { ConnectionOptions, ConnectionState } from "./Connection.ts"
export {
  type ConversionRequest,
  type ConvertFailure,
  type ConvertRequest,
  EffexClient,
  type LookupFailure,
  type QuoteRequest,
  type RateOptions,
  type WatchFailure
} from "./EffexClient.ts"
export type { Exact } from "./Exact.ts"
export type { AsOfOptions, AuditFilter, HistoryOptions } from "./HttpCalls.ts"
export type { HttpFailure } from "./HttpFailure.ts"
export { Unreachable } from "./Unreachable.ts"
export type { UserEffects } from "./UserEffects.ts"
export type { WatchWalletFailure, WatchWalletOptions } from "./WalletSubscription.ts"
export type { WatchOptions } from "./Subscriptions.ts"
