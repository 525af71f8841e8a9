import { Schema } from "effect"
import {
  InvalidRequest,
  Forbidden,
  NotFound,
  MethodNotAllowed,
  PreconditionFailed,
  RequestTimeout,
  PayloadTooLarge,
  AddressTooLong,
  HeadersTooLarge,
  RateLimited,
  IdempotencyConflict,
  IdempotencyMismatch
} from "./problems/RequestProblem.ts"
import {
  Unauthorized,
  InvalidCredentials,
  MfaRequired,
  MfaState,
  SessionEnded,
  AccountLocked,
  UsernameTaken
} from "./problems/AccountProblem.ts"
import { UnsupportedCurrency, UnsupportedPair, RateTooOld, RateUnavailable } from "./problems/RateProblem.ts"
import { ConversionNotCancellable, QuoteExpired, QuoteUsed } from "./problems/ConversionProblem.ts"
import {
  InsufficientFunds,
  RecipientNotFound,
  SameWallet,
  LimitExceeded,
  FundingEnded,
  FundingRefused,
  PaymentReferenceUsed
} from "./problems/WalletProblem.ts"
import { AssetUnavailable, OrderTooSmall, OrderNotCancellable } from "./problems/OrderProblem.ts"
import {
  AlreadyDecided,
  AssetRefused,
  AdjustmentRefused,
  ReviewRefused,
  ReviewPriceMoved,
  LastAdministrator
} from "./problems/AdministrationProblem.ts"
import { Internal, StoreUnavailable, Overloaded, ClockSkewed } from "./problems/ServerProblem.ts"

export * from "./problems/RequestProblem.ts"
export * from "./problems/AccountProblem.ts"
export * from "./problems/RateProblem.ts"
export * from "./problems/ConversionProblem.ts"
export * from "./problems/WalletProblem.ts"
export * from "./problems/OrderProblem.ts"
export * from "./problems/AdministrationProblem.ts"
export * from "./problems/ServerProblem.ts"

/** Every problem that a response can contain. */
export const Problem = Schema.Union([
  InvalidRequest,
  Unauthorized,
  InvalidCredentials,
  MfaRequired,
  MfaState,
  SessionEnded,
  AccountLocked,
  UsernameTaken,
  LastAdministrator,
  Forbidden,
  NotFound,
  MethodNotAllowed,
  IdempotencyConflict,
  QuoteExpired,
  QuoteUsed,
  AlreadyDecided,
  AssetRefused,
  AdjustmentRefused,
  FundingEnded,
  PaymentReferenceUsed,
  FundingRefused,
  InsufficientFunds,
  LimitExceeded,
  ReviewRefused,
  ReviewPriceMoved,
  RecipientNotFound,
  SameWallet,
  AssetUnavailable,
  OrderTooSmall,
  OrderNotCancellable,
  ConversionNotCancellable,
  PreconditionFailed,
  RequestTimeout,
  PayloadTooLarge,
  AddressTooLong,
  HeadersTooLarge,
  UnsupportedCurrency,
  UnsupportedPair,
  IdempotencyMismatch,
  RateLimited,
  Internal,
  RateTooOld,
  RateUnavailable,
  StoreUnavailable,
  Overloaded,
  ClockSkewed
])
export type Problem = typeof Problem.Type
