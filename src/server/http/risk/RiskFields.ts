import { DateTime, Option, Schema } from "effect"
import type { ReviewMessage, RiskDecisionMessage } from "../../../api/risk/RiskMessage.ts"
import type { TransferStateMessage } from "../../../api/wallets/TransferMessage.ts"
import type { ConversionStateMessage } from "../../../api/wallets/WalletConversionMessage.ts"
import * as Decimal from "../../../domain/money/Decimal.ts"
import type { FiredRule } from "../../../domain/risk/Assessment.ts"
import type { Review, ReviewedOrder, RiskDecision } from "../../../domain/risk/Review.ts"
import { RiskRules } from "../../../domain/risk/RiskRules.ts"
import { MINOR_UNIT } from "../../../domain/orders/PriceLock.ts"
import type { ActiveRiskRules } from "../../../risk/RiskRuleSettings.ts"

/** Formats an amount with all decimals of its asset. */
type Format = (amount: RiskDecision["amount"], asset: string) => string

const encodeRules = Schema.encodeSync(RiskRules)

const ruleFields = ({ detail, outcome, remaining, rule }: FiredRule) => ({
  rule,
  outcome,
  detail,
  remaining: remaining === null ? null : Decimal.format(remaining.amount),
  resets_at: remaining === null ? null : DateTime.formatIso(remaining.resetsAt)
})

const movementFields = (decision: RiskDecision, format: Format) => ({
  wallet_id: decision.wallet,
  username: decision.username,
  kind: decision.kind,
  asset: decision.asset,
  amount: format(decision.amount, decision.asset),
  value: decision.value === null ? null : Decimal.format(decision.value),
  rules: decision.rules.map(ruleFields),
  created_at: DateTime.formatIso(decision.at)
})

export const decisionFields =
  (format: Format) =>
  (decision: RiskDecision): RiskDecisionMessage => ({
    id: decision.id,
    outcome: decision.outcome,
    transfer_id: decision.transfer,
    ...movementFields(decision, format)
  })

export const reviewFields =
  (format: Format) =>
  (review: Review): ReviewMessage => ({
    id: review.id,
    state: review.state,
    ...movementFields(review.decision, format),
    counterparty: review.counterparty,
    note: review.note,
    order: review.order === null ? null : orderFields(review.order, format),
    conversion: review.conversion,
    expires_at: DateTime.formatIso(review.expiresAt),
    decided_by: review.decidedBy,
    decided_at: review.decidedAt === null ? null : DateTime.formatIso(review.decidedAt),
    reason: review.reason,
    transfer_id: review.transfer
  })

const orderFields = (order: ReviewedOrder, format: Format) => ({
  side: order.side,
  asset: order.asset,
  amount: format(order.amount, order.asset),
  price: Decimal.padDecimals(Decimal.format(order.price), MINOR_UNIT),
  total_price: Decimal.padDecimals(Decimal.format(order.total), MINOR_UNIT),
  state: order.state,
  reason: order.reason
})

/** A transfer cannot be cancelled. */
const STATES = {
  pending: "held-for-review",
  approved: "completed",
  rejected: "rejected",
  expired: "expired",
  cancelled: "rejected"
} as const

const CONVERSION_STATES = { ...STATES, cancelled: "cancelled" } as const

/** Converts a review to the message of its sender, which hides the rules that fired and the administrator who decided. */
export const heldTransferFields =
  (format: Format) =>
  ({ counterparty, decision, id, note, state, transfer }: Review): TransferStateMessage => ({
    id,
    state: STATES[state],
    type: "transfer",
    asset: decision.asset,
    amount: format(decision.amount, decision.asset),
    counterparty,
    note,
    created_at: DateTime.formatIso(decision.at),
    transaction_id: state === "approved" ? transfer : null
  })

/** Converts the review of a conversion to the message of its user. */
export const heldConversionFields =
  (format: Format) =>
  ({ conversion, decision, id, state, transfer }: Review): ConversionStateMessage => ({
    id,
    state: CONVERSION_STATES[state],
    type: "conversion",
    asset: decision.asset,
    amount: format(decision.amount, decision.asset),
    to: conversion?.to ?? decision.asset,
    reference: conversion?.reference ?? null,
    created_at: DateTime.formatIso(decision.at),
    transaction_id: state === "approved" ? transfer : null
  })

export const rulesFields = ({ latestChange, rules, source, version }: ActiveRiskRules) => ({
  rules: encodeRules(rules),
  source,
  version,
  changed_at: Option.getOrNull(Option.map(latestChange, ({ at }) => DateTime.formatIso(at))),
  changed_by: Option.getOrNull(Option.map(latestChange, ({ principal }) => principal))
})
