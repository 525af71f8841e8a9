import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer, Option } from "effect"
import { Settings } from "../../src/config/Settings.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import * as ConfiguredExchange from "../../src/exchanges/ConfiguredExchange.ts"
import { ExchangeClient } from "../../src/exchanges/ExchangeClient.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"
import * as TestCatalog from "../support/TestCatalog.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { ASSETS } from "../support/TestExchange.ts"
import * as Answers from "./alpaca/AlpacaAnswers.ts"
import { code, newOrder } from "./alpaca/AlpacaServer.ts"

/** The exchange of an environment, built for the scope. */
const exchangeOf = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const url = yield* TestDatabase.create
  const settings = Settings.layer.pipe(
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { ...env, DATABASE_URL: url } })))
  )
  const context = yield* Layer.build(
    ConfiguredExchange.layer.pipe(
      Layer.provide(NodeHttpClient.layerUndici),
      Layer.provide(TestCatalog.layer(ASSETS)),
      Layer.provide(Database.layer),
      Layer.provide(settings)
    )
  )
  return Context.get(context, ExchangeClient)
})

describe("ConfiguredExchange", () => {
  it.live("executes orders at the sandbox without any setting", () =>
    Effect.gen(function* () {
      const exchange = yield* exchangeOf({})
      assert.strictEqual(exchange.name, "sandbox")
      const order = newOrder("BTC", "0.01")
      const filled = yield* exchange.submit(order)
      assert.strictEqual(filled.state, "filled")
      assert.deepStrictEqual(yield* exchange.find(order.clientOrderId), Option.some(filled))
      assert.isTrue((yield* exchange.terms(code("AAPL"))).isOpen)
      assert.isTrue(Option.isNone((yield* exchange.account).blocked))
    }).pipe(Effect.scoped)
  )

  it.live("executes orders at Alpaca with its keys", () =>
    Effect.gen(function* () {
      const server = yield* ScriptedServer.listen(ScriptedServer.json(200, Answers.account))
      const exchange = yield* exchangeOf({
        ALPACA_KEY_ID: "PK0123456789",
        ALPACA_SECRET_KEY: "secret",
        ALPACA_BASE_URL: `${server.url}/v2`,
        PRICE_PROVIDERS: "off"
      })
      assert.strictEqual(exchange.name, "alpaca")
      assert.strictEqual(Decimal.format((yield* exchange.account).buyingPower), "245432.61")
      assert.strictEqual(server.requests[0]?.path, "/v2/account")
      assert.strictEqual(server.requests[0]?.headers["apca-api-key-id"], "PK0123456789")
    }).pipe(Effect.scoped)
  )

  it.live("refuses new orders without an exchange, and takes no earlier order for missing", () =>
    Effect.gen(function* () {
      const exchange = yield* exchangeOf({ EXCHANGE: "off" })
      for (const refused of [
        exchange.submit(newOrder("BTC", "1")),
        exchange.terms(code("BTC")),
        exchange.cancel("id")
      ]) {
        const error = yield* Effect.flip(refused)
        assert.strictEqual(error._tag, "ExchangeRefused")
        assert.include(error.message, "set EXCHANGE")
      }
      // An exchange that was configured before may have filled the order.
      assert.strictEqual((yield* Effect.flip(exchange.find("id")))._tag, "ExchangeUnknown")
      assert.isTrue(Option.isSome((yield* exchange.account).blocked))
    }).pipe(Effect.scoped)
  )
})
