import { Effect, Option, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import { CurrentUser } from "../../../api/access/CurrentUser.ts"
import * as Problem from "../../../api/Problem.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { Settings } from "../../../config/Settings.ts"
import { OrderId, OrderNotFound } from "../../../domain/orders/Order.ts"
import { Batches } from "../../../orders/settlement/Batches.ts"
import { MarketHours } from "../../../orders/settlement/MarketHours.ts"
import { checkAsset } from "../../../orders/OrderRequest.ts"
import { OrderWaits } from "../../../orders/OrderWaits.ts"
import { Orders } from "../../../orders/Orders.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import * as IdempotentResponse from "../../encoding/IdempotentResponse.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as IdempotencyKey from "../../encoding/IdempotencyKey.ts"
import * as PairParams from "../PairParams.ts"
import * as MyWallet from "../wallets/MyWallet.ts"
import { allocationFields, orderDetailFields, orderFields, orderTermsFields } from "./OrderFields.ts"
import * as OrderProblems from "./OrderProblems.ts"
import { findAsset, readOrder, readTerms } from "./OrderRequestBody.ts"

/** Handlers of orders. */
export const layer = HttpApiBuilder.group(
  Api,
  "orders",
  Effect.fn(function* (handlers) {
    const settings = yield* Settings
    const { aggregationMaxWait: maxWait, aggregationThreshold: threshold } = settings
    const catalog = yield* AssetCatalog
    const batches = yield* Batches
    const market = yield* MarketHours
    const orders = yield* Orders
    const waits = yield* OrderWaits

    const myWallet = yield* MyWallet.make

    const findOrder = Effect.fnUntraced(function* (text: string) {
      const id = yield* parseId(text)
      const { id: wallet } = yield* myWallet
      return yield* orders.find(wallet, id).pipe(Effect.catchTags(OrderProblems.findErrors))
    })

    return handlers
      .handleRaw(
        "place",
        Effect.fnUntraced(function* ({ request }) {
          const key = yield* IdempotencyKey.ofRequest(request)
          const terms = yield* readTerms(catalog, yield* readOrder(request))
          const wallet = yield* myWallet
          const user = yield* CurrentUser
          const { isReviewed, order, replayed } = yield* orders
            .place({ ...terms, wallet, ...MyWallet.senderOf(user), key, session: user.sessionId })
            .pipe(Effect.catchTags(OrderProblems.placeErrors))
          return IdempotentResponse.respond(
            isReviewed ? 202 : 201,
            JSON.stringify(orderFields(order)),
            replayed
          )
        })
      )
      .handle(
        "list",
        Effect.fnUntraced(function* ({ query }) {
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(OrderId))
          const asset = yield* PairParams.parseCode(catalog, query.asset)
          const size = Pagination.sizeOf(query)
          const { id: wallet } = yield* myWallet
          const found = yield* orders
            .page(wallet, { state: query.state, asset }, before, size + 1)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, orderFields, ({ id }) => id)
        })
      )
      .handle(
        "terms",
        Effect.fnUntraced(function* ({ query }) {
          const asset = yield* findAsset(catalog, query.asset)
          yield* checkAsset(asset, "sell", settings.exchange).pipe(
            Effect.catchTags(OrderProblems.termsErrors)
          )
          return orderTermsFields(asset, settings, yield* market.isOpen(asset.code))
        })
      )
      .handle(
        "find",
        Effect.fnUntraced(function* ({ params }) {
          const order = yield* findOrder(params.order_id)
          const { asset, id, side, state } = order
          const [history, pool] = yield* Effect.all([
            orders.history(id),
            state === "aggregated" ? orders.pool(asset, side) : Effect.succeedNone
          ]).pipe(Effect.catchTags(Problems.storeErrors))
          const waiting = yield* waits.of(order, pool).pipe(Effect.catchTags(Problems.storeErrors))
          return orderDetailFields(order, history, waiting, pool, { maxWait, threshold })
        })
      )
      .handle(
        "allocation",
        Effect.fnUntraced(function* ({ params }) {
          const order = yield* findOrder(params.order_id)
          const asset = catalog.find(order.asset)
          const { decimals } = Option.getOrElse(asset, () => ({ decimals: 0 }))
          const found = Option.isSome(asset)
            ? yield* batches.allocationOf(order, decimals).pipe(Effect.catchTags(Problems.storeErrors))
            : Option.none()
          return Option.isSome(found)
            ? allocationFields(found.value, order, decimals)
            : yield* new Problem.NotFound({
                detail: `The order is ${order.state}; its share is computed when it is settled`
              })
        })
      )
      .handle(
        "cancel",
        Effect.fnUntraced(function* ({ params }) {
          const id = yield* parseId(params.order_id)
          const { id: wallet } = yield* myWallet
          const { principal } = yield* CurrentUser
          return yield* orders
            .cancel(wallet, id, principal)
            .pipe(Effect.map(orderFields), Effect.catchTags(OrderProblems.cancelErrors))
        })
      )
  })
)

const parseId = (text: string) =>
  Effect.mapError(
    Schema.decodeEffect(OrderId)(text),
    () => new Problem.NotFound({ detail: new OrderNotFound().message })
  )
