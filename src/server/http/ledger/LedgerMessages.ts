import { BigDecimal, DateTime, Option } from "effect"
import type * as Message from "../../../api/ledger/LedgerMessage.ts"
import type { Adjustment } from "../../../domain/ledger/Adjustment.ts"
import type { LedgerAccount } from "../../../domain/ledger/LedgerAccount.ts"
import type {
  LedgerEntry,
  LedgerTransfer,
  TransferHold,
  TrialBalanceRow
} from "../../../domain/ledger/LedgerTransfer.ts"
import * as Decimal from "../../../domain/money/Decimal.ts"

export const ofAccount = (account: LedgerAccount): Message.LedgerAccountMessage => ({
  id: account.id,
  owner: account.owner,
  role: account.role,
  asset: account.asset,
  balance: Decimal.format(account.balance),
  held: Decimal.format(account.held),
  available: Decimal.format(account.available),
  version: account.version.toString(),
  frozen_at: Option.getOrNull(Option.map(account.frozenAt, DateTime.formatIso))
})

export const ofEntry = (entry: LedgerEntry): Message.LedgerEntryMessage => ({
  transfer_id: entry.transferId,
  account: entry.account,
  version: entry.version.toString(),
  asset: entry.asset,
  amount: Decimal.format(entry.amount),
  balance: Decimal.format(entry.balance),
  kind: entry.kind,
  posted_at: DateTime.formatIso(entry.postedAt)
})

const ofHold = ({ account, amount, holdId }: TransferHold) => ({
  hold_id: holdId,
  account,
  amount: Decimal.format(amount)
})

export const ofTransfer = (transfer: LedgerTransfer): Message.LedgerTransferMessage => ({
  id: transfer.id,
  kind: transfer.kind,
  details: transfer.details,
  posted_at: DateTime.formatIso(transfer.postedAt),
  entries: transfer.entries.map(ofEntry),
  opened_holds: transfer.opened.map(ofHold),
  ended_holds: transfer.ended.map((hold) => ({
    ...ofHold(hold),
    outcome: hold.outcome,
    posted: Decimal.format(hold.posted)
  }))
})

/** Groups the rows, which are ordered by asset. */
export const ofTrialBalance = (
  rows: ReadonlyArray<TrialBalanceRow>,
  at: DateTime.Utc | undefined
): Message.TrialBalanceMessage => {
  const assets = Array.from(
    Map.groupBy(rows, ({ asset }) => asset),
    ([asset, roles]) => ({
      asset,
      total: BigDecimal.sumAll(roles.map(({ balance }) => balance)),
      roles: roles.map(({ accounts, balance, role }) => ({
        role,
        accounts: accounts.toString(),
        balance: Decimal.format(balance)
      }))
    })
  )
  return {
    at: at === undefined ? null : DateTime.formatIso(at),
    balanced: assets.every(({ total }) => BigDecimal.isZero(total)),
    assets: assets.map(({ total, ...asset }) => ({ ...asset, total: Decimal.format(total) }))
  }
}

export const ofAdjustment = (adjustment: Adjustment): Message.AdjustmentMessage => ({
  id: adjustment.id,
  account: adjustment.account,
  asset: adjustment.asset,
  amount: Decimal.format(adjustment.amount),
  reason: adjustment.reason,
  requested_by: adjustment.requestedBy,
  requested_at: DateTime.formatIso(adjustment.requestedAt),
  state: adjustment.state,
  decided_by: adjustment.decidedBy,
  decided_at: adjustment.decidedAt === null ? null : DateTime.formatIso(adjustment.decidedAt),
  decision_reason: adjustment.decisionReason
})
