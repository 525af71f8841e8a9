import { type BigDecimal, Context, type DateTime, Duration, type Effect, type Option, Schema } from "effect"
import type { AssetCode } from "../domain/money/Asset.ts"

/** A market order to place. It is paid, and pays, in US dollars. */
export interface NewExchangeOrder {
  /** UUID that identifies the order at the exchange, at most once. */
  readonly clientOrderId: string
  readonly asset: AssetCode
  readonly side: "buy" | "sell"
  /** Units of the asset: a multiple of the increment in {@link ExchangeTerms}. */
  readonly amount: BigDecimal.BigDecimal
}

/**
 * - `open`: it can still be filled, or filled further
 * - `filled`: the whole amount was filled
 * - `cancelled`: it was cancelled or expired; `filled` may be a part of the amount
 * - `rejected`: the exchange rejected it after accepting it; `filled` may be a part of the amount
 *
 * All but `open` are final: the order does not change any more.
 */
export type ExchangeOrderState = "open" | "filled" | "cancelled" | "rejected"

/** An order as the exchange reports it now. */
export interface ExchangeOrder {
  /** Id that the exchange gave the order. */
  readonly id: string
  readonly clientOrderId: string
  readonly state: ExchangeOrderState
  /** Units of the asset ordered. */
  readonly amount: BigDecimal.BigDecimal
  /** Units of the asset bought or sold so far. */
  readonly filled: BigDecimal.BigDecimal
  /** US dollars paid or received for `filled`, exactly: the amount times the average price, which may have many decimals. */
  readonly cost: BigDecimal.BigDecimal
  /** Fee in US dollars beyond `cost`, as far as the exchange reports it with the order; else zero. */
  readonly fee: BigDecimal.BigDecimal
  /** Reason of a rejection, in the words of the exchange. */
  readonly reason?: string | undefined
}

/** Terms of trading an asset now. */
export interface ExchangeTerms {
  /** False if the exchange suspended trading in the asset. */
  readonly tradable: boolean
  /** Smallest amount of an order, in units of the asset. */
  readonly minimumAmount: BigDecimal.BigDecimal
  /** Smallest value of a purchase, in US dollars, with a margin for prices that differ. Sales have no such limit. */
  readonly minimumCost: BigDecimal.BigDecimal
  /** Amounts are multiples of this: 1 for a stock without fractions. */
  readonly increment: BigDecimal.BigDecimal
  /** True if the market of the asset is open now. */
  readonly isOpen: boolean
  /** Start of the next session; none while the market is open. */
  readonly opensAt: Option.Option<DateTime.Utc>
}

/** The account at the exchange. */
export interface ExchangeAccount {
  /** US dollars that can be spent. */
  readonly buyingPower: BigDecimal.BigDecimal
  /** Reason for which the exchange accepts no orders; none if it does. */
  readonly blocked: Option.Option<string>
}

/** Kinds of certain refusals. `other` covers everything else that repeating the request would not change. */
export const RefusalKind = Schema.Literals([
  "insufficient-funds",
  "amount-invalid",
  "not-tradable",
  "unknown-asset",
  "not-found",
  "not-cancelable",
  "other"
])
export type RefusalKind = typeof RefusalKind.Type

/** The exchange refused the request, certainly: it has no effect, and the same request would be refused again. */
export class ExchangeRefused extends Schema.TaggedError<ExchangeRefused>()("ExchangeRefused", {
  exchange: Schema.String,
  kind: RefusalKind,
  /** The answer of the exchange, shortened and without secrets. */
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.exchange} refused the request (${this.kind}): ${this.detail}`
  }
}

/**
 * Kinds of unknown outcomes. `rate-limited`, `unauthorized` and `unreachable` are listed here too, although the request most
 * likely had no effect: they pass, and only a lookup proves that there is no order.
 */
export const UnknownKind = Schema.Literals([
  "timeout",
  "unreachable",
  "failing",
  "malformed",
  "contradictory",
  "rate-limited",
  "unauthorized"
])
export type UnknownKind = typeof UnknownKind.Type

/**
 * The outcome of the request is unknown. It may have had its effect: never treat this as a refusal. Look the order up by its
 * client order id before it is submitted again, under the same id.
 */
export class ExchangeUnknown extends Schema.TaggedError<ExchangeUnknown>()("ExchangeUnknown", {
  exchange: Schema.String,
  kind: UnknownKind,
  /** Description of the failure, without secrets. */
  detail: Schema.String,
  /** Time that the exchange asks to wait. */
  retryAfter: Schema.optionalKey(Schema.Duration)
}) {
  override get message(): string {
    const wait = this.retryAfter === undefined ? "" : `; retry after ${Duration.format(this.retryAfter)}`
    return `The outcome of the request to ${this.exchange} is unknown (${this.kind}): ${this.detail}${wait}`
  }
}

/** Executes orders at the exchange of `EXCHANGE`. No method repeats a request by itself. */
export class ExchangeClient extends Context.Service<
  ExchangeClient,
  {
    /** Name of the exchange, as in `EXCHANGE`. */
    readonly name: string
    /**
     * Submits a market order under its client order id. An id that was used already returns the order that has it, whose
     * state may be any. An order submitted while the market is closed stays open until it opens.
     */
    readonly submit: (
      order: NewExchangeOrder
    ) => Effect.Effect<ExchangeOrder, ExchangeRefused | ExchangeUnknown>
    /**
     * Looks up an order by its client order id. None: the exchange knows no such order at this moment. Shortly after an
     * unknown outcome, the order may still appear: submit again only under the same id.
     */
    readonly find: (clientOrderId: string) => Effect.Effect<Option.Option<ExchangeOrder>, ExchangeUnknown>
    /** Requests the cancellation of an open order. A part can still be filled until the order is `cancelled`. */
    readonly cancel: (clientOrderId: string) => Effect.Effect<void, ExchangeRefused | ExchangeUnknown>
    /** Returns what the exchange accepts for an asset. Fails with `unknown-asset` if it does not trade it. */
    readonly terms: (asset: AssetCode) => Effect.Effect<ExchangeTerms, ExchangeRefused | ExchangeUnknown>
    /** Returns the account at the exchange. Fails with `unauthorized` if its credentials are invalid. */
    readonly account: Effect.Effect<ExchangeAccount, ExchangeUnknown>
  }
>()("effex/exchanges/ExchangeClient") {}
