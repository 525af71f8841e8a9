import { BigDecimal } from "effect"
import type { ConversionInput } from "../../src/conversion/ConversionInput.ts"
import * as Currency from "../../src/domain/money/Currency.ts"
import { pairOf } from "./RateTicks.ts"

/** A request to convert an amount, from USD to NGN by default. */
export const conversionRequest = (amount: string, over: Partial<ConversionInput> = {}): ConversionInput => {
  const pair = over.pair ?? pairOf("USD", "NGN")
  return {
    pair,
    from: Currency.get(pair.from),
    to: Currency.get(pair.to),
    amount: BigDecimal.fromStringUnsafe(amount),
    amountType: "source",
    reference: null,
    principal: "tester",
    owner: [over.principal ?? "tester"],
    quoteId: null,
    idempotencyKey: undefined,
    ...over
  }
}
