import { BigDecimal, Duration, Option } from "effect"
import * as Decimal from "../../domain/money/Decimal.ts"
import { define } from "../SettingDefinition.ts"
import { duration, margin, percentage } from "../SettingParsers.ts"

/** Settings of orders. */

const CENT_DECIMALS = 2
const MAX_THRESHOLD = BigDecimal.make(1_000_000n, 0)

export const AGGREGATION_THRESHOLD = define({
  name: "AGGREGATION_THRESHOLD",
  defaultValue: BigDecimal.make(10n, 0),
  defaultText: "10",
  description:
    "Value of an order in US dollars from which it is sent to the exchange alone. Smaller orders are pooled until their sum reaches it. With 0, no order is pooled",
  allowed: "a decimal number from 0 to 1000000 with at most 2 decimals",
  parse: (text: string) =>
    Option.filter(Decimal.parse(text, CENT_DECIMALS), BigDecimal.isLessThanOrEqualTo(MAX_THRESHOLD))
})

export const AGGREGATION_MAX_WAIT = define({
  name: "AGGREGATION_MAX_WAIT",
  defaultValue: Duration.minutes(5),
  defaultText: "5 minutes",
  description: "Longest time that an order waits in a pool before the pool is settled, whatever its sum",
  ...duration("1 second", "1 day")
})

export const ORDER_SPREAD = define({
  name: "ORDER_SPREAD",
  defaultValue: BigDecimal.make(5n, 3),
  defaultText: "0.005",
  description:
    "Spread of orders, as a fraction of the latest price: it is added to the price of a buyer, and subtracted from that of a seller",
  allowed: "a decimal from 0 to less than 1, such as 0.005",
  parse: margin
})

export const ORDER_MAX_SLIPPAGE = define({
  name: "ORDER_MAX_SLIPPAGE",
  defaultValue: BigDecimal.make(2n, 2),
  defaultText: "2%",
  description:
    "Largest move of the market against the house, between the locked prices and the moment of sending, with which orders are still sent. Beyond it they fail, and the money is given back",
  ...percentage
})

export const ORDER_MAX_PRICE_AGE = define({
  name: "ORDER_MAX_PRICE_AGE",
  defaultValue: Duration.minutes(2),
  defaultText: "2 minutes",
  description:
    "Oldest price at which an order is accepted or sent. The price of a stock does not age while its market is closed; its orders are sent when it opens",
  ...duration("1 second", "1 day")
})

/** Settings of orders, by the names of their values. */
export const orderSettings = {
  /** Value from which an order is not pooled, in US dollars. */
  aggregationThreshold: AGGREGATION_THRESHOLD,
  /** Longest wait of an order in a pool. */
  aggregationMaxWait: AGGREGATION_MAX_WAIT,
  /** Spread of orders, as a fraction. */
  orderSpread: ORDER_SPREAD,
  /** Largest move of the market with which orders are still sent, as a fraction. */
  orderMaxSlippage: ORDER_MAX_SLIPPAGE,
  /** Oldest price at which an order is accepted or sent. */
  orderMaxPriceAge: ORDER_MAX_PRICE_AGE
}
