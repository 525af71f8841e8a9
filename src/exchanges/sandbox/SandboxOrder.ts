import { BigDecimal, Schema } from "effect"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { OrderFault } from "./ExchangeFaults.ts"

const SECOND = 1000
const HIDDEN_MILLIS = 3 * SECOND
const REPEATED_MILLIS = 2 * SECOND
/** Decimals of a part of an order. */
const PART_DECIMALS = 9

const Millis = Schema.Int

/**
 * An order that the sandbox accepted, with everything that will happen to it. Its state at any time follows from these
 * fields, so that nothing has to run in the background, and a restart changes nothing. Times are epoch milliseconds.
 */
export const SandboxOrder = Schema.Struct({
  id: Schema.String,
  clientOrderId: Schema.String,
  symbol: Schema.String,
  side: Schema.Literals(["buy", "sell"]),
  amount: Decimal.ExactDecimal,
  /** Price of every fill. */
  price: Decimal.ExactDecimal,
  acceptedAt: Millis,
  /** Lookups find the order from this time on. */
  visibleAt: Millis,
  fills: Schema.Array(Schema.Struct({ at: Millis, amount: Decimal.ExactDecimal })),
  /** Early end of the order by the exchange. */
  end: Schema.optionalKey(Schema.Struct({ at: Millis, status: Schema.Literals(["canceled", "rejected"]) })),
  /** Until this time, the last fill is counted twice. */
  repeatsUntil: Schema.optionalKey(Millis)
})
export type SandboxOrder = typeof SandboxOrder.Type

/** State of an order at one moment, as Alpaca describes it. */
export interface SandboxOrderState {
  readonly status: "accepted" | "partially_filled" | "filled" | "canceled" | "rejected"
  readonly filled: BigDecimal.BigDecimal
}

const sum = (amounts: ReadonlyArray<BigDecimal.BigDecimal>) =>
  amounts.reduce((total, amount) => BigDecimal.sum(total, amount), BigDecimal.make(0n, 0))

/** Returns the state of an order at a moment. */
export const stateAt = (order: SandboxOrder, now: number): SandboxOrderState => {
  const endsAt = order.end?.at ?? Number.POSITIVE_INFINITY
  const done = order.fills.filter(({ at }) => at <= now && at < endsAt).map(({ amount }) => amount)
  const filled = sum(done)
  const status = BigDecimal.equals(filled, order.amount)
    ? "filled"
    : order.end !== undefined && endsAt <= now
      ? order.end.status
      : BigDecimal.isPositive(filled)
        ? "partially_filled"
        : "accepted"
  const isRepeated = order.repeatsUntil !== undefined && now < order.repeatsUntil
  return { status, filled: isRepeated ? sum([filled, ...done.slice(-1)]) : filled }
}

/** Plans the fills of a new order. `opensAt` is the time from which it is traded. */
export const plan = (
  amount: BigDecimal.BigDecimal,
  acceptedAt: number,
  opensAt: number,
  fault: OrderFault | undefined
): Pick<SandboxOrder, "visibleAt" | "fills" | "end" | "repeatsUntil"> => {
  const part = (percent: bigint) =>
    BigDecimal.round(BigDecimal.multiply(amount, BigDecimal.make(percent, 2)), {
      scale: PART_DECIMALS,
      mode: "floor"
    })
  const whole = { visibleAt: acceptedAt, fills: [{ at: opensAt, amount }] }
  switch (fault) {
    case "hidden":
      return { ...whole, visibleAt: acceptedAt + HIDDEN_MILLIS }
    case "no-fill":
      return { ...whole, fills: [] }
    case "reject":
      return { ...whole, fills: [], end: { at: acceptedAt + SECOND, status: "rejected" } }
    case "repeated-fill":
      return { ...whole, repeatsUntil: opensAt + REPEATED_MILLIS }
    case "partial-cancel":
      return {
        ...whole,
        fills: [{ at: opensAt, amount: part(40n) }],
        end: { at: opensAt + SECOND, status: "canceled" }
      }
    case "partial-fills": {
      const [first, second] = [part(25n), part(35n)]
      return {
        ...whole,
        fills: [
          { at: opensAt, amount: first },
          { at: opensAt + SECOND, amount: second },
          { at: opensAt + 2 * SECOND, amount: BigDecimal.subtract(amount, sum([first, second])) }
        ]
      }
    }
    default:
      return whole
  }
}
