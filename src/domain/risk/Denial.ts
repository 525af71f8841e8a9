import { BigDecimal, DateTime } from "effect"
import type { Currency } from "../money/Currency.ts"
import * as Decimal from "../money/Decimal.ts"
import { type FiredRule, remainingOf } from "./Assessment.ts"

/** Explains a denial to the user, without the rule and its limits. */
export interface Denial {
  readonly detail: string
  /** Remaining limit until `resetsAt`; null if no limit with a window was exceeded. */
  readonly remaining: string | null
  /** Currency of `remaining`, or `movements`. */
  readonly unit: string | null
  readonly resetsAt: DateTime.Utc | null
}

const NOT_ALLOWED: Denial = {
  detail: "This movement is not allowed; ask the operator",
  remaining: null,
  unit: null,
  resetsAt: null
}

/** Explains the rules that denied a movement. `remaining` is rounded down to the minor unit of the currency. */
export const ofRules = (
  fired: ReadonlyArray<FiredRule>,
  { code, minorUnit }: Pick<Currency, "code" | "minorUnit">
): Denial => {
  const left = remainingOf(fired)
  if (left === undefined) return NOT_ALLOWED
  const { amount, resetsAt } = left
  const remaining =
    left.unit === "value"
      ? Decimal.formatFixed(BigDecimal.round(amount, { scale: minorUnit, mode: "floor" }), minorUnit)
      : Decimal.format(amount)
  const unit = left.unit === "value" ? code : "movements"
  return {
    detail: `This movement exceeds a limit: ${remaining} ${unit} can be moved until ${DateTime.formatIso(resetsAt)}; retry then with a new Idempotency-Key, or move less`,
    remaining,
    unit,
    resetsAt
  }
}
