import { BigDecimal, Effect, Schema } from "effect"
import * as Decimal from "../../domain/money/Decimal.ts"

/** Faults of Flutterwave's v3. */
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

const tableFaults = ["429", "500", "hang", "truncated", "old", "jump", "frozen"] as const

export const FixerFault = Schema.Literals([...tableFaults, "quota"])
export type FixerFault = typeof FixerFault.Type

export const OpenExchangeRatesFault = Schema.Literals([...tableFaults, "not-allowed"])
export type OpenExchangeRatesFault = typeof OpenExchangeRatesFault.Type

export const FrankfurterFault = Schema.Literals(tableFaults)
export type FrankfurterFault = typeof FrankfurterFault.Type

const priceFaults = ["429", "500", "hang", "truncated", "html", "old", "missing", "jump", "frozen"] as const

export const CoinGeckoFault = Schema.Literals([...priceFaults, "null-price"])
export type CoinGeckoFault = typeof CoinGeckoFault.Type

export const MassiveFault = Schema.Literals([...priceFaults, "not-authorized", "delayed", "split"])
export type MassiveFault = typeof MassiveFault.Type

/** Scope of a fault: pairs such as `USD:NGN`, and the number of requests. Without them, it applies to every request. */
const limits = {
  pairs: Schema.optionalKey(Schema.Array(Schema.String)),
  times: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0)))
}

/** Fault to inject into one provider; the default is Flutterwave's v3. */
export const FaultInjection = Schema.Union([
  Schema.Struct({
    provider: Schema.optionalKey(Schema.Literal("flutterwave")),
    fault: FlutterwaveFault,
    ...limits
  }),
  Schema.Struct({ provider: Schema.Literal("flutterwave-v4"), fault: FlutterwaveV4Fault, ...limits }),
  Schema.Struct({ provider: Schema.Literal("fixer"), fault: FixerFault, ...limits }),
  Schema.Struct({ provider: Schema.Literal("openexchangerates"), fault: OpenExchangeRatesFault, ...limits }),
  Schema.Struct({ provider: Schema.Literal("frankfurter"), fault: FrankfurterFault, ...limits }),
  Schema.Struct({ provider: Schema.Literal("coingecko"), fault: CoinGeckoFault, ...limits }),
  Schema.Struct({ provider: Schema.Literal("massive"), fault: MassiveFault, ...limits })
])
export type FaultInjection = typeof FaultInjection.Type

/** Fault to inject into a known provider. */
export interface Injection<Fault> {
  readonly fault: Fault
  readonly pairs?: ReadonlyArray<string>
  readonly times?: number
}

/** Faults that change the rates of a response, but not its format. */
export type Distortion = "jump" | "frozen" | "inverse-amounts" | "split"

/** Factor of the fault `jump` for exchange rates. */
const RATE_JUMP = BigDecimal.make(15n, 1)
/** Factor of the fault `jump` for prices, whose limits are wider. It is not the ratio of a split. */
export const PRICE_JUMP = BigDecimal.make(17n, 1)
/** Price after a split of one share into four. */
const SPLIT = BigDecimal.make(25n, 2)

/** Effect of the injected fault on one request. */
export interface RequestFault<Fault> {
  /** Fault of the response; undefined for a normal response, whose rates still pass through {@link distort}. */
  readonly fault: Exclude<Fault, Distortion> | undefined
  /** Returns true for a pair that the fault affects. */
  readonly affects: (pair: string) => boolean
  /** Returns the rate to send for a pair. */
  readonly distort: (pair: string, rate: BigDecimal.BigDecimal) => BigDecimal.BigDecimal
}

/** Creates the fault injector of one provider, which has at most one fault at a time. */
export const make = <Fault extends string>(jumpFactor: BigDecimal.BigDecimal = RATE_JUMP) => {
  let injection: Injection<Fault> | undefined
  let remaining = 0
  let frozen = new Map<string, BigDecimal.BigDecimal>()

  const distortRate = (fault: Fault, pair: string, rate: BigDecimal.BigDecimal) => {
    switch (fault) {
      case "jump":
        return BigDecimal.multiply(rate, jumpFactor)
      case "split":
        return BigDecimal.multiply(rate, SPLIT)
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

  /** Returns the fault of a request for these pairs, and counts the request. */
  const next = (pairs: ReadonlyArray<string>): Effect.Effect<RequestFault<Fault>> =>
    Effect.sync(() => {
      const current = injection
      const affects = (pair: string) => current?.pairs === undefined || current.pairs.includes(pair)
      if (current === undefined || remaining === 0 || !pairs.some(affects)) {
        return { fault: undefined, affects: () => false, distort: (_, rate) => rate }
      }
      remaining--
      const { fault } = current
      return {
        fault: isResponseFault(fault) ? fault : undefined,
        affects,
        distort: (pair, rate) => (affects(pair) ? distortRate(fault, pair, rate) : rate)
      }
    })

  return {
    next,
    /** Injects a fault, which replaces the previous one. */
    inject: (newInjection: Injection<Fault>) =>
      Effect.sync(() => {
        injection = newInjection
        remaining = newInjection.times ?? Infinity
        frozen = new Map()
      }),
    /** Clears the fault. */
    clear: Effect.sync(() => {
      injection = undefined
    })
  }
}

const isResponseFault = <Fault extends string>(fault: Fault): fault is Exclude<Fault, Distortion> =>
  fault !== "jump" && fault !== "frozen" && fault !== "inverse-amounts" && fault !== "split"
