import type { OrderSide, OrderTerms } from "../../../src/client/promise/orders/OrderValues.ts"
import * as Decimal from "../money/Decimal.ts"
import * as Format from "../money/Format.ts"
import { texts } from "../texts/orders.ts"
import * as Money from "./Money.ts"
import { type OrderEstimate, priceOf } from "./OrderEstimate.ts"
import { PRICE_CURRENCY } from "./Portfolio.ts"

const SECONDS_OF_MINUTE = 60

/** Formats a waiting time in words. */
export const waitText = (seconds: number): string =>
  seconds < 2 * SECONDS_OF_MINUTE
    ? texts.ticket.seconds(seconds)
    : texts.ticket.minutes(Math.round(seconds / SECONDS_OF_MINUTE))

/** Returns what an order agrees to, as terms with their values. */
export const orderFacts = ({
  asset,
  estimate,
  rate,
  side,
  terms
}: {
  readonly asset: string
  readonly side: OrderSide
  readonly rate: string
  readonly terms: OrderTerms
  readonly estimate: OrderEstimate | undefined
}) => {
  const words = texts.ticket
  const price = Decimal.toText(priceOf(rate, side, terms.spread))
  return [
    { term: words.midPrice, value: `${Format.fullRate(rate)} ${PRICE_CURRENCY}` },
    {
      term: words.spread(Format.margin(terms.spread)),
      value: `${Format.fullRate(difference(price, rate))} ${PRICE_CURRENCY}`
    },
    { term: words.yourPrice, value: `${Format.fullRate(price)} ${PRICE_CURRENCY}`, isStrong: true },
    ...(terms.minimumOrder === null
      ? []
      : [{ term: words.minimum, value: Money.money(terms.minimumOrder, asset) }]),
    { term: words.fee, value: words.free },
    ...(estimate === undefined
      ? []
      : [
          { term: words.units[side], value: Money.exactUnits(estimate.amount, asset), isStrong: true },
          { term: words.total[side], value: Money.exact(estimate.total, PRICE_CURRENCY), isStrong: true }
        ])
  ]
}

/** Returns the difference of two prices without its sign. */
const difference = (left: string, right: string) =>
  Decimal.toText(Decimal.trim(Decimal.subtract(Decimal.of(left), Decimal.of(right)))).replace("-", "")
