import type { Order } from "../../../src/client/promise/orders/OrderValues.ts"
import * as Decimal from "../money/Decimal.ts"
import * as Format from "../money/Format.ts"
import { texts } from "../texts/orders.ts"
import { money } from "./Money.ts"
import { PRICE_CURRENCY } from "./Portfolio.ts"

const words = texts.order

/** Returns the heading that states the outcome of an order. */
export const headingOf = ({ side, state }: Order): string =>
  state === "completed" ? words.headings.completed[side] : words.headings[state]

/** Returns what of the hold was given back when the order was settled. Empty for nothing. */
const givenBack = ({ amount, asset, charged, filled, side, totalPrice }: Order) => {
  if (charged === null || filled === null) return ""
  const [held, used, code] = side === "buy" ? [totalPrice, charged, PRICE_CURRENCY] : [amount, filled, asset]
  const rest = Decimal.trim(Decimal.subtract(Decimal.of(held), Decimal.of(used)))
  return Decimal.isPositive(rest) ? money(Decimal.toText(rest), code) : ""
}

/** Returns the facts of an order, as terms with their values. */
export const detailFacts = (order: Order) =>
  [
    { term: words.ordered, value: money(order.amount, order.asset) },
    { term: words.price, value: `${Format.fullRate(order.price)} ${PRICE_CURRENCY}` },
    { term: words.total[order.side], value: money(order.totalPrice, PRICE_CURRENCY) },
    {
      term: words.filled[order.side],
      value: order.filled === null ? "" : money(order.filled, order.asset),
      isStrong: true
    },
    {
      term: words.charged[order.side],
      value: order.charged === null ? "" : money(order.charged, PRICE_CURRENCY),
      isStrong: true
    },
    { term: words.givenBack, value: givenBack(order) },
    { term: words.fee, value: money(order.fee, PRICE_CURRENCY) },
    { term: words.placed, value: Format.dateAndTime(order.createdAt) },
    { term: words.done, value: order.completedAt === null ? "" : Format.dateAndTime(order.completedAt) }
  ].filter(({ value }) => value !== "")
