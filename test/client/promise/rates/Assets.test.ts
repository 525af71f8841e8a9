import { assert, it, layer } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Layer } from "effect"
import type * as Assets from "../../../../src/api/assets/AssetMessage.ts"
import type { Board } from "../../../../src/api/assets/BoardMessage.ts"
import type { ExchangePrice } from "../../../../src/api/assets/ExchangeMessage.ts"
import { AssetCatalog } from "../../../../src/assets/AssetCatalog.ts"
import { EffexClient } from "../../../../src/client/EffexClient.ts"
import { connect } from "../../../../src/client/promise/Connect.ts"
import { connectRates } from "../../../../src/client/promise/ConnectRates.ts"
import type * as Values from "../../../../src/client/promise/Values.ts"
import { RateIngest } from "../../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../../src/rates/RateRepo.ts"
import * as Callers from "../../../support/Callers.ts"
import { tick } from "../../../support/RateTicks.ts"
import { get, TestServer } from "../../../support/TestServer.ts"
import { type Encoded, isDecoded } from "../DecodedMessage.ts"

it("decodes messages about assets to the client's types", () => {
  isDecoded<Encoded<typeof Assets.AssetMessage>, Values.Asset>(true)
  isDecoded<Encoded<typeof ExchangePrice>, Values.AssetPrice>(true)
  isDecoded<Encoded<typeof Board>, Values.Board>(true)
})

/** Lists Bitcoin and a stock, with a price of yesterday and one of now each. */
const listAssets = Effect.gen(function* () {
  const { authorization } = yield* Callers.withScopes("admin")
  const repo = yield* RateRepo
  const yesterday = DateTime.formatIso(DateTime.subtract(yield* DateTime.now, { hours: 25 }))
  for (const [code, kind, before, now] of [
    ["BTC", "crypto", "50000", "49385"],
    ["AAPL", "stock", "200", "210"]
  ] as const) {
    const body = JSON.stringify({ kind, name: `${code} Inc.`, decimals: 8, minimum_order: "0.0001" })
    const headers = { authorization, "content-type": "application/json" }
    const listed = yield* get(`/api/v1/admin/assets/${code}`, { method: "PUT", headers, body })
    assert.strictEqual(listed.status, 200, listed.text)
    yield* repo.insert(yield* tick(code, "USD", before, yesterday))
    yield* (yield* RateIngest).publish(yield* repo.insert(yield* tick(code, "USD", now)))
  }
  yield* (yield* AssetCatalog).refresh
})

layer(TestServer.layer({ RATE_SOURCES: "USD,EUR", RATE_DESTINATIONS: "NGN,KES" }), {
  excludeTestServices: true
})("assets and prices in the clients, against a server", (it) => {
  it.effect("with promises", () =>
    Effect.gen(function* () {
      yield* listAssets
      const { url } = yield* TestServer
      yield* Effect.promise(async () => {
        for (const effex of [connect(url), connectRates(url)]) {
          const assets = await effex.assets("crypto")
          assert.deepStrictEqual(assets, [
            {
              code: "BTC",
              name: "BTC Inc.",
              kind: "crypto",
              decimals: 8,
              tradable: true,
              minimumOrder: "0.0001",
              state: "listed"
            }
          ])
          const codes = (await effex.assets()).map(({ code }) => code)
          assert.includeMembers(codes, ["USD", "NGN", "BTC", "AAPL"])
          const [bitcoin] = await effex.cryptoPrices()
          assert.deepInclude(bitcoin, {
            name: "BTC",
            price: "49385.00",
            currency: "USD",
            change24h: "-0.0123"
          })
          assert.instanceOf(bitcoin?.asOf, Date)
          const [apple] = await effex.stockPrices()
          assert.deepInclude(apple, { name: "AAPL", price: "210.00", fullName: "AAPL Inc." })
          const board = await effex.board({ base: "btc", points: 3 })
          assert.strictEqual(board.base, "BTC")
          assert.lengthOf(board.times, 3)
          assert.instanceOf(board.times[0], Date)
          assert.deepInclude(board.pairs[0], { to: "USD", rate: "49385", change24h: "-0.0123" })
          assert.deepStrictEqual(board.pairs[0]?.series, ["50000", "50000", "49385"])
        }
        const wrong = connect(url).board({ points: 1 })
        const error = await wrong.catch((thrown: unknown) => thrown)
        assert.deepInclude(error, { code: "invalid-option" })
      })
    })
  )

  it.effect("have the rate of any pair of offered currencies, and of an asset", () =>
    Effect.gen(function* () {
      yield* listAssets
      const { url } = yield* TestServer
      yield* Effect.promise(async () => {
        const effex = connect(url)
        assert.deepInclude(await effex.rate("NGN", "USD"), { from: "NGN", to: "USD" })
        assert.deepInclude(await effex.rate("kes", "ngn"), { from: "KES", to: "NGN" })
        assert.deepInclude(await effex.rate("btc", "usd"), { from: "BTC", to: "USD", rate: "49385" })
        const listed = await effex.rates("NGN")
        assert.deepInclude(
          listed.find(({ to }) => to === "USD"),
          { polled: false }
        )
        for await (const { rate } of effex.watch(["BTC:USD"])) {
          assert.strictEqual(rate, "49385")
          break
        }
      })
    })
  )

  it.effect("with Effect", () =>
    Effect.gen(function* () {
      yield* listAssets
      const { url } = yield* TestServer
      yield* Effect.gen(function* () {
        const effex = yield* EffexClient
        const [bitcoin] = yield* effex.assets("crypto")
        assert.isTrue(
          bitcoin?.minimumOrder !== undefined &&
            bitcoin.minimumOrder !== null &&
            BigDecimal.equals(bitcoin.minimumOrder, BigDecimal.make(1n, 4))
        )
        const [price] = yield* effex.cryptoPrices()
        assert.strictEqual(price?.name, "BTC")
        assert.isTrue(price !== undefined && BigDecimal.equals(price.price, BigDecimal.make(49_385n, 0)))
        assert.strictEqual((yield* effex.stockPrices())[0]?.name, "AAPL")
        const board = yield* effex.board({ base: "BTC", points: 3 })
        const last = board.pairs[0]?.series.at(-1)
        assert.isTrue(BigDecimal.isBigDecimal(last) && BigDecimal.equals(last, BigDecimal.make(49_385n, 0)))
        assert.strictEqual((yield* effex.rate("NGN", "USD")).to, "USD")
        assert.deepInclude(yield* Effect.flip(effex.board({ points: 1 })), { _tag: "InvalidRequest" })
      }).pipe(Effect.provide(Layer.fresh(EffexClient.layer({ url }))))
    })
  )
})
