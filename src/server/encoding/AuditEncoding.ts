import { type AuditEntry, allFieldsInOrder } from "../../domain/conversion/AuditRecord.ts"
import type * as Export from "./Export.ts"

/** Export layout of audit records. `position` is the last column, so that the others keep their places. */
export const LAYOUT: Export.Layout<AuditEntry> = {
  name: "conversions",
  columns: [
    ...allFieldsInOrder([
      "audit_id",
      "converted_at",
      "from_currency",
      "to_currency",
      "amount_type",
      "input_amount",
      "output_amount",
      "exact_output",
      "residual",
      "mid_rate",
      "margin",
      "rate",
      "rate_id",
      "provider",
      "rate_fetched_at",
      "stale",
      "quote_id",
      "reference",
      "principal"
    ]),
    "position"
  ]
}
