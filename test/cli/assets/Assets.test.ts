import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

const start = Effect.gen(function* () {
  const { env } = yield* Effex.makeSandbox({ LOG_LEVEL: "error" })
  return (...args: ReadonlyArray<string>) => EffexCommand.exec(["assets", ...args], env)
})

const decodeList = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Array(Schema.Record(Schema.String, Schema.Unknown)))
)

const BITCOIN = ["BTC", "--kind", "crypto", "--name", "Bitcoin", "--decimals", "8"]
const ALLSTATE = ["--kind", "stock", "--name", "Allstate", "--decimals", "9"]

describe("effex assets", () => {
  it.live("lists, changes, delists and relists an asset", () =>
    Effect.gen(function* () {
      const assets = yield* start
      const added = yield* assets("add", ...BITCOIN, "--symbol", "coingecko=bitcoin", "--json")
      assert.deepInclude(added.json, {
        code: "BTC",
        decimals: 8,
        tradable: true,
        minimum_order: null,
        provider_symbols: { coingecko: "bitcoin" },
        state: "listed",
        version: 1,
        changed_by: "command-line"
      })
      const args = ["--minimum-order", "0.0001", "--tradable", "no", "--exchange-symbol", "BTC/USD"]
      const updated = yield* assets("update", "btc", ...args, "--symbol", "massive=X:BTCUSD", "--json")
      assert.deepInclude(updated.json, {
        name: "Bitcoin",
        tradable: false,
        minimum_order: "0.0001",
        provider_symbols: { coingecko: "bitcoin", massive: "X:BTCUSD" },
        exchange_symbol: "BTC/USD",
        version: 2
      })
      const cleared = ["--minimum-order", "none", "--exchange-symbol", "none", "--symbol", "massive="]
      assert.deepInclude((yield* assets("update", "BTC", ...cleared, "--json")).json, {
        minimum_order: null,
        provider_symbols: { coingecko: "bitcoin" },
        exchange_symbol: null
      })
      const delisted = yield* assets("delist", "BTC")
      assert.match(delisted.output, /^state +delisted$/m)
      const rows = yield* assets("list", "--kind", "crypto")
      assert.match(rows.output, /^code +kind +name +decimals +tradable +minimum order +state/)
      assert.match(rows.output, /^BTC +crypto +Bitcoin +8 +no +- +delisted +coingecko=bitcoin +-$/m)
      const relisted = yield* assets("update", "BTC", "--relist", "--json")
      assert.deepInclude(relisted.json, { state: "listed", version: 5 })
    }).pipe(Effect.scoped)
  )

  it.live("lists the offered currencies", () =>
    Effect.gen(function* () {
      const assets = yield* start
      const found = decodeList((yield* assets("list", "--json")).output)
      assert.strictEqual(found.length, 15)
      assert.deepInclude(
        found.find(({ code }) => code === "UGX"),
        { kind: "currency", decimals: 0 }
      )
      assert.include((yield* assets("list", "--kind", "stock")).output, "There are no such assets")
    }).pipe(Effect.scoped)
  )

  it.live("rejects invalid arguments with exit code 1, and says what is allowed", () =>
    Effect.gen(function* () {
      const assets = yield* start
      yield* assets("add", ...BITCOIN)
      const cases = [
        [["add", ...BITCOIN], "BTC exists already; change it with `effex assets update BTC`"],
        [["add", "ALL", ...ALLSTATE], "list the asset with the suffix of its market, such as ALL.US"],
        [["add", "1X", ...ALLSTATE], "1 to 10 letters and digits that start with a letter"],
        [["add", "X", "--kind", "currency", "--name", "X", "--decimals", "2"], "crypto"],
        [["add", "X", "--kind", "stock", "--name", "", "--decimals", "2"], "1 to 100 printable characters"],
        [["add", "X", "--kind", "stock", "--name", "X", "--decimals", "19"], "from 0 to 18"],
        [["update", "BTC", "--minimum-order", "0"], "a positive amount such as 0.001, or none"],
        [["update", "BTC", "--minimum-order", "0.000000001"], "more decimals than the asset"],
        [["update", "BTC", "--symbol", "bitcoin"], "such as coingecko=bitcoin"],
        [["update", "BTC", "--exchange-symbol", "B T C"], "or none"],
        [["update", "NGN", "--name", "Naira"], "NGN is a currency"],
        [["update", "NONE", "--name", "x"], "The catalogue has no asset NONE"],
        [["delist", "NONE"], "The catalogue has no asset NONE"]
      ] as const
      for (const [args, message] of cases) {
        const { code, output } = yield* assets(...args)
        assert.strictEqual(code, 1, `${args.join(" ")}: ${output}`)
        assert.include(output, message)
      }
    }).pipe(Effect.scoped)
  )

  it.live("knows the assets of a new sandbox before its server first runs", () =>
    Effect.gen(function* () {
      const env = { DATABASE_URL: yield* TestDatabase.create, LOG_LEVEL: "error" }
      const { output } = yield* EffexCommand.exec(["assets", "list", "--kind", "stock", "--json"], env)
      assert.deepStrictEqual(
        decodeList(output).map(({ code }) => code),
        ["AAPL", "MSFT"]
      )
    }).pipe(Effect.scoped)
  )
})
