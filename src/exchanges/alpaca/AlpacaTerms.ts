import { BigDecimal, DateTime, Option, Schema } from "effect"
import type { AssetKind } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { ExchangeAccount, ExchangeTerms } from "../ExchangeClient.ts"

/** Amounts of stocks have at most nine decimals. */
const STOCK_INCREMENT = BigDecimal.make(1n, 9)
/**
 * Alpaca refuses purchases below 1 US dollar of stocks and 10 of cryptocurrencies, at its own price when the order arrives.
 * Three percent more leave room for a price that falls meanwhile.
 */
const STOCK_MINIMUM_COST = BigDecimal.make(103n, 2)
const CRYPTO_MINIMUM_COST = BigDecimal.make(1030n, 2)
const ONE = BigDecimal.make(1n, 0)
const ZERO = BigDecimal.make(0n, 0)

const decodeAsset = Schema.decodeUnknownOption(
  Schema.Struct({
    status: Schema.String,
    tradable: Schema.Boolean,
    fractionable: Schema.Boolean,
    min_order_size: Schema.optionalKey(Schema.NullOr(Schema.String)),
    min_trade_increment: Schema.optionalKey(Schema.NullOr(Schema.String))
  })
)

/** The part of the terms that depends on the asset only. */
export type AssetTerms = Omit<ExchangeTerms, "isOpen" | "opensAt">

/** Reads `GET /v2/assets/{symbol}`. None if fields are missing. */
export const readAsset = (json: unknown, kind: AssetKind): Option.Option<AssetTerms> =>
  Option.gen(function* () {
    const asset = yield* decodeAsset(json)
    const tradable = asset.tradable && asset.status === "active"
    if (kind === "stock") {
      const increment = asset.fractionable ? STOCK_INCREMENT : ONE
      return { tradable, increment, minimumAmount: increment, minimumCost: STOCK_MINIMUM_COST }
    }
    const increment = yield* positive(asset.min_trade_increment)
    const minimumAmount = yield* positive(asset.min_order_size)
    return { tradable, increment, minimumAmount, minimumCost: CRYPTO_MINIMUM_COST }
  })

const positive = (text: string | null | undefined) =>
  Option.filter(Decimal.parseJsonNumber(text ?? ""), BigDecimal.isPositive)

/** State of the stock market that Alpaca reports. */
export interface Clock {
  readonly isOpen: boolean
  readonly opensAt: DateTime.Utc
  readonly closesAt: DateTime.Utc
}

const decodeClock = Schema.decodeUnknownOption(
  Schema.Struct({ is_open: Schema.Boolean, next_open: Schema.String, next_close: Schema.String })
)

/** Reads `GET /v2/clock`. None if fields are missing. */
export const readClock = (json: unknown): Option.Option<Clock> =>
  Option.gen(function* () {
    const clock = yield* decodeClock(json)
    return {
      isOpen: clock.is_open,
      opensAt: DateTime.toUtc(yield* DateTime.make(clock.next_open)),
      closesAt: DateTime.toUtc(yield* DateTime.make(clock.next_close))
    }
  })

/**
 * Returns when stocks are traded, by a clock that may have been read a while before: its times begin and end the session.
 * The exchange's clock decides, and no calendar: only the exchange knows all closings.
 */
export const hoursAt = (clock: Clock, now: DateTime.Utc): Pick<ExchangeTerms, "isOpen" | "opensAt"> => {
  const hasBegun = clock.isOpen || DateTime.isGreaterThanOrEqualTo(now, clock.opensAt)
  const hasEnded = clock.isOpen && DateTime.isGreaterThanOrEqualTo(now, clock.closesAt)
  return hasBegun && !hasEnded
    ? { isOpen: true, opensAt: Option.none() }
    : { isOpen: false, opensAt: Option.some(clock.opensAt) }
}

const decodeAccount = Schema.decodeUnknownOption(
  Schema.Struct({
    status: Schema.String,
    buying_power: Schema.String,
    trading_blocked: Schema.Boolean,
    account_blocked: Schema.Boolean,
    trade_suspended_by_user: Schema.optionalKey(Schema.Boolean)
  })
)

/** Reads `GET /v2/account`. None if fields are missing. A negative buying power is zero. */
export const readAccount = (json: unknown): Option.Option<ExchangeAccount> =>
  Option.gen(function* () {
    const account = yield* decodeAccount(json)
    const isNegative = account.buying_power.startsWith("-")
    const reasons = [
      ...(account.status === "ACTIVE" ? [] : [`the status of the account is ${account.status}`]),
      ...(account.account_blocked ? ["the account is blocked"] : []),
      ...(account.trading_blocked ? ["trading is blocked"] : []),
      ...(account.trade_suspended_by_user === true ? ["trading is suspended by the user"] : [])
    ]
    return {
      buyingPower: isNegative ? ZERO : yield* Decimal.parseJsonNumber(account.buying_power),
      blocked: reasons.length === 0 ? Option.none() : Option.some(reasons.join("; "))
    }
  })
