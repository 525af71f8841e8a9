import type { HouseRole } from "../../src/wallets/Wallets.ts"

/** Currencies of the model, with their minor units. */
export const MINOR_UNITS = { USD: 2, NGN: 2, XOF: 0 } as const
export type Code = keyof typeof MINOR_UNITS
export const CODES: ReadonlyArray<Code> = ["USD", "NGN", "XOF"]

/** Mid rates in billionths. */
const RATES: Readonly<Record<string, bigint>> = {
  "USD:NGN": 1_528_035_151_500n,
  "NGN:USD": 654_435n,
  "USD:XOF": 561_230_000_000n,
  "XOF:USD": 1_781_800n,
  "NGN:XOF": 367_281_000n,
  "XOF:NGN": 2_722_710_000n
}
const BILLION = 1_000_000_000n

/** The mid rate of a pair as text. */
export const rateOf = (from: string, to: string): string => {
  const digits = String(RATES[`${from}:${to}`] ?? BILLION).padStart(10, "0")
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}

/** The margin is 5 thousandths. */
export const MARGIN = "0.005"
const [KEPT, SPREAD, THOUSAND] = [995n, 5n, 1000n] as const

/** An account of a user, by number, or of the house, by role. */
export interface Account {
  readonly owner: number | HouseRole
  readonly code: Code
}

/** Accounts of the house that the operations move. */
export const HOUSE_ROLES = [
  "funding",
  "liquidity",
  "revenue.spread",
  "revenue.rounding"
] as const satisfies ReadonlyArray<HouseRole>

/** A signed change of an account in minor units. */
export interface Change extends Account {
  readonly amount: bigint
}

/** Changes of a conversion of `amount` minor units of `from`, or to `amount` minor units of `to`. Undefined: too small. */
export const conversionChanges = (
  user: number,
  from: Code,
  to: Code,
  amount: bigint,
  amountType: "source" | "target"
): ReadonlyArray<Change> | undefined => {
  // Output in minor units is input × numerator / denominator.
  const numerator = (RATES[`${from}:${to}`] ?? BILLION) * 10n ** BigInt(MINOR_UNITS[to])
  const denominator = BILLION * 10n ** BigInt(MINOR_UNITS[from])
  const paid =
    amountType === "source"
      ? amount
      : (amount * denominator * THOUSAND + numerator * KEPT - 1n) / (numerator * KEPT)
  const received = amountType === "target" ? amount : (paid * numerator * KEPT) / (denominator * THOUSAND)
  if (paid === 0n || received === 0n) return undefined
  const exchanged = (paid * numerator) / denominator
  const spread = (paid * numerator * SPREAD) / (denominator * THOUSAND)
  return [
    { owner: user, code: from, amount: -paid },
    { owner: user, code: to, amount: received },
    { owner: "liquidity", code: from, amount: paid },
    { owner: "liquidity", code: to, amount: -exchanged },
    { owner: "revenue.spread", code: to, amount: spread },
    { owner: "revenue.rounding", code: to, amount: exchanged - received - spread }
  ]
}

interface AccountState extends Account {
  balance: bigint
  held: bigint
}

/** Wallets and the house in integers. Applies what the ledger has posted, in any order: sums do not depend on it. */
export class WalletModel {
  private readonly accounts = new Map<string, AccountState>()
  private readonly holds = new Map<string, Change>()

  private accountOf({ code, owner }: Account) {
    const key = `${owner} ${code}`
    const found = this.accounts.get(key) ?? { owner, code, balance: 0n, held: 0n }
    this.accounts.set(key, found)
    return found
  }

  change(changes: ReadonlyArray<Change>) {
    for (const change of changes) this.accountOf(change).balance += change.amount
  }

  open(id: string, hold: Change) {
    this.holds.set(id, hold)
    this.accountOf(hold).held += hold.amount
  }

  end(id: string) {
    const hold = this.holds.get(id)
    if (hold !== undefined) this.accountOf(hold).held -= hold.amount
    this.holds.delete(id)
  }

  /** True if an account has at least an amount that is not held. */
  covers(change: Change) {
    const { balance, held } = this.accountOf(change)
    return balance - held >= change.amount
  }

  /** Every account that was used. */
  get state(): ReadonlyArray<Readonly<AccountState>> {
    return Array.from(this.accounts.values())
  }
}
