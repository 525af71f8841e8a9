/** Entry point of `effex/client`: {@link connect} for promises, `EffexClient` for Effect. */
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
export { connect, type ConnectOptions, type PromiseClient } from "./PromiseClient.ts"
export type { Conversion, Poll, Quote, Rate, RateEvent } from "./PromiseValues.ts"
export { Unreachable } from "./Unreachable.ts"
export type { WatchOptions } from "./Subscriptions.ts"
