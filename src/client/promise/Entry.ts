/** Entry point of `effex-client`: a client of an effex server, for Node.js and browsers, without dependencies. */
export type { AuditCalls, AuditFilter } from "./AuditCalls.ts"
export type { Client } from "./Client.ts"
export { connect, type ConnectOptions } from "./Connect.ts"
export type { ConversionCalls, ConversionRequest, ConvertRequest, QuoteRequest } from "./ConversionCalls.ts"
export { EffexError, type ErrorCode, type ErrorDetail } from "./EffexError.ts"
export type { DurationInput } from "./Options.ts"
export type { Page, PagedList } from "./Pages.ts"
export type { AsOfOptions, HistoryOptions, RateCalls, RateOptions } from "./RateCalls.ts"
export type { RateStream, StreamOptions, StreamState } from "./RateStream.ts"
export { type VerifiedReceipt, verifyReceipt } from "./ReceiptVerifier.ts"
export type { CallOptions } from "./Requests.ts"
export type { ConnectionState, StreamCalls, WatchOptions } from "./Streams.ts"
export type {
  AmountType,
  AuditHead,
  AuditRecord,
  Candle,
  Conversion,
  Asset,
  AssetKind,
  Currency,
  HistoryRate,
  ListedRate,
  Poll,
  Quote,
  Rate,
  RateAsOf,
  RateEvent,
  RateRecord,
  Receipt,
  Verification
} from "./Values.ts"
