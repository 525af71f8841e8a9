import { BigDecimal, DateTime, Option } from "effect"
import type { TransactionMessage } from "../../../api/wallets/TransactionMessage.ts"
import type { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import * as Decimal from "../../../domain/money/Decimal.ts"
import { formatAmount } from "../../../domain/wallets/Wallet.ts"
import type { StatementRow } from "../../../wallets/StatementRow.ts"
import type * as Export from "../../encoding/Export.ts"

/** Formats amounts with all decimals of their asset. */
export const formatterOf =
  ({ find }: Pick<AssetCatalog["Service"], "find">) =>
  (value: BigDecimal.BigDecimal, code: string) =>
    Option.match(find(code), {
      // A node that has not read the newest catalogue yet.
      onNone: () => Decimal.format(value),
      onSome: (asset) => formatAmount(value, asset)
    })

/** Converts a row of a statement to a message. */
export const transactionFields =
  (format: ReturnType<typeof formatterOf>) =>
  (row: StatementRow): TransactionMessage => ({
    id: row.id,
    type: row.kind,
    asset: row.asset,
    amount: format(BigDecimal.abs(row.change), row.asset),
    change: format(row.change, row.asset),
    balance: format(row.balance, row.asset),
    counterparty: row.counterparty,
    note: row.note,
    reference: row.reference,
    order_id: row.orderId,
    conversion_id: row.conversionId,
    created_at: DateTime.formatIso(row.postedAt)
  })

/** Export layout of movements. */
export const LAYOUT: Export.Layout<TransactionMessage> = {
  name: "transactions",
  columns: [
    "created_at",
    "type",
    "asset",
    "change",
    "balance",
    "amount",
    "counterparty",
    "note",
    "reference",
    "order_id",
    "conversion_id",
    "id"
  ]
}
