import type { Balance } from "../../../src/client/promise/wallets/WalletValues.ts"
import * as Decimal from "../money/Decimal.ts"

/** Currency through which an asset is valued that has no rate to the chosen one. */
export const PRICE_CURRENCY = "USD"

/** A rate that values an asset. */
export interface ValuationRate {
  readonly rate: string
  readonly fetchedAt: Date
  readonly stale: boolean
}

export type FindRate = (from: string, to: string) => ValuationRate | undefined

export interface Holding {
  readonly balance: Balance
  /** In the chosen currency, rounded down to its decimals. Undefined without a rate. */
  readonly value: Decimal.Decimal | undefined
  /** Part of the total, in per mille: for the geometry of a bar. */
  readonly share: number
}

/** All balances with their value in one currency. */
export interface Portfolio {
  readonly total: Decimal.Decimal
  /** Time of the oldest rate. Undefined if no rate was needed. */
  readonly asOf: Date | undefined
  readonly isStale: boolean
  /** Codes of assets without a rate, which the total lacks. */
  readonly unpriced: ReadonlyArray<string>
  /** Largest value first, then those without a value. */
  readonly holdings: ReadonlyArray<Holding>
}

/** The rates that value an asset: its own, or two through US dollars. Empty for the currency itself. */
export const legsOf = (asset: string, to: string, isCurrency: boolean): ReadonlyArray<[string, string]> => {
  if (asset === to) return []
  if (isCurrency || to === PRICE_CURRENCY) return [[asset, to]]
  return [
    [asset, PRICE_CURRENCY],
    [PRICE_CURRENCY, to]
  ]
}

const ONE = Decimal.make(1n)
const PER_MILLE = Decimal.make(1000n)
const ZERO = Decimal.make(0n)

/** Values balances like the server: the exact sum is rounded down once. */
export const valueOf = (
  balances: ReadonlyArray<Balance>,
  currency: { readonly code: string; readonly decimals: number },
  isCurrency: (code: string) => boolean,
  findRate: FindRate
): Portfolio => {
  const times: Array<Date> = []
  let isStale = false
  const exact = balances.map((balance) => {
    const amount = Decimal.of(balance.balance)
    let factor: Decimal.Decimal | undefined = ONE
    if (!Decimal.isPositive(amount)) return { balance, value: ZERO }
    for (const [from, to] of legsOf(balance.asset, currency.code, isCurrency(balance.asset))) {
      const found = findRate(from, to)
      if (found === undefined) return { balance, value: undefined }
      times.push(found.fetchedAt)
      isStale ||= found.stale
      factor = Decimal.multiply(factor, Decimal.of(found.rate))
    }
    return { balance, value: Decimal.multiply(amount, factor) }
  })
  const sum = exact.reduce(
    (total, { value }) => (value === undefined ? total : Decimal.add(total, value)),
    ZERO
  )
  const holdings = exact.map(({ balance, value }): Holding => {
    if (value === undefined) return { balance, value, share: 0 }
    const share = Decimal.isPositive(sum)
      ? Decimal.toChartNumber(
          Decimal.toText(Decimal.divide(Decimal.multiply(value, PER_MILLE), sum, 1, "down"))
        )
      : 0
    return { balance, value: Decimal.round(value, currency.decimals, "down"), share }
  })
  return {
    total: Decimal.round(sum, currency.decimals, "down"),
    asOf: times.reduce<Date | undefined>(
      (oldest, time) => (oldest === undefined || time < oldest ? time : oldest),
      undefined
    ),
    isStale,
    unpriced: exact.flatMap(({ balance, value }) => (value === undefined ? [balance.asset] : [])),
    holdings: holdings.toSorted((a, b) => b.share - a.share)
  }
}
