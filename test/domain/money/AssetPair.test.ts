import { assert, describe, it } from "@effect/vitest"
import { Equal, Option } from "effect"
import { AssetCode } from "../../../src/domain/money/Asset.ts"
import * as Currency from "../../../src/domain/money/Currency.ts"
import * as AssetPair from "../../../src/domain/money/AssetPair.ts"

const codes = (text: string) => text.split(" ").map((code) => Currency.CurrencyCode.make(code))
const pair = (from: string, to: string) =>
  new AssetPair.AssetPair({
    from: Currency.CurrencyCode.make(from),
    to: Currency.CurrencyCode.make(to)
  })

describe("AssetPair", () => {
  it("distinguishes USD:NGN from NGN:USD", () => {
    assert.strictEqual(pair("USD", "NGN").key, "USD:NGN")
    assert.strictEqual(`${pair("USD", "NGN")}`, "USD:NGN")
    assert.isTrue(Equal.equals(pair("USD", "NGN"), pair("USD", "NGN")))
    assert.isFalse(Equal.equals(pair("USD", "NGN"), pair("NGN", "USD")))
  })

  it("has any asset code", () => {
    const assetPair = (from: string) =>
      new AssetPair.AssetPair({ from: AssetCode.make(from), to: AssetCode.make("USD") })
    for (const code of ["BTC", "AAPL", "BRK.B", "ALL.US", "A", "X1234567890".slice(0, 10)])
      assert.strictEqual(assetPair(code).key, `${code}:USD`)
    for (const code of [
      "usd",
      "",
      "U$D",
      "1INCH",
      "BRK.",
      ".B",
      "BRK.ABCDE",
      "ABCDEFGHIJK",
      "A.B.C",
      "BRK:B",
      "ſol"
    ])
      assert.throws(() => assetPair(code))
  })
})

describe("AssetPair.split", () => {
  it("splits the codes of any asset, as written", () => {
    assert.deepStrictEqual(AssetPair.split("usd:zzz"), Option.some({ from: "usd", to: "zzz" }))
    assert.deepStrictEqual(AssetPair.split("brk.B:usd"), Option.some({ from: "brk.B", to: "usd" }))
    assert.deepStrictEqual(AssetPair.split("Btc:USD"), Option.some({ from: "Btc", to: "USD" }))
  })

  it("rejects malformed text", () => {
    for (const text of [
      "",
      "USD",
      "USDNGN",
      "USD/NGN",
      "USD:NGN:EUR",
      " USD:NGN",
      "USD:NGN\n",
      "5SD:NGN",
      "uſd:NGN",
      "K:NGN",
      "BRK.:USD",
      `${"X".repeat(11)}:USD`
    ]) {
      assert.isTrue(Option.isNone(AssetPair.split(text)), text)
      assert.isTrue(Option.isNone(AssetPair.parseCurrencies(text)), text)
    }
  })
})

describe("AssetPair.parseCurrencies", () => {
  it("parses pair text of currencies in any case", () => {
    for (const text of ["USD:NGN", "usd:ngn", "uSd:NgN"])
      assert.deepStrictEqual(AssetPair.parseCurrencies(text), Option.some(pair("USD", "NGN")))
    for (const text of ["USD:ZZZ", "BTC:USD"]) assert.isTrue(Option.isNone(AssetPair.parseCurrencies(text)))
  })
})

describe("AssetPair.configure", () => {
  it("pairs every source with every other destination, grouped by source", () => {
    const sources = codes("USD CAD GBP EUR")
    const destinations = codes("XOF XAF EGP ETB GHS KES MAD NGN ZAR UGX ZMW USD")
    const { all } = AssetPair.configure(sources, destinations)
    assert.strictEqual(all.length, sources.length * destinations.length - 1)
    assert.deepStrictEqual(all.slice(0, 2).map(String), ["USD:XOF", "USD:XAF"])
    assert.strictEqual(new Set(all.map(String)).size, all.length)
    assert.isTrue(all.every(({ from, to }) => from !== to))
  })
})
