import { assert, layer } from "@effect/vitest"
import { BigDecimal, Effect, Layer, Option, Result } from "effect"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import * as CatalogSymbols from "../../src/assets/CatalogSymbols.ts"
import * as SandboxAssets from "../../src/assets/SandboxAssets.ts"
import type { AssetDefinition } from "../../src/domain/assets/CatalogAsset.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { PriceSymbols } from "../../src/providers/PriceSymbols.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import { tick } from "../support/RateTicks.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const define = (code: string, fields: Partial<AssetDefinition> = {}): AssetDefinition => ({
  code: AssetCode.make(code),
  kind: "crypto",
  name: code,
  decimals: 8,
  tradable: true,
  minimumOrder: null,
  providerSymbols: {},
  exchangeSymbol: null,
  state: "listed",
  ...fields
})

const request = (code: string, fields: Partial<AssetDefinition> = {}, expectedVersion?: number) => ({
  definition: define(code, fields),
  principal: "tester",
  expectedVersion: Option.fromUndefinedOr(expectedVersion)
})

const catalog = CatalogSymbols.layer.pipe(Layer.provideMerge(Layer.fresh(AssetCatalog.layer)))
const database = Layer.mergeAll(RateRepo.layer).pipe(Layer.provideMerge(TestDatabase.layer()))

layer(catalog.pipe(Layer.provideMerge(database)))("AssetCatalog", (it) => {
  it.effect("knows every currency, and lists the offered ones", () =>
    Effect.gen(function* () {
      const { find, isOffered, list } = yield* AssetCatalog
      const lek = Option.getOrThrow(find("all"))
      assert.strictEqual(lek.code, "ALL")
      assert.deepInclude(lek, { kind: "currency", name: "Lek", decimals: 2, tradable: false })
      assert.isFalse(isOffered(lek))
      assert.strictEqual(list("currency").length, 15)
      assert.strictEqual(list("stock").length, 0)
      assert.strictEqual(Option.getOrThrow(find("KWD")).decimals, 3)
    })
  )

  it.effect("lists an asset, and supports and polls its price from then on", () =>
    Effect.gen(function* () {
      const { change, find, pairs, revision } = yield* AssetCatalog
      const before = revision()
      assert.isTrue(Result.isFailure(pairs.find("BTC", "USD")))
      const minimumOrder = BigDecimal.make(1n, 8)
      const symbols = { coingecko: "bitcoin" }
      const asset = yield* change(request("BTC", { name: "Bitcoin", minimumOrder, providerSymbols: symbols }))
      assert.deepInclude(asset, { version: 1, updatedBy: "tester", providerSymbols: symbols })
      assert.isTrue(BigDecimal.equals(asset.minimumOrder ?? assert.fail(), minimumOrder))
      assert.notStrictEqual(revision(), before)
      assert.isTrue(Option.isSome(find("btc")))
      const pair = Result.getOrThrow(pairs.find("btc", "usd"))
      assert.isTrue(pairs.isPolled(pair))
      assert.strictEqual(pairs.polled.at(-1), pair)
      const { kindOf, ofProvider } = yield* PriceSymbols
      assert.strictEqual(kindOf(AssetCode.make("BTC")), "crypto")
      assert.strictEqual(kindOf(AssetCode.make("NGN")), "currency")
      assert.deepStrictEqual(ofProvider("coingecko").get(AssetCode.make("BTC")), {
        kind: "crypto",
        symbol: "bitcoin",
        isPolled: true
      })
    })
  )

  it.effect("records who changed what, and when", () =>
    Effect.gen(function* () {
      const { change, changes } = yield* AssetCatalog
      const minimumOrder = BigDecimal.make(1n, 18)
      yield* change(request("ETH", { decimals: 18 }))
      yield* change({ ...request("ETH", { decimals: 18, minimumOrder }), principal: "second" })
      // An equal definition is no change.
      yield* change(request("ETH", { decimals: 18, minimumOrder }))
      const [last, first, ...others] = yield* changes(AssetCode.make("ETH"), undefined, 10)
      assert.deepStrictEqual(others, [])
      assert.deepInclude(last?.to, { version: 2, updatedBy: "second" })
      assert.strictEqual(last?.from?.minimumOrder, null)
      assert.isTrue(BigDecimal.equals(last?.to.minimumOrder ?? assert.fail(), minimumOrder))
      assert.deepInclude(first, { from: null })
      assert.deepStrictEqual(yield* changes(AssetCode.make("ETH"), 2, 10), [first ?? assert.fail()])
    })
  )

  it.effect("reserves the codes of ISO 4217, and says what to do", () =>
    Effect.gen(function* () {
      const { change } = yield* AssetCatalog
      for (const code of ["ALL", "XAU"]) {
        const error = yield* Effect.flip(change(request(code, { kind: "stock" })))
        assert.strictEqual(
          error.message,
          `${code} is a code of ISO 4217, and those are reserved for currencies; list the asset with the suffix of its market, such as ${code}.US`
        )
      }
      yield* change(request("ALL.US", { kind: "stock", name: "Allstate" }))
      const currency = yield* Effect.flip(change(request("NGN", { kind: "currency", tradable: false })))
      assert.include(currency.message, "NGN is a currency")
    })
  )

  it.effect("delists an asset: its price stays supported, but is not polled", () =>
    Effect.gen(function* () {
      const { change, delist, find, list, pairs } = yield* AssetCatalog
      yield* change(request("SOL", { decimals: 9 }))
      const pair = Result.getOrThrow(pairs.find("SOL", "USD"))
      const code = AssetCode.make("SOL")
      const asset = yield* delist({ code, principal: "tester", expectedVersion: Option.some(1) })
      assert.deepInclude(asset, { state: "delisted", version: 2 })
      assert.isFalse(pairs.isPolled(pair))
      assert.strictEqual(Result.getOrThrow(pairs.find("SOL", "USD")).key, "SOL:USD")
      assert.isTrue(Option.isSome(find("SOL")))
      assert.isTrue(list("crypto").some((asset) => asset.code === "SOL"))
      const unknown = yield* Effect.flip(
        delist({ code: AssetCode.make("NONE"), principal: "tester", expectedVersion: Option.none() })
      )
      assert.strictEqual(unknown._tag, "AssetNotFound")
    })
  )

  it.effect("refuses a change of another version", () =>
    Effect.gen(function* () {
      const { change } = yield* AssetCatalog
      yield* change(request("DOGE"))
      const stale = yield* Effect.flip(change(request("DOGE", { name: "Dogecoin" }, 0)))
      assert.strictEqual(stale.message, "DOGE is at version 1, not 0; read it again and retry")
      yield* change(request("DOGE", { name: "Dogecoin" }, 1))
    })
  )

  it.effect("does not change the kind, nor the decimals of an asset with rates", () =>
    Effect.gen(function* () {
      const { change } = yield* AssetCatalog
      const { sql } = yield* Database
      yield* change(request("AAPL", { kind: "stock", decimals: 4 }))
      yield* change(request("AAPL", { kind: "stock", decimals: 9 }))
      yield* (yield* RateRepo).insert(yield* tick("AAPL", "USD", "270.5"))
      const kind = yield* Effect.flip(change(request("AAPL", { decimals: 9 })))
      assert.include(kind.message, "The kind of AAPL cannot be changed")
      const decimals = yield* Effect.flip(change(request("AAPL", { kind: "stock", decimals: 8 })))
      assert.include(decimals.message, "AAPL has rates or balances, so its decimals cannot be changed")
      for (const statement of [
        sql`UPDATE asset SET decimals = 8, version = version + 1 WHERE code = 'AAPL'`,
        sql`UPDATE asset SET kind = 'crypto', version = version + 1 WHERE code = 'AAPL'`,
        sql`UPDATE asset SET name = 'x' WHERE code = 'AAPL'`,
        sql`DELETE FROM asset WHERE code = 'AAPL'`,
        sql`DELETE FROM asset_change`,
        sql`DELETE FROM reserved_code`,
        sql`INSERT INTO asset (code, kind, name, decimals, updated_by) VALUES ('XDR', 'stock', 'x', 9, 'x')`
      ])
        assert.isTrue(yield* Effect.isFailure(statement))
    })
  )

  it.effect("refuses a minimum order with more decimals than the asset", () =>
    Effect.gen(function* () {
      const { change } = yield* AssetCatalog
      const minimumOrder = BigDecimal.make(1n, 9)
      const error = yield* Effect.flip(change(request("LTC", { minimumOrder })))
      assert.include(error.message, "has more decimals than the asset")
    })
  )

  it.effect("applies the changes of other nodes, and tells its listeners", () =>
    Effect.gen(function* () {
      const { find, onChange, refresh } = yield* AssetCatalog
      let calls = 0
      yield* onChange(() => calls++)
      const other = yield* Effect.provide(
        Effect.flatMap(AssetCatalog, (other) => other.change(request("XRP", { decimals: 6 }))),
        Layer.fresh(AssetCatalog.layer)
      )
      assert.isTrue(Option.isNone(find("XRP")))
      yield* refresh
      assert.strictEqual(Option.getOrThrow(find("XRP")).updatedAt.toString(), other.updatedAt.toString())
      assert.strictEqual(calls, 1)
    })
  )

  it.effect("adds currencies that ISO 4217 added after the migration", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* sql`ALTER TABLE asset DISABLE TRIGGER kept`
      yield* sql`DELETE FROM asset WHERE code = 'XCG'`
      yield* sql`ALTER TABLE asset ENABLE ALWAYS TRIGGER kept`
      yield* Effect.provide(Effect.asVoid(AssetCatalog), Layer.fresh(AssetCatalog.layer))
      const [row] = yield* sql`SELECT kind, decimals FROM asset WHERE code = 'XCG'`
      assert.deepStrictEqual(row, { kind: "currency", decimals: 2 })
    })
  )
})

const sandbox = Layer.provideMerge(SandboxAssets.layer, Layer.fresh(AssetCatalog.layer))

layer(TestDatabase.layer())("SandboxAssets", (it) => {
  it.effect("lists the assets of a new sandbox once", () =>
    Effect.gen(function* () {
      const codes = Effect.map(AssetCatalog, ({ list }) =>
        [...list("crypto"), ...list("stock")].map(({ code }) => code as string)
      )
      assert.deepStrictEqual(yield* Effect.provide(codes, sandbox), [
        "ABAN",
        "BTC",
        "ETH",
        "SOL",
        "AAPL",
        "MSFT"
      ])
      const code = AssetCode.make("SOL")
      const state = Effect.gen(function* () {
        const { delist, find } = yield* AssetCatalog
        yield* delist({ code, principal: "tester", expectedVersion: Option.none() })
        return Option.getOrThrow(find("SOL")).state
      })
      assert.strictEqual(yield* Effect.provide(state, sandbox), "delisted")
      const later = Effect.map(AssetCatalog, ({ find }) => Option.getOrThrow(find("SOL")).state)
      assert.strictEqual(yield* Effect.provide(later, sandbox), "delisted")
    })
  )
})

layer(TestDatabase.layer({ FLUTTERWAVE_SECRET_KEY: "FLWSECK-1" }))("A production catalogue", (it) => {
  it.effect("starts with currencies only", () =>
    Effect.gen(function* () {
      const kinds = Effect.map(AssetCatalog, ({ list }) => new Set(list().map(({ kind }) => kind)))
      assert.deepStrictEqual(yield* Effect.provide(kinds, sandbox), new Set(["currency"]))
    })
  )
})

layer(TestDatabase.layer())("SandboxAssets with rates of a provider", (it) => {
  it.effect("lists no asset: the command may lack the credentials of the server", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      yield* repo.insert(yield* tick("USD", "NGN", "1500"))
      const listed = Effect.map(AssetCatalog, ({ list }) => list("crypto"))
      assert.deepStrictEqual(yield* Effect.provide(listed, sandbox), [])
    }).pipe(Effect.provide(RateRepo.layer))
  )
})
