import { DateTime, Effect } from "effect"
import * as Problem from "../../../api/Problem.ts"
import type { ConversionNotCancellable, QuoteMismatch } from "../../../domain/conversion/ConversionErrors.ts"
import type { MovementDenied } from "../../../domain/wallets/Movement.ts"
import type * as Wallet from "../../../domain/wallets/Wallet.ts"
import * as Problems from "../../middleware/Problems.ts"

// Handlers for `Effect.catchTags` that convert errors of wallets to problems.

export const recipientErrors = {
  ...Problems.storeErrors,
  RecipientNotFound: ({ message }: Wallet.RecipientNotFound) =>
    Effect.fail(new Problem.RecipientNotFound({ detail: message })),
  SameWallet: ({ message }: Wallet.SameWallet) => Effect.fail(new Problem.SameWallet({ detail: message }))
}

export const movementErrors = {
  InsufficientFunds: ({ available, message }: Wallet.InsufficientFunds) =>
    Effect.fail(new Problem.InsufficientFunds({ detail: message, available })),
  MovementDenied: ({ message, remaining, resetsAt, unit }: MovementDenied) =>
    Effect.fail(
      new Problem.LimitExceeded({
        detail: message,
        remaining,
        unit,
        resets_at: resetsAt === null ? null : DateTime.formatIso(resetsAt)
      })
    )
}

export const transferErrors = {
  ...recipientErrors,
  ...Problems.idempotentErrors,
  ...movementErrors
}

// The ledger serializes requests with one key, so that none has to be refused.
const { IdempotencyConflict: _, ...sharedConversionErrors } = Problems.conversionErrors

export const conversionErrors = {
  ...sharedConversionErrors,
  ...movementErrors,
  QuoteMismatch: ({ field, quoted }: QuoteMismatch) => {
    // The fields of a wallet have shorter names.
    const name = field.replace("_currency", "")
    return Effect.fail(Problems.invalid(`/body/${name}`, `must be ${quoted}, as in the quote`))
  }
}

export const cancelErrors = {
  ...Problems.storeErrors,
  ConversionNotCancellable: ({ message }: ConversionNotCancellable) =>
    Effect.fail(new Problem.ConversionNotCancellable({ detail: message }))
}
