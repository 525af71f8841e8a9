import type { AssetPair } from "../../src/domain/money/AssetPair.ts"

/** One year of hourly market rates, in units per US dollar. */
export interface Market {
  /** True rate of a pair at an hour of the year. */
  readonly rateAt: (pair: AssetPair, hour: number) => number
  /** Dollars per euro. */
  readonly dollarsAt: (hour: number) => number
  /** Hours at which a currency starts to move by more than the guard allows. */
  readonly events: ReadonlyArray<MarketEvent>
}

export interface MarketEvent {
  readonly name: string
  readonly currency: string
  readonly hour: number
}

export const HOURS = 365 * 24

type Path = ReadonlyArray<readonly [day: number, units: number]>

/**
 * Levels at days of the year; between them, rates change by the same fraction per hour. Sources: the daily rates of the
 * central banks of Nigeria (2023), Egypt (2024), Ethiopia (2024) and Ghana (2022), rounded. The kwacha is divided by
 * 1000, as in 2013.
 */
const paths: Readonly<Record<string, Path>> = {
  USD: [[0, 1]],
  // prettier-ignore
  GBP: [[0, 0.83], [90, 0.81], [180, 0.786], [240, 0.79], [300, 0.82], [365, 0.786]],
  // prettier-ignore
  EUR: [[0, 0.935], [60, 0.945], [120, 0.908], [195, 0.89], [275, 0.945], [365, 0.906]],
  // 14 June: the official window is opened.
  // prettier-ignore
  NGN: [[0, 448], [164.35, 471], [164.6, 664], [166, 702], [168, 680], [172, 756], [180, 769], [230, 765], [300, 790], [365, 907]],
  // 6 March: the pound floats.
  // prettier-ignore
  EGP: [[0, 30.85], [65.4, 30.9], [65.6, 49.4], [70, 48.5], [85, 47], [180, 48], [300, 49], [365, 50.8]],
  // 29 July: the birr floats, and slides for three weeks.
  // prettier-ignore
  ETB: [[0, 56.3], [210.3, 57.8], [210.5, 74.7], [216, 83], [225, 100], [235, 108], [270, 112], [365, 123]],
  // 2022: 1 to 2 % a week until September, the slide of October, and the recovery of December.
  // prettier-ignore
  GHS: [[0, 6.01], [75, 7.1], [150, 7.75], [240, 10], [273, 10.5], [295, 13], [305, 14.3], [334, 13.1], [350, 8.6], [365, 9.3]],
  // prettier-ignore
  ZMW: [[0, 5200], [120.3, 5300], [120.34, 5.3], [365, 5.5]]
}

export const events: ReadonlyArray<MarketEvent> = [
  { name: "Naira, June 2023", currency: "NGN", hour: Math.ceil(164.35 * 24) },
  { name: "Pound, March 2024", currency: "EGP", hour: Math.ceil(65.4 * 24) },
  { name: "Birr, July 2024", currency: "ETB", hour: Math.ceil(210.3 * 24) },
  { name: "Cedi, October 2022", currency: "GHS", hour: 273 * 24 },
  { name: "Cedi, December 2022", currency: "GHS", hour: 334 * 24 },
  { name: "Redenomination", currency: "ZMW", hour: Math.ceil(120.3 * 24) }
]

const EUR_PEG = 655.957

/** Makes a market with random movements of up to 0.15 % an hour around the levels, which are limited to 1.5 %. */
export const make = (random: () => number): Market => {
  const units = new Map<string, Float64Array>()
  for (const [currency, path] of Object.entries(paths)) {
    const values = new Float64Array(HOURS)
    let noise = 0
    for (let hour = 0; hour < HOURS; hour++) {
      noise = currency === "USD" ? 0 : Math.max(-0.015, Math.min(0.015, noise + (random() - 0.5) * 0.003))
      values[hour] = levelAt(path, hour / 24) * (1 + noise)
    }
    units.set(currency, values)
  }
  const unitsAt = (currency: string, hour: number): number =>
    currency === "XOF" ? EUR_PEG * unitsAt("EUR", hour) : (units.get(currency)?.[hour] ?? Number.NaN)
  return {
    events,
    dollarsAt: (hour) => 1 / unitsAt("EUR", hour),
    rateAt: ({ from, to }, hour) => unitsAt(to, hour) / unitsAt(from, hour)
  }
}

const levelAt = (path: Path, day: number) => {
  const next = path.findIndex(([start]) => start > day)
  const [fromDay, from] = path[next === -1 ? path.length - 1 : Math.max(0, next - 1)] ?? [0, Number.NaN]
  const [toDay, to] = next === -1 ? [fromDay + 1, from] : (path[next] ?? [fromDay + 1, from])
  return from * (to / from) ** ((day - fromDay) / (toDay - fromDay))
}
