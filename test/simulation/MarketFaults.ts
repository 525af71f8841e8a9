import type { AssetPair } from "../../src/domain/money/AssetPair.ts"
import { HOURS, type Market } from "./Market.ts"

/** A provider's answer. */
export interface Answer {
  readonly rate: number
  /** Hour of the quote; undefined if the provider sends none. */
  readonly quotedHour: number | undefined
  /** Dollars per euro, by which a table's rate of the dollar is computed. */
  readonly dollars: number | undefined
}

export const KINDS = [
  "× 1.5",
  "÷ 1.5",
  "× 9.99",
  "× 10",
  "÷ 10",
  "× 1000",
  "÷ 1000",
  "inverted",
  "swapped legs",
  "drift",
  "stuck",
  "replayed",
  "future",
  "unreachable"
] as const
export type FaultKind = (typeof KINDS)[number]

interface Fault {
  readonly kind: FaultKind
  readonly start: number
  readonly end: number
  readonly affects: (pair: AssetPair) => boolean
  readonly step: number
  /** The wrong rate carries the quote time of its first hour, such as a daily row that is read again. */
  readonly isOneQuote: boolean
}

/** Faults of one provider over a year. */
export interface MarketFaults {
  readonly count: ReadonlyMap<FaultKind, number>
  /** Returns the answer at an hour; undefined if the provider is unreachable. */
  readonly answerAt: (pair: AssetPair, hour: number) => Answer | undefined
  readonly isFaulty: (pair: AssetPair, hour: number) => boolean
}

/** With new quote times for longer than this, a wrong level looks like a new level if no other provider answers. */
const MAX_NEW_QUOTES_HOURS = 20

/** Level of a fault. Two providers that come to the same wrong level confirm each other. */
const levelOf = ({ kind, step }: Fault): string => {
  if (kind === "× 9.99") return "× 10"
  // A drift reaches this level within its 40 hours.
  return kind === "drift" ? (step > 0 ? "× 1.5" : "÷ 1.5") : kind
}

/**
 * Generates the faults of providers: about one every 30 hours, for one pair, one currency or all pairs; and a wrong rate
 * in the first poll. Several providers may be wrong at once, but not in the same way. A table sends the time of its
 * quotes and the legs of cross rates.
 */
export const make = (
  market: Market,
  pairs: ReadonlyArray<AssetPair>,
  providers: ReadonlyArray<{ readonly isTable: boolean }>,
  random: () => number
): ReadonlyArray<MarketFaults> => {
  const faults = providers.map((): Array<Fault> => [])
  const pick = <A>(values: ReadonlyArray<A>): A => {
    const value = values[Math.floor(random() * values.length)]
    if (value === undefined) throw new Error("nothing to pick from")
    return value
  }
  const generate = (isTable: boolean, kind: FaultKind, start: number, scope: number): Fault => {
    const chosen = pick(pairs)
    const isOneQuote = random() < 0.5
    const isDrift = kind === "drift"
    const hasNewQuotes = isTable && !isOneQuote
    const maxHours = isDrift ? 40 : hasNewQuotes && providers.length === 1 ? MAX_NEW_QUOTES_HOURS : 72
    return {
      kind,
      start,
      end: start + (isDrift ? maxHours : 1 + Math.floor(random() * maxHours)),
      affects: (pair) =>
        kind === "swapped legs"
          ? pair.from === "USD"
          : scope < 0.4
            ? pair.key === chosen.key
            : scope < 0.7
              ? pair.to === chosen.to
              : true,
      step: (random() < 0.5 ? -1 : 1) * (0.01 + 0.02 * random()),
      isOneQuote
    }
  }
  const add = (provider: number, kind: FaultKind, start: number, scope: number) => {
    const fault = generate(providers[provider]?.isTable === true, kind, start, scope)
    const others = faults.filter((_, index) => index !== provider).flat()
    if (!others.some((other) => isIndistinguishable(fault, other))) faults[provider]?.push(fault)
  }
  add(0, "× 1000", 0, 0)
  for (let hour = 24; hour < HOURS; hour += 10 + Math.floor(random() * 40)) {
    const provider = Math.floor(random() * providers.length)
    // Only tables have legs. Without them, a wrong dollar looks like a move of the dollar.
    const kinds = KINDS.filter((kind) => kind !== "swapped legs" || providers[provider]?.isTable === true)
    add(provider, pick(kinds), hour, random())
  }
  return faults.map((ofProvider, index) => answersOf(market, ofProvider, providers[index]?.isTable === true))
}

/** Returns true if nothing shows that two concurrent faults of different providers are faults. */
const isIndistinguishable = (a: Fault, b: Fault) => {
  if (a.end <= b.start || b.end <= a.start) return false
  const isLong = ({ end, isOneQuote, start }: Fault) => !isOneQuote && end - start > MAX_NEW_QUOTES_HOURS
  return (
    levelOf(a) === levelOf(b) ||
    (a.kind === "unreachable" && isLong(b)) ||
    (b.kind === "unreachable" && isLong(a))
  )
}

const answersOf = (market: Market, faults: ReadonlyArray<Fault>, isTable: boolean): MarketFaults => {
  const faultAt = (pair: AssetPair, hour: number) =>
    faults.findLast(({ affects, end, start }) => start <= hour && hour < end && affects(pair))

  const wrongRate = (fault: Fault, pair: AssetPair, hour: number, rate: number): number => {
    switch (fault.kind) {
      case "× 1.5":
        return rate * 1.5
      case "÷ 1.5":
        return rate / 1.5
      case "× 9.99":
        return rate * 9.99
      case "× 10":
        return rate * 10
      case "÷ 10":
        return rate / 10
      case "× 1000":
        return rate * 1000
      case "÷ 1000":
        return rate / 1000
      case "inverted":
        return 1 / rate
      case "drift":
        return rate * (1 + fault.step) ** (hour - fault.start + 1)
      case "stuck":
        return market.rateAt(pair, fault.start)
      case "replayed":
        return market.rateAt(pair, Math.max(0, fault.start - 48))
      default:
        return rate
    }
  }

  const answerAt = (pair: AssetPair, hour: number): Answer | undefined => {
    const rate = market.rateAt(pair, hour)
    const fault = faultAt(pair, hour)
    if (fault?.kind === "unreachable") return undefined
    if (!isTable) {
      const answered = fault === undefined ? rate : wrongRate(fault, pair, hour, rate)
      return { rate: answered, quotedHour: undefined, dollars: undefined }
    }
    const dollars = pair.from === "USD" ? market.dollarsAt(hour) : undefined
    if (fault === undefined) return { rate, quotedHour: hour, dollars }
    if (fault.kind === "swapped legs" && dollars !== undefined) {
      return { rate: rate * dollars * dollars, quotedHour: hour, dollars: 1 / dollars }
    }
    return { rate: wrongRate(fault, pair, hour, rate), quotedHour: quotedHourOf(fault, hour), dollars }
  }

  const quotedHourOf = ({ isOneQuote, kind, start }: Fault, hour: number) => {
    if (kind === "future") return hour + 30
    if (kind === "replayed") return Math.max(0, start - 48)
    return isOneQuote || kind === "stuck" ? start : hour
  }

  const count = new Map<FaultKind, number>()
  for (const { kind } of faults) count.set(kind, (count.get(kind) ?? 0) + 1)
  return { count, answerAt, isFaulty: (pair, hour) => faultAt(pair, hour) !== undefined }
}
