import { assert, it, layer } from "@effect/vitest"
import { BigDecimal, Effect, Layer, Option, Stream } from "effect"
import type * as Orders from "../../../../src/api/orders/OrderMessage.ts"
import { AssetCatalog } from "../../../../src/assets/AssetCatalog.ts"
import { EffexClient } from "../../../../src/client/EffexClient.ts"
import { connectAdmin } from "../../../../src/client/promise/ConnectAdmin.ts"
import { InsufficientFunds } from "../../../../src/client/promise/EffexError.ts"
import type * as Values from "../../../../src/client/promise/orders/OrderValues.ts"
import type { WalletEvent } from "../../../../src/client/promise/wallets/WalletValues.ts"
import { AssetCode } from "../../../../src/domain/money/Asset.ts"
import { RateRepo } from "../../../../src/rates/RateRepo.ts"
import * as Callers from "../../../support/Callers.ts"
import { tick } from "../../../support/RateTicks.ts"
import { ScriptedExchange } from "../../../support/ScriptedExchange.ts"
import * as TestAccounts from "../../../support/TestAccounts.ts"
import { TestServer } from "../../../support/TestServer.ts"
import * as TestSettlement from "../../../support/TestSettlement.ts"
import { eventually } from "../../../support/Waiters.ts"
import { errorOf } from "../ClientErrors.ts"
import { type Encoded, isDecoded } from "../DecodedMessage.ts"

it("decodes messages about orders to the client's types", () => {
  isDecoded<Encoded<typeof Orders.OrderMessage>, Values.Order>(true)
  isDecoded<Encoded<typeof Orders.OrderDetailMessage>, Values.OrderDetail>(true)
  isDecoded<Encoded<typeof Orders.OrderTermsMessage>, Values.OrderTerms>(true)
  isDecoded<Encoded<typeof Orders.AllocationMessage>, Values.OrderAllocation>(true)
})

/** Lists an asset, whose price is 4 US dollars. */
const list = Effect.fnUntraced(function* (code: string) {
  yield* (yield* RateRepo).insert(yield* tick(code, "USD", "4"))
  yield* (yield* ScriptedExchange).always({ does: "fill", price: "4" })
  const definition = { kind: "crypto", name: code, decimals: 8, tradable: true, minimumOrder: null } as const
  yield* (yield* AssetCatalog).change({
    definition: {
      ...definition,
      code: AssetCode.make(code),
      providerSymbols: {},
      exchangeSymbol: null,
      state: "listed"
    },
    principal: "test",
    expectedVersion: Option.none()
  })
})

layer(TestServer.layer({ FUNDING: "sandbox", ORDER_SPREAD: "0" }), { excludeTestServices: true })(
  "orders in the clients, against a server",
  (it) => {
    it.effect("place, list, cancel and prove an order", () =>
      Effect.gen(function* () {
        yield* list("COIN")
        const { url } = yield* TestServer
        const { authorization } = yield* Callers.withScopes("admin")
        const effex = connectAdmin(url)
        const small = yield* Effect.promise(async () => {
          await effex.accounts.register({ username: "ann", password: TestAccounts.PASSWORD })
          await effex.funding.deposit({ amount: "100" })
          assert.deepStrictEqual(await effex.orders.terms("coin"), {
            asset: "COIN",
            spread: "0",
            minimumOrder: null,
            poolThreshold: "10.00",
            poolMaxWait: 300,
            marketOpen: true,
            sandbox: true
          })
          for (const code of ["USD", "NONE"])
            assert.strictEqual((await errorOf(effex.orders.terms(code))).code, "asset-unavailable", code)
          const request = { asset: "coin", side: "buy", amount: "1", clientOrderId: "mine-1" } as const
          const placed = await effex.orders.place(request)
          assert.deepInclude(placed, { asset: "COIN", totalPrice: "4.00", state: "aggregated" })
          assert.instanceOf(placed.createdAt, Date)
          assert.deepStrictEqual(await effex.orders.place(request), placed)
          const tooMuch = await errorOf(effex.orders.place({ asset: "COIN", side: "buy", notional: "96.01" }))
          assert.instanceOf(tooMuch, InsufficientFunds)
          assert.strictEqual(tooMuch.available, "96.00")
          const other = await effex.orders.place({ asset: "COIN", side: "buy", notional: "2" })
          const detail = await effex.orders.get(placed.id)
          assert.deepInclude(detail.pool, { orders: 2, total: "6.00" })
          assert.instanceOf(detail.history[0]?.at, Date)
          assert.strictEqual((await effex.orders.cancel(other.id)).state, "cancelled")
          assert.strictEqual((await errorOf(effex.orders.cancel(other.id))).code, "order-not-cancellable")
          await effex.orders.place({ asset: "COIN", side: "buy", amount: "2" })
          const found = []
          for await (const { id } of effex.orders.list({ asset: "COIN", state: "aggregated", pageSize: 1 }))
            found.push(id)
          assert.lengthOf(found, 2)
          return placed
        })
        const events: Array<WalletEvent> = []
        const following = (async () => {
          for await (const event of effex.watchWallet()) events.push(event)
        })()
        yield* eventually("snapshot", () => events[0])
        yield* TestSettlement.settle
        const event = yield* eventually("settled order", () =>
          events.find((event) => event.type === "order" && event.order.id === small.id)
        )
        assert.isTrue(event.type === "order" && event.order.createdAt instanceof Date)
        yield* Effect.promise(async () => {
          const settled = await effex.orders.get(small.id)
          assert.deepInclude(settled, { state: "completed", filled: "1", charged: "4.00" })
          const allocation = await effex.orders.allocation(small.id)
          assert.deepInclude(allocation, { rule: "largest-remainder", filled: "3" })
          assert.isTrue(allocation.orders[0]?.isYours)
          const { admin } = connectAdmin(url, { apiKey: authorization.replace("Bearer ", "") })
          const [batch] = (await admin.batches.list({ state: "allocated", dead: "false" }).page()).data
          assert.strictEqual(batch?.id, allocation.batchId)
          const detail = await admin.batches.get(batch?.id ?? "")
          assert.strictEqual(detail.history.at(-1)?.state, "allocated")
          const retried = await errorOf(admin.batches.retry(detail.id, { reason: "Check" }))
          assert.strictEqual(retried.code, "already-decided")
          await effex.close()
          await following
        })
      })
    )

    it.effect("have the same calls with Effect, with exact decimals", () =>
      Effect.gen(function* () {
        yield* list("TOKEN")
        const { url } = yield* TestServer
        yield* Effect.gen(function* () {
          const { accounts, funding, orders } = yield* EffexClient
          yield* accounts.register({ username: "ben", password: TestAccounts.PASSWORD })
          yield* funding.deposit({ amount: "100" })
          const placed = yield* orders.place({ asset: "TOKEN", side: "buy", amount: "1" })
          assert.isTrue(BigDecimal.equals(placed.totalPrice, BigDecimal.make(4n, 0)))
          const [found] = yield* Stream.runCollect(orders.list())
          assert.strictEqual(found?.id, placed.id)
          const { pool } = yield* orders.get(placed.id)
          assert.isTrue(pool !== null && BigDecimal.equals(pool.total, BigDecimal.make(4n, 0)))
          assert.strictEqual((yield* Effect.flip(orders.allocation(placed.id)))._tag, "NotFound")
        }).pipe(Effect.provide(Layer.fresh(EffexClient.layer({ url }))))
      })
    )
  }
)
