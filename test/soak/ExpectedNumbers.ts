import { minorUnitOf } from "./Currencies.ts"

/** Decimals as whole numbers of 10^-60: nothing here is shared with the program that is tested. */
const PLACES = 60
const ONE = 10n ** BigInt(PLACES)

/** What a decimal text writes; fails loudly for anything else. */
export const units = (text: string): bigint => {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`${text} is no plain decimal`)
  const [whole = "", fraction = ""] = text.split(".")
  return BigInt(whole + fraction.padEnd(PLACES, "0"))
}

const times = (a: bigint, b: bigint) => (a * b) / ONE

/** The numbers of a conversion, as they were told. */
export interface Told {
  readonly from_currency: string
  readonly to_currency: string
  readonly input_amount: string
  readonly output_amount: string
  readonly mid_rate: string
  readonly margin: string
  readonly rate: string
}

/** What was asked for. */
export interface AskedAmount {
  readonly amount: string
  readonly amountType: "source" | "target"
  readonly margin: string
}

/** What is wrong with the numbers of a conversion by the formula of the contract; nothing where they are exact. */
export const faultsOf = (told: Told, asked: AskedAmount): ReadonlyArray<string> => {
  const [input, output] = [units(told.input_amount), units(told.output_amount)]
  const rate = times(units(told.mid_rate), ONE - units(asked.margin))
  const exact = times(input, rate)
  const cent = (code: string) => 10n ** BigInt(PLACES - minorUnitOf(code))
  const laws: ReadonlyArray<readonly [boolean, string]> = [
    [units(told.margin) === units(asked.margin), `the margin is ${asked.margin}`],
    [units(told.rate) === rate, "the rate is the mid rate less the margin"],
    ...(asked.amountType === "source"
      ? ([
          [input === units(asked.amount), `the amount paid is ${asked.amount}`],
          [output <= exact && exact - output < cent(told.to_currency), "what arrives is rounded down, once"]
        ] as const)
      : ([
          [output === units(asked.amount), `the amount that arrives is ${asked.amount}`],
          [
            exact >= output && times(input - cent(told.from_currency), rate) < output,
            "what is paid is rounded up, once"
          ]
        ] as const))
  ]
  return laws.filter(([holds]) => !holds).map(([, law]) => law)
}

/** What is wrong with the exact output and the residual of an audit record. */
export const residualFaultsOf = (
  told: Told & { readonly exact_output: string; readonly residual: string }
): ReadonlyArray<string> => {
  const exact = times(units(told.input_amount), units(told.rate))
  return [
    ...(units(told.exact_output) === exact ? [] : ["the exact output is the input at the rate"]),
    ...(units(told.residual) === exact - units(told.output_amount)
      ? []
      : ["the residual is what rounding left over"])
  ]
}
