import { Clock, Effect, Schema } from "effect"

/** Faults of an accepted order. They affect submissions only. */
const ORDER_FAULTS = [
  /** Accepts the order and never answers. */
  "accept-hang",
  /** Accepts the order and answers after 15 seconds, when the client has given up. */
  "accept-late",
  /** Accepts the order and answers with status 500. */
  "accept-500",
  /** Accepts the order and closes the connection. */
  "accept-reset",
  /** Accepts the order, answers with status 504, and finds the order only after three seconds. */
  "hidden",
  /** Fills the order in three parts, a second apart. */
  "partial-fills",
  /** Fills 40 percent of the order, and cancels the rest a second later. */
  "partial-cancel",
  /** Counts the last fill twice for two seconds. */
  "repeated-fill",
  /** Leaves the order open until it is cancelled. */
  "no-fill",
  /** Accepts the order and rejects it a second later. */
  "reject",
  /** Refuses the order for lack of funds. */
  "refuse",
  /** Fills the order at a price that is `percent` percent higher, or lower if it is negative. */
  "price-move"
] as const

/** Faults of every request. */
const REQUEST_FAULTS = ["down", "hang", "429", "500", "html", "unauthorized"] as const

export const OrderFault = Schema.Literals(ORDER_FAULTS)
export type OrderFault = typeof OrderFault.Type

export const RequestFault = Schema.Literals(REQUEST_FAULTS)
export type RequestFault = typeof RequestFault.Type

/** Kinds of requests. */
export const Operation = Schema.Literals(["submit", "find", "cancel", "asset", "clock", "account"])
export type Operation = typeof Operation.Type

/** A fault to inject. It replaces the previous one, and lasts until it is cleared unless `times` or `seconds` end it. */
export const ExchangeFault = Schema.Struct({
  provider: Schema.Literal("alpaca"),
  /** `market-closed`: stocks are not traded until the next session. */
  fault: Schema.Literals([...ORDER_FAULTS, ...REQUEST_FAULTS, "market-closed"]),
  /** Symbols of the affected orders, such as `BTC/USD`. Without them, all. */
  symbols: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Affected requests. Without them, all. */
  operations: Schema.optionalKey(Schema.Array(Operation)),
  /** Number of affected requests. */
  times: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  /** Duration of the fault, such as 3600 for an hour. */
  seconds: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  /** Whole percent of `price-move`; 10 by default. */
  percent: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: -99, maximum: 1000 })))
})
export type ExchangeFault = typeof ExchangeFault.Type

/** Creates the fault injector. There is at most one fault at a time. */
export const make = () => {
  let current: ExchangeFault | undefined
  let remaining = 0
  let endsAt = Number.POSITIVE_INFINITY

  /** Returns the fault of a request, and counts the request. `accepts` chooses among the kinds of faults. */
  const next = <F extends ExchangeFault["fault"]>(
    accepts: (fault: string) => fault is F,
    operation: Operation,
    symbol?: string
  ): Effect.Effect<(Omit<ExchangeFault, "fault"> & { readonly fault: F }) | undefined> =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      if (current === undefined || remaining === 0 || now >= endsAt) return undefined
      const { fault, operations, symbols } = current
      if (!accepts(fault) || operations?.includes(operation) === false) return undefined
      if (symbols !== undefined && (symbol === undefined || !symbols.includes(symbol))) return undefined
      remaining--
      return { ...current, fault }
    })

  return {
    /** Fault of any request. */
    nextOfRequest: (operation: Operation) => next(Schema.is(RequestFault), operation),
    /** Fault of an order. */
    nextOfOrder: (symbol: string) => next(Schema.is(OrderFault), "submit", symbol),
    /** Returns true while the market of stocks is closed by a fault. */
    isClosed: Effect.map(
      Clock.currentTimeMillis,
      (now) => current?.fault === "market-closed" && now < endsAt
    ),
    inject: (fault: ExchangeFault) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        current = fault
        remaining = fault.times ?? Number.POSITIVE_INFINITY
        endsAt = fault.seconds === undefined ? Number.POSITIVE_INFINITY : now + fault.seconds * 1000
      }),
    clear: Effect.sync(() => {
      current = undefined
    })
  }
}
