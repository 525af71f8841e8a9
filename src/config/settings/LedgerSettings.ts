import { BigDecimal } from "effect"
import * as Decimal from "../../domain/money/Decimal.ts"
import { define } from "../SettingDefinition.ts"

/** Settings of the ledger. */

const MAX_DECIMALS = 18

export const LEDGER_ADJUSTMENT_LIMIT = define({
  name: "LEDGER_ADJUSTMENT_LIMIT",
  defaultValue: BigDecimal.make(0n, 0),
  defaultText: "0",
  description:
    "Largest adjustment of a balance that one administrator can post alone, in units of the asset. A larger one needs the approval of a second administrator; with 0, every one does",
  allowed: "a decimal number from 0, in plain digits",
  parse: (text: string) => Decimal.parse(text, MAX_DECIMALS)
})

/** Settings of the ledger, by the names of their values. */
export const ledgerSettings = {
  /** Largest adjustment that needs no second administrator, in units of its asset. */
  ledgerAdjustmentLimit: LEDGER_ADJUSTMENT_LIMIT
}
