import { BigDecimal, Effect, Schema } from "effect"
import * as Decimal from "../../domain/money/Decimal.ts"

/** Ways in which the sandbox's Flutterwave misbehaves when it is told to. */
export const FlutterwaveFault = Schema.Literals([
  "429",
  "500",
  "502",
  "unavailable",
  "hang",
  "inverse",
  "inverse-amounts",
  "contradiction",
  "other-currency",
  "zero",
  "negative",
  "nan",
  "jump",
  "frozen",
  "truncated",
  "html",
  "oversized"
])
export type FlutterwaveFault = typeof FlutterwaveFault.Type

export const FlutterwaveV4Fault = Schema.Literals([
  "429",
  "500",
  "hang",
  "truncated",
  "expired",
  "inverse-amounts",
  "jump",
  "frozen"
])
export type FlutterwaveV4Fault = typeof FlutterwaveV4Fault.Type

const everyTable = ["429", "500", "hang", "truncated", "old", "jump", "frozen"] as const

export const FixerFault = Schema.Literals([...everyTable, "quota"])
export type FixerFault = typeof FixerFault.Type

export const OpenExchangeRatesFault = Schema.Literals([...everyTable, "not-allowed"])
export type OpenExchangeRatesFault = typeof OpenExchangeRatesFault.Type

export const FrankfurterFault = Schema.Literals(everyTable)
export type FrankfurterFault = typeof FrankfurterFault.Type

/** A fault, for some pairs (`USD:NGN`; all without), for a number of requests (all without). */
const common = {
  pairs: Schema.optionalKey(Schema.Array(Schema.String)),
  times: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0)))
}

/** A fault of one provider; of Flutterwave's v3 where none is named. */
export const FaultOrder = Schema.Union([
  Schema.Struct({
    provider: Schema.optionalKey(Schema.Literal("flutterwave")),
    fault: FlutterwaveFault,
    ...common
  }),
  Schema.Struct({ provider: Schema.Literal("flutterwave-v4"), fault: FlutterwaveV4Fault, ...common }),
  Schema.Struct({ provider: Schema.Literal("fixer"), fault: FixerFault, ...common }),
  Schema.Struct({ provider: Schema.Literal("openexchangerates"), fault: OpenExchangeRatesFault, ...common }),
  Schema.Struct({ provider: Schema.Literal("frankfurter"), fault: FrankfurterFault, ...common })
])
export type FaultOrder = typeof FaultOrder.Type

export interface Order<Fault> {
  readonly fault: Fault
  readonly pairs?: ReadonlyArray<string>
  readonly times?: number
}

/** Faults that leave the shape of an answer alone and make its rates wrong. */
export type Distortion = "jump" | "frozen" | "inverse-amounts"

/** What befalls one request. */
export interface Befallen<Fault> {
  /** None: the answer is a good one, apart from what {@link distorted} makes of its rates. */
  readonly fault: Exclude<Fault, Distortion> | undefined
  /** What becomes of a pair's rate. */
  readonly distorted: (pair: string, rate: BigDecimal.BigDecimal) => BigDecimal.BigDecimal
}

/** The faults of one provider: at most one at a time. */
export const make = <Fault extends string>() => {
  let order: Order<Fault> | undefined
  let left = 0
  let frozen = new Map<string, BigDecimal.BigDecimal>()

  const distort = (fault: Fault, pair: string, rate: BigDecimal.BigDecimal) => {
    switch (fault) {
      case "jump":
        return BigDecimal.multiply(rate, BigDecimal.make(15n, 1))
      case "inverse-amounts":
        return Decimal.quotient(BigDecimal.make(1n, 0), rate)
      case "frozen": {
        const first = frozen.get(pair) ?? rate
        frozen.set(pair, first)
        return first
      }
      default:
        return rate
    }
  }

  /** What befalls a request about these pairs, as one of the times that were ordered. */
  const next = (pairs: ReadonlyArray<string>): Effect.Effect<Befallen<Fault>> =>
    Effect.sync(() => {
      const current = order
      const concerns = (pair: string) => current?.pairs === undefined || current.pairs.includes(pair)
      if (current === undefined || left === 0 || !pairs.some(concerns)) {
        return { fault: undefined, distorted: (_, rate) => rate }
      }
      left--
      const { fault } = current
      return {
        fault: isShape(fault) ? fault : undefined,
        distorted: (pair, rate) => (concerns(pair) ? distort(fault, pair, rate) : rate)
      }
    })

  return {
    next,
    /** Misbehaves from now on, until told otherwise. */
    order: (given: Order<Fault>) =>
      Effect.sync(() => {
        order = given
        left = given.times ?? Infinity
        frozen = new Map()
      }),
    /** Behaves again. */
    clear: Effect.sync(() => {
      order = undefined
    })
  }
}

const isShape = <Fault extends string>(fault: Fault): fault is Exclude<Fault, Distortion> =>
  fault !== "jump" && fault !== "frozen" && fault !== "inverse-amounts"
