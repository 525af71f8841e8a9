import { Option } from "effect"
import { RATE_DESTINATIONS, RATE_SOURCES } from "../src/config/SettingDefinitions.ts"
import { makeSupported } from "../src/domain/money/CurrencyPair.ts"
import * as Decimal from "../src/domain/money/Decimal.ts"
import * as ApproximateRates from "../src/domain/rates/ApproximateRates.ts"

/** The pairs that effex offers as it is shipped. */
const offered = makeSupported(RATE_SOURCES.defaultValue, RATE_DESTINATIONS.defaultValue).all

/** All of them, such as `USD:NGN`. */
export const all: ReadonlyArray<string> = offered.map(({ key }) => key)

/** About what they stand at, such as `USD:NGN=1534.5`, separated by commas. */
export const rates: string = offered
  .flatMap((pair) =>
    Option.toArray(
      Option.map(ApproximateRates.magnitudeOf(pair), (rate) => `${pair.key}=${Decimal.format(rate)}`)
    )
  )
  .join(",")
