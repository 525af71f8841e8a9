/** Entry point of `effex-client`: a client of an effex server, for Node.js and browsers, without dependencies. */
export type {
  AccountCalls,
  LoginRequest,
  RegisterRequest,
  SecurityEventOptions
} from "./accounts/AccountCalls.ts"
export type { MfaEnrollment, MfaStatus, SecurityEvent, User, UserSession } from "./accounts/AccountValues.ts"
export type { MfaCalls, MfaProof } from "./accounts/MfaCalls.ts"
export type { TokenStorage } from "./accounts/TokenStore.ts"
export type { AdminCalls } from "./admin/AdminCalls.ts"
export type { ChangeOptions, ListOptions, Reason } from "./admin/AdminRequests.ts"
export type { AssetAdminCalls, AssetDefinition } from "./admin/AssetAdminCalls.ts"
export type { KeyCalls, NewApiKey } from "./admin/KeyCalls.ts"
export type { LedgerCalls } from "./admin/LedgerCalls.ts"
export type { OptionalReason, PollerCalls, QuarantineCalls } from "./admin/OperationCalls.ts"
export type { OverviewCalls } from "./admin/OverviewCalls.ts"
export type {
  ActiveSetting,
  ApiKey,
  Backlog,
  CreatedApiKey,
  FiringAlert,
  KeyScope,
  OperatorPoll,
  Overview,
  Poller,
  PollerChange,
  PollerSetting,
  QuarantinedRate,
  QuarantineReason,
  QuarantineRecord,
  QuarantineStatus,
  Readiness
} from "./admin/OperationValues.ts"
export type { ReviewCalls, RiskCalls } from "./admin/RiskCalls.ts"
export type { BatchCalls, FundingAdminCalls } from "./admin/SettlementCalls.ts"
export type { UserAdminCalls } from "./admin/UserAdminCalls.ts"
export type {
  AdminAction,
  CatalogAsset,
  CatalogChange,
  ManagedFunding,
  ManagedUser
} from "./admin/AdminValues.ts"
export type {
  Adjustment,
  LedgerAccount,
  LedgerEntry,
  LedgerTransfer,
  LedgerVerification,
  TrialBalance
} from "./admin/LedgerValues.ts"
export type {
  ActiveRiskRules,
  FiredRule,
  Review,
  ReviewState,
  RiskDecision,
  RiskRules
} from "./admin/RiskValues.ts"
export type { Batch, BatchDetail, BatchState } from "./admin/SettlementValues.ts"
export type { OrderCalls, OrderFilter, OrderRequest } from "./orders/OrderCalls.ts"
export type {
  Order,
  OrderAllocation,
  OrderDetail,
  OrderSide,
  OrderState,
  OrderTerms,
  OrderWaitReason
} from "./orders/OrderValues.ts"
export type { AssetCalls, BoardOptions } from "./rates/AssetCalls.ts"
export type { AuditCalls, AuditFilter, VerifyHeadsOptions } from "./conversion/AuditCalls.ts"
export type { Client } from "./Client.ts"
export type { AccessOptions } from "./Access.ts"
export { connect, type ConnectOptions } from "./Connect.ts"
export { type AdminClient, connectAdmin } from "./ConnectAdmin.ts"
export { connectRates, type RatesClient } from "./ConnectRates.ts"
export type {
  ConversionCalls,
  ConversionRequest,
  ConvertRequest,
  QuoteRequest
} from "./conversion/ConversionCalls.ts"
export {
  EffexError,
  type ErrorCode,
  type ErrorDetail,
  InsufficientFunds,
  LimitExceeded,
  MfaRequired,
  SessionEnded
} from "./EffexError.ts"
export type { DurationInput } from "./Options.ts"
export type { Page, PagedList } from "./Pages.ts"
export type { AsOfOptions, HistoryOptions, PollOptions, RateCalls, RateOptions } from "./rates/RateCalls.ts"
export type { EventStream, StreamOptions, StreamState } from "./streams/EventStream.ts"
export type { RateStream } from "./streams/RateStream.ts"
export { type VerifiedReceipt, verifyReceipt } from "./conversion/ReceiptVerifier.ts"
export type { CallOptions } from "./Requests.ts"
export type { ConnectionState, StreamCalls, WatchOptions } from "./streams/Streams.ts"
export type { TransferCalls, TransferRequest } from "./wallets/TransferCalls.ts"
export type { UserCalls, UserRequests } from "./UserCalls.ts"
export type { FundingCalls, FundingFilter, FundingRequest } from "./wallets/FundingCalls.ts"
export type {
  StatementFormat,
  StatementPeriod,
  TransactionFilter,
  WalletCalls
} from "./wallets/WalletCalls.ts"
export type { WalletConversionCalls, WalletConvertRequest } from "./wallets/WalletConversionCalls.ts"
export type { WatchWalletOptions } from "./wallets/WalletStream.ts"
export type {
  AccountStatement,
  Balance,
  Funding,
  FundingDirection,
  FundingReceipt,
  FundingState,
  Recipient,
  RequestedConversion,
  ReviewedConversion,
  SentTransfer,
  TotalValue,
  Transaction,
  TransactionMovements,
  Transfer,
  TransferState,
  Wallet,
  WalletAt,
  WalletConversion,
  WalletConversionState,
  WalletEvent
} from "./wallets/WalletValues.ts"
export type {
  AmountType,
  AuditHead,
  AuditKeys,
  AuditRecord,
  Candle,
  Consistency,
  Conversion,
  Asset,
  AssetKind,
  AssetPrice,
  Board,
  BoardPair,
  Currency,
  HistoryRate,
  ListedRate,
  Poll,
  PollDetails,
  PollRecord,
  Quote,
  Rate,
  RateAsOf,
  RateEvent,
  RateRecord,
  Receipt,
  Verification
} from "./Values.ts"
