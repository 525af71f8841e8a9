import { assert, layer } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { RateRepo } from "../../../../src/rates/RateRepo.ts"
import { AssetCatalog } from "../../../../src/assets/AssetCatalog.ts"
import { AssetCode } from "../../../../src/domain/money/Asset.ts"
import { tick } from "../../../support/RateTicks.ts"
import { ScriptedExchange } from "../../../support/ScriptedExchange.ts"
import * as TestRisk from "../../../support/TestRisk.ts"
import * as TestSettlement from "../../../support/TestSettlement.ts"
import { TestServer } from "../../../support/TestServer.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

const LIMITS = {
  ORDER_SPREAD: "0",
  RISK_SMALL_ORDERS: "3",
  RISK_SMALL_ORDER_VALUE: "10",
  RISK_HOUR_VALUE: "500",
  RISK_REVIEW_VALUE: "100000"
}

/** Lists an asset, whose price is 4 US dollars. */
const list = Effect.fnUntraced(function* (code: string) {
  yield* (yield* RateRepo).insert(yield* tick(code, "USD", "4"))
  yield* (yield* ScriptedExchange).always({ does: "fill", price: "4" })
  yield* (yield* AssetCatalog).change({
    definition: {
      code: AssetCode.make(code),
      kind: "crypto",
      name: code,
      decimals: 8,
      tradable: true,
      minimumOrder: null,
      providerSymbols: {},
      exchangeSymbol: null,
      state: "listed"
    },
    principal: "test",
    expectedVersion: Option.none()
  })
})

const countOf = Schema.decodeUnknownSync(Schema.Array(Schema.Unknown))

/** Creates a user, and a function that buys for so many US dollars. */
const buyer = Effect.fnUntraced(function* (name: string, asset: string, dollars: string) {
  yield* list(asset)
  const user = yield* WalletUsers.create(name, { USD: dollars })
  const buy = (notional: string, key?: string) =>
    user.post(
      "/api/v1/orders",
      { asset, side: "buy", notional },
      key === undefined ? {} : { "idempotency-key": key }
    )
  const orders = Effect.map(user.get("/api/v1/orders"), ({ json }) => countOf(json["data"]).length)
  return { ...user, buy, orders }
})

layer(TestServer.layer(LIMITS), { excludeTestServices: true })("Risk of orders", (it) => {
  it.effect("denies more small orders in an hour than the rule allows, and larger ones never count", () =>
    Effect.gen(function* () {
      const { balances, buy, orders, wallet } = yield* buyer("small-orders", "SMAL", "200")
      for (const notional of ["1", "20", "10", "20", "2"])
        assert.strictEqual((yield* buy(notional)).status, 201)
      const denied = yield* buy("1")
      assert.strictEqual(denied.status, 403, denied.text)
      assert.strictEqual(denied.json["code"], "limit-exceeded")
      assert.notInclude(denied.text, "small_orders")
      assert.strictEqual((yield* buy("20")).status, 201)
      assert.strictEqual(yield* orders, 6)
      assert.deepStrictEqual(yield* balances, ["USD 127"])
      assert.deepStrictEqual(yield* TestRisk.decisionsOf(wallet), [
        "deny small_orders too many small orders in an hour"
      ])
    })
  )

  it.effect("stores nothing of a denied order, and a retry gets the denial", () =>
    Effect.gen(function* () {
      const { balances, buy, orders } = yield* buyer("denied-order", "DENY", "2000")
      assert.strictEqual((yield* buy("400", "first")).status, 201)
      for (let attempt = 0; attempt < 2; attempt++) {
        const { json, status } = yield* buy("100.04", "second")
        assert.strictEqual(status, 403)
        assert.include(json, { code: "limit-exceeded", remaining: "100.00", unit: "USD" })
      }
      assert.strictEqual(yield* orders, 1)
      assert.deepStrictEqual(yield* balances, ["USD 1600"])
      yield* TestSettlement.settle
      assert.deepStrictEqual(yield* balances, ["DENY 100", "USD 1600"])
      // Together, concurrent orders do not exceed it either.
      const statuses = yield* Effect.forEach(
        [1, 2, 3, 4],
        (n) => Effect.map(buy("40", `at once ${n}`), ({ status }) => status),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(statuses.toSorted(), [201, 201, 403, 403])
    })
  )
})
