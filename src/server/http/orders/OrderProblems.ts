import { Effect } from "effect"
import * as Problem from "../../../api/Problem.ts"
import type { BatchAllocated, BatchNotFound } from "../../../domain/orders/Batch.ts"
import type * as Order from "../../../domain/orders/Order.ts"
import type { AssetUnavailable } from "../../../domain/wallets/Wallet.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as WalletProblems from "../wallets/WalletProblems.ts"

// Handlers for `Effect.catchTags` that convert errors of orders to problems.

export const findErrors = {
  ...Problems.storeErrors,
  OrderNotFound: ({ message }: Order.OrderNotFound) => Effect.fail(new Problem.NotFound({ detail: message }))
}

export const cancelErrors = {
  ...findErrors,
  OrderNotCancellable: ({ message }: Order.OrderNotCancellable) =>
    Effect.fail(new Problem.OrderNotCancellable({ detail: message }))
}

export const termsErrors = {
  AssetUnavailable: ({ message }: AssetUnavailable) =>
    Effect.fail(new Problem.AssetUnavailable({ detail: message }))
}

export const placeErrors = {
  ...Problems.lookupErrors,
  ...Problems.idempotentErrors,
  ...WalletProblems.movementErrors,
  ...termsErrors,
  ClientOrderIdUsed: ({ message }: Order.ClientOrderIdUsed) =>
    Effect.fail(new Problem.IdempotencyMismatch({ detail: message })),
  OrderTooSmall: ({ message }: Order.OrderTooSmall) =>
    Effect.fail(new Problem.OrderTooSmall({ detail: message }))
}

export const batchErrors = {
  ...Problems.storeErrors,
  BatchNotFound: ({ message }: BatchNotFound) => Effect.fail(new Problem.NotFound({ detail: message }))
}

export const retryErrors = {
  ...batchErrors,
  BatchAllocated: ({ message }: BatchAllocated) =>
    Effect.fail(new Problem.AlreadyDecided({ detail: message }))
}
