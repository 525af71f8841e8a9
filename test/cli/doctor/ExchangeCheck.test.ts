import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ExchangeCheck from "../../../src/cli/doctor/ExchangeCheck.ts"
import * as SandboxExchange from "../../../src/exchanges/sandbox/SandboxExchange.ts"
import * as SandboxOrders from "../../../src/exchanges/sandbox/SandboxOrders.ts"
import * as TestSettings from "../../support/TestSettings.ts"

describe("effex doctor", () => {
  it("tells simulated from real money only at the addresses of Alpaca", () => {
    assert.strictEqual(ExchangeCheck.moneyOf("https://paper-api.alpaca.markets"), "simulated money")
    assert.strictEqual(ExchangeCheck.moneyOf("https://api.alpaca.markets"), "real money")
    assert.notMatch(ExchangeCheck.moneyOf("https://api.alpaca.markets.example.org"), /real|simulated/)
  })

  it.live("calls the money of a sandbox exchange neither real nor simulated", () =>
    Effect.gen(function* () {
      const { apiUrl } = yield* SandboxExchange.listen({
        host: "127.0.0.1",
        port: 0,
        orders: SandboxOrders.makeMemory()
      })
      const [result] = yield* ExchangeCheck.run.pipe(
        Effect.provide(
          TestSettings.layerOnly({
            ALPACA_BASE_URL: apiUrl,
            ALPACA_KEY_ID: "any",
            ALPACA_SECRET_KEY: "any",
            PRICE_PROVIDERS: "off"
          })
        )
      )
      assert.strictEqual(result?.status, "ok", JSON.stringify(result))
      assert.include(result?.found, `the money of ${new URL(apiUrl).host}`)
    }).pipe(Effect.scoped)
  )
})
