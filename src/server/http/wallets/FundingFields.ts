import { DateTime } from "effect"
import type { FundingMessage, ManagedFundingMessage } from "../../../api/wallets/FundingMessage.ts"
import type { FundingRequest } from "../../../domain/wallets/Funding.ts"
import type { formatterOf } from "./TransactionFields.ts"

type Format = ReturnType<typeof formatterOf>

/** Converts a request to a message. */
export const fundingFields =
  (format: Format) =>
  (request: FundingRequest): FundingMessage => ({
    id: request.id,
    direction: request.direction,
    state: request.state,
    asset: request.asset,
    amount: format(request.amount, request.asset),
    sandbox: request.provider === "sandbox",
    note: request.note,
    reference: request.reference,
    reason: request.reason,
    // The posting that releases a hold moves nothing, so the statement does not have it.
    transaction_id: request.state === "completed" ? request.transferId : null,
    created_at: DateTime.formatIso(request.requestedAt),
    settled_at: request.settledAt === null ? null : DateTime.formatIso(request.settledAt)
  })

/** Converts a request to a message for administrators. */
export const managedFundingFields =
  (format: Format) =>
  (request: FundingRequest): ManagedFundingMessage => ({
    ...fundingFields(format)(request),
    wallet_id: request.walletId,
    username: request.username,
    provider: request.provider,
    requested_by: request.requestedBy,
    settled_by: request.settledBy
  })
