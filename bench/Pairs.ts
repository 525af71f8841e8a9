import { Option } from "effect"
import { RATE_DESTINATIONS, RATE_SOURCES } from "../src/config/SettingDefinitions.ts"
import { configure } from "../src/domain/money/AssetPair.ts"
import * as Decimal from "../src/domain/money/Decimal.ts"
import * as ApproximateRates from "../src/domain/rates/ApproximateRates.ts"

/** Pairs that effex supports by default. */
const supported = configure(RATE_SOURCES.defaultValue, RATE_DESTINATIONS.defaultValue).all

/** Keys of all pairs, such as `USD:NGN`. */
export const all: ReadonlyArray<string> = supported.map(({ key }) => key)

/** Approximate rates of all pairs, comma-separated, such as `USD:NGN=1534.5`. */
export const rates: string = supported
  .flatMap((pair) =>
    Option.toArray(
      Option.map(ApproximateRates.magnitudeOf(pair), (rate) => `${pair.key}=${Decimal.format(rate)}`)
    )
  )
  .join(",")
