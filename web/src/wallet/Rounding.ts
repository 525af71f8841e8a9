import * as Decimal from "../money/Decimal.ts"

/** Numbers of a conversion or a quote. */
interface Price {
  readonly inputAmount: string
  readonly outputAmount: string
  readonly rate: string
}

/** Returns what rounding takes from what is received: `input × rate − output`, with all its digits. */
export const residualOf = ({ inputAmount, outputAmount, rate }: Price): string =>
  Decimal.toText(
    Decimal.trim(
      Decimal.subtract(Decimal.multiply(Decimal.of(inputAmount), Decimal.of(rate)), Decimal.of(outputAmount))
    )
  )
