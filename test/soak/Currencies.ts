/** Currencies of the soak, independent of the program under test. */
const currencies: Readonly<Record<string, { readonly perDollar: bigint; readonly minorUnit: number }>> = {
  // `perDollar` is the amount for 10 000 dollars.
  USD: { perDollar: 10_000n, minorUnit: 2 },
  GBP: { perDollar: 7_800n, minorUnit: 2 },
  EUR: { perDollar: 9_200n, minorUnit: 2 },
  NGN: { perDollar: 15_340_000n, minorUnit: 2 },
  KES: { perDollar: 1_290_000n, minorUnit: 2 },
  GHS: { perDollar: 156_000n, minorUnit: 2 },
  ZAR: { perDollar: 180_000n, minorUnit: 2 },
  XOF: { perDollar: 6_050_000n, minorUnit: 0 },
  UGX: { perDollar: 37_000_000n, minorUnit: 0 }
}

export const SOURCES = ["USD", "GBP", "EUR"]
export const DESTINATIONS = ["NGN", "KES", "GHS", "ZAR", "XOF", "UGX"]

/** The only pair with its own margin. */
export const PAIR_MARGIN = { pair: "USD:NGN", margin: "0.01" }
const DEFAULT_MARGIN = "0.005"

export interface Pair {
  readonly from: string
  readonly to: string
  /** For example `USD:NGN`. */
  readonly key: string
}

export const pairOf = (from: string, to: string): Pair => ({ from, to, key: `${from}:${to}` })

export const PAIRS: ReadonlyArray<Pair> = SOURCES.flatMap((from) =>
  DESTINATIONS.map((to) => pairOf(from, to))
)

export const marginOf = ({ key }: Pair): string =>
  key === PAIR_MARGIN.pair ? PAIR_MARGIN.margin : DEFAULT_MARGIN

const find = (code: string) => {
  const found = currencies[code]
  if (found === undefined) throw new Error(`${code} is not a currency of the soak`)
  return found
}

export const minorUnitOf = (code: string): number => find(code).minorUnit
export const perDollar = (code: string): bigint => find(code).perDollar
