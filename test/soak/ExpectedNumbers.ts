import { minorUnitOf } from "./Currencies.ts"

/** Decimals as integers in units of 10^-60, independent of the program under test. */
const PLACES = 60
const ONE = 10n ** BigInt(PLACES)

/** Parses a plain decimal. Throws for any other text. */
export const units = (text: string): bigint => {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`${text} is not a plain decimal`)
  const [whole = "", fraction = ""] = text.split(".")
  return BigInt(whole + fraction.padEnd(PLACES, "0"))
}

const times = (a: bigint, b: bigint) => (a * b) / ONE

/** Numbers of a conversion, as the API returned them. */
export interface ReceivedNumbers {
  readonly from_currency: string
  readonly to_currency: string
  readonly input_amount: string
  readonly output_amount: string
  readonly mid_rate: string
  readonly margin: string
  readonly rate: string
}

/** The requested conversion. */
export interface RequestedAmount {
  readonly amount: string
  readonly amountType: "source" | "target"
  readonly margin: string
}

/** Returns the rules of the contract that the numbers violate. */
export const violatedRules = (
  received: ReceivedNumbers,
  requested: RequestedAmount
): ReadonlyArray<string> => {
  const [input, output] = [units(received.input_amount), units(received.output_amount)]
  const rate = times(units(received.mid_rate), ONE - units(requested.margin))
  const exact = times(input, rate)
  const minorUnit = (code: string) => 10n ** BigInt(PLACES - minorUnitOf(code))
  const rules: ReadonlyArray<readonly [boolean, string]> = [
    [units(received.margin) === units(requested.margin), `the margin is ${requested.margin}`],
    [units(received.rate) === rate, "the rate is the mid rate minus the margin"],
    ...(requested.amountType === "source"
      ? ([
          [input === units(requested.amount), `the input is ${requested.amount}`],
          [
            output <= exact && exact - output < minorUnit(received.to_currency),
            "the output is rounded down once"
          ]
        ] as const)
      : ([
          [output === units(requested.amount), `the output is ${requested.amount}`],
          [
            exact >= output && times(input - minorUnit(received.from_currency), rate) < output,
            "the input is rounded up once"
          ]
        ] as const))
  ]
  return rules.filter(([holds]) => !holds).map(([, rule]) => rule)
}

/** Returns the rules that the exact output and the residual of an audit record violate. */
export const violatedResidualRules = (
  received: ReceivedNumbers & { readonly exact_output: string; readonly residual: string }
): ReadonlyArray<string> => {
  const exact = times(units(received.input_amount), units(received.rate))
  return [
    ...(units(received.exact_output) === exact ? [] : ["the exact output is input × rate"]),
    ...(units(received.residual) === exact - units(received.output_amount)
      ? []
      : ["the residual is exact output − output"])
  ]
}
