import { Effect } from "effect"
import * as Problem from "../../../api/Problem.ts"
import type * as Errors from "../../../domain/wallets/Funding.ts"
import type { AssetUnavailable } from "../../../domain/wallets/Wallet.ts"
import * as Problems from "../../middleware/Problems.ts"
import { movementErrors } from "./WalletProblems.ts"

// Handlers for `Effect.catchTags` that convert errors of deposits and withdrawals to problems.

export const notFound = new Problem.NotFound({
  detail: "There is no deposit or withdrawal with this id"
})

export const requestErrors = {
  ...Problems.idempotentErrors,
  ...movementErrors,
  AssetUnavailable: ({ message }: AssetUnavailable) =>
    Effect.fail(new Problem.AssetUnavailable({ detail: message }))
}

export const findErrors = {
  ...Problems.storeErrors,
  FundingNotFound: () => Effect.fail(notFound)
}

export const refusalErrors = {
  ...findErrors,
  FundingEnded: ({ message, reason, reference, state }: Errors.FundingEnded) =>
    Effect.fail(new Problem.FundingEnded({ detail: message, state, reference, reason })),
  FundingRefused: ({ message }: Errors.FundingRefused) =>
    Effect.fail(new Problem.FundingRefused({ detail: message })),
  OwnFunding: ({ message }: Errors.OwnFunding) => Effect.fail(new Problem.Forbidden({ detail: message }))
}

export const confirmationErrors = {
  ...refusalErrors,
  PaymentReferenceUsed: ({ message, usedBy }: Errors.PaymentReferenceUsed) =>
    Effect.fail(new Problem.PaymentReferenceUsed({ detail: message, funding_id: usedBy }))
}
