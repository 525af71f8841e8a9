import { BigDecimal, Cache, DateTime, Duration, Effect, Exit, Option, Result } from "effect"
import { HttpClientRequest } from "effect/http"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import type { AssetCode, AssetKind } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import {
  ExchangeClient,
  type ExchangeOrder,
  ExchangeRefused,
  type ExchangeUnknown,
  type NewExchangeOrder,
  type RefusalKind
} from "../ExchangeClient.ts"
import * as AlpacaHttp from "./AlpacaHttp.ts"
import * as AlpacaOrder from "./AlpacaOrder.ts"
import * as AlpacaRefusals from "./AlpacaRefusals.ts"
import * as AlpacaTerms from "./AlpacaTerms.ts"

/** Time for which the terms of an asset are kept. */
const ASSET_TTL = Duration.minutes(1)
const MAX_CACHED_ASSETS = 2000
/** Time for which the clock is kept. It states when the session ends, so that no session is prolonged by it. */
const CLOCK_TTL = Duration.seconds(30)

/** An asset as Alpaca names it. */
interface Listing {
  readonly symbol: string
  readonly kind: AssetKind
}

/**
 * Alpaca's trading API v2, for stocks and cryptocurrencies. Orders are market orders for an amount: of the day for stocks,
 * which fractions require, and until cancelled for cryptocurrencies.
 */
export const make = Effect.fnUntraced(function* (access: AlpacaHttp.AlpacaAccess) {
  const { baseUrl, name } = access
  const catalog = yield* AssetCatalog
  const { get, send, unexpected, unknown } = yield* AlpacaHttp.make(access)

  const refused = (kind: RefusalKind, detail: string) => new ExchangeRefused({ exchange: name, kind, detail })
  const refusedBy = (refusal: AlpacaHttp.AlpacaRefusal) =>
    refused(AlpacaRefusals.kindOf(refusal), `status ${refusal.status}: ${refusal.message}`)

  const listingOf = (code: AssetCode): Effect.Effect<Listing, ExchangeRefused> =>
    Option.match(catalog.find(code), {
      onNone: () => Effect.fail(refused("unknown-asset", `the catalogue has no asset ${code}`)),
      onSome: ({ exchangeSymbol, kind }) =>
        kind === "currency"
          ? Effect.fail(refused("unknown-asset", `${code} is a currency`))
          : Effect.succeed({ symbol: exchangeSymbol ?? code, kind })
    })

  const readOrder = (json: unknown, clientOrderId: string) =>
    Effect.fromResult(
      Result.flatMap(AlpacaOrder.read(json), (order) =>
        order.clientOrderId === clientOrderId
          ? Result.succeed(order)
          : Result.fail<AlpacaOrder.OrderDefect>({
              kind: "contradictory",
              detail: `the answer is about the order ${order.clientOrderId}`
            })
      )
    ).pipe(Effect.mapError(({ detail, kind }) => unknown(kind, detail)))

  const findOrder = Effect.fnUntraced(function* (clientOrderId: string) {
    const request = HttpClientRequest.get(`${baseUrl}/v2/orders:by_client_order_id`).pipe(
      HttpClientRequest.setUrlParam("client_order_id", clientOrderId)
    )
    const json = yield* send("find", request).pipe(
      Effect.asSome,
      Effect.catchTag("AlpacaRefusal", (refusal) =>
        refusal.status === 404 ? Effect.succeedNone : Effect.fail(unexpected(refusal))
      )
    )
    if (Option.isNone(json)) return Option.none<AlpacaOrder.ReadOrder>()
    return Option.some(yield* readOrder(json.value, clientOrderId))
  })

  /** Returns the order that has the id of `order`, which must be the same order. */
  const findSame = Effect.fnUntraced(function* (order: NewExchangeOrder, { symbol }: Listing) {
    const found = yield* findOrder(order.clientOrderId)
    if (Option.isNone(found))
      return yield* unknown("contradictory", "the client order id is used, but there is no order with it")
    const isSame =
      found.value.side === order.side &&
      AlpacaOrder.isSameSymbol(found.value.symbol, symbol) &&
      BigDecimal.equals(found.value.amount, order.amount)
    return isSame
      ? found.value
      : yield* unknown("contradictory", `the client order id belongs to another order, ${found.value.id}`)
  })

  const submit = Effect.fn("Alpaca.submit")(function* (order: NewExchangeOrder) {
    const listing = yield* listingOf(order.asset)
    const request = HttpClientRequest.post(`${baseUrl}/v2/orders`).pipe(
      HttpClientRequest.bodyJsonUnsafe({
        symbol: listing.symbol,
        qty: Decimal.format(order.amount),
        side: order.side,
        type: "market",
        time_in_force: listing.kind === "stock" ? "day" : "gtc",
        client_order_id: order.clientOrderId
      })
    )
    return yield* send("submit", request).pipe(
      Effect.flatMap((json) => readOrder(json, order.clientOrderId)),
      Effect.catchTag(
        "AlpacaRefusal",
        (refusal): Effect.Effect<AlpacaOrder.ReadOrder, ExchangeRefused | ExchangeUnknown> =>
          AlpacaRefusals.isUsedId(refusal) ? findSame(order, listing) : Effect.fail(refusedBy(refusal))
      ),
      Effect.map(toExchangeOrder)
    )
  })

  const cancel = Effect.fn("Alpaca.cancel")(function* (clientOrderId: string) {
    const found = yield* findOrder(clientOrderId)
    if (Option.isNone(found)) return yield* refused("not-found", `there is no order ${clientOrderId}`)
    yield* send(
      "cancel",
      HttpClientRequest.delete(`${baseUrl}/v2/orders/${encodeURIComponent(found.value.id)}`)
    ).pipe(
      Effect.catchTag("AlpacaRefusal", (refusal) =>
        Effect.fail(
          // The order exists, so its state is what Alpaca objects to.
          refusal.status === 422
            ? refused("not-cancelable", `status 422: ${refusal.message}`)
            : refusedBy(refusal)
        )
      )
    )
  })

  const fetchAsset = Effect.fnUntraced(function* (code: AssetCode) {
    const { kind, symbol } = yield* listingOf(code)
    const json = yield* send(
      "asset",
      HttpClientRequest.get(`${baseUrl}/v2/assets/${encodeURIComponent(symbol)}`)
    ).pipe(
      Effect.catchTag("AlpacaRefusal", (refusal) =>
        Effect.fail(
          refusal.status === 404
            ? refused("unknown-asset", `status 404: ${refusal.message}`)
            : unexpected(refusal)
        )
      )
    )
    return yield* Effect.mapError(Effect.fromOption(AlpacaTerms.readAsset(json, kind)), () =>
      unknown("malformed", `the asset ${symbol} lacks fields or has others`)
    )
  })
  const assets = yield* Cache.makeWith(fetchAsset, {
    capacity: MAX_CACHED_ASSETS,
    timeToLive: (exit) => (Exit.isSuccess(exit) ? ASSET_TTL : Duration.zero)
  })

  const clock = yield* Cache.makeWith((operation: "clock") => get(operation, AlpacaTerms.readClock), {
    capacity: 1,
    timeToLive: (exit) => (Exit.isSuccess(exit) ? CLOCK_TTL : Duration.zero)
  })

  const terms = Effect.fn("Alpaca.terms")(function* (code: AssetCode) {
    const { kind } = yield* listingOf(code)
    const asset = yield* Cache.get(assets, code)
    if (kind === "crypto") return { ...asset, isOpen: true, opensAt: Option.none() }
    return { ...asset, ...AlpacaTerms.hoursAt(yield* Cache.get(clock, "clock"), yield* DateTime.now) }
  })

  return ExchangeClient.of({
    name,
    submit,
    find: Effect.fn("Alpaca.find")(function* (clientOrderId: string) {
      return Option.map(yield* findOrder(clientOrderId), toExchangeOrder)
    }),
    cancel,
    terms,
    account: Effect.withSpan(get("account", AlpacaTerms.readAccount), "Alpaca.account")
  })
})

const toExchangeOrder = ({ side: _side, symbol: _symbol, ...order }: AlpacaOrder.ReadOrder): ExchangeOrder =>
  order
