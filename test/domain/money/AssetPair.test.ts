import { assert, describe, it } from "@effect/vitest"
import { Equal, Option, Result, Schema } from "effect"
import * as Currency from "../../../src/domain/money/Currency.ts"
import * as AssetPair from "../../../src/domain/money/AssetPair.ts"

const codes = (text: string) => text.split(" ").map((code) => Currency.CurrencyCode.make(code))
const sources = codes("USD CAD GBP EUR")
const destinations = codes("XOF XAF EGP ETB GHS KES MAD NGN ZAR UGX ZMW USD")
const pairs = AssetPair.makeSupported(sources, destinations)
const pair = (from: string, to: string) =>
  new AssetPair.AssetPair({
    from: Currency.CurrencyCode.make(from),
    to: Currency.CurrencyCode.make(to)
  })

const code = Schema.Literals([...sources, ...destinations, ...codes("JPY KWD CHE")])
const inCase = (code: string, mask: number) =>
  [...code].map((letter, index) => ((mask >> index) & 1 ? letter.toLowerCase() : letter)).join("")

/** The error as a plain object, because deepStrictEqual ignores the fields of an `Error`. */
const failure = (result: Result.Result<unknown, object>) => ({
  ...Option.getOrThrow(Result.getFailure(result))
})
const unsupported = (given: string, supported: ReadonlyArray<Currency.CurrencyCode>) => ({
  ...new Currency.UnsupportedCurrency({ given, supported })
})

describe("AssetPair", () => {
  it("distinguishes USD:NGN from NGN:USD", () => {
    assert.strictEqual(pair("USD", "NGN").key, "USD:NGN")
    assert.strictEqual(`${pair("USD", "NGN")}`, "USD:NGN")
    assert.isTrue(Equal.equals(pair("USD", "NGN"), pair("USD", "NGN")))
    assert.isFalse(Equal.equals(pair("USD", "NGN"), pair("NGN", "USD")))
  })

  it("rejects codes that are not three upper-case letters", () => {
    for (const code of ["usd", "US", "USDT", "", "U$D"]) assert.throws(() => pair(code, "NGN"))
  })
})

describe("AssetPair.parse", () => {
  it("parses pair text in any case", () => {
    for (const text of ["USD:NGN", "usd:ngn", "uSd:NgN"])
      assert.deepStrictEqual(AssetPair.parse(text), Option.some(pair("USD", "NGN")))
    assert.deepStrictEqual(AssetPair.split("usd:zzz"), Option.some({ from: "usd", to: "zzz" }))
  })

  it("rejects malformed text and unknown currencies", () => {
    for (const text of [
      "",
      "USD",
      "USDNGN",
      "USD/NGN",
      "USD:NGN:EUR",
      " USD:NGN",
      "USD:NGN\n",
      "U5D:NGN",
      "uſd:NGN"
    ]) {
      assert.isTrue(Option.isNone(AssetPair.split(text)), text)
      assert.isTrue(Option.isNone(AssetPair.parse(text)), text)
    }
    assert.isTrue(Option.isNone(AssetPair.parse("USD:ZZZ")))
  })
})

describe("AssetPair.makeSupported", () => {
  it("pairs every source with every other destination, grouped by source", () => {
    assert.strictEqual(pairs.all.length, sources.length * destinations.length - 1)
    assert.deepStrictEqual(pairs.all.slice(0, 2).map(String), ["USD:XOF", "USD:XAF"])
    assert.strictEqual(new Set(pairs.all.map(String)).size, pairs.all.length)
    assert.isTrue(
      pairs.all.every(
        ({ from, to }) =>
          from !== to &&
          [...sources].some((code) => code === from) &&
          [...destinations].some((code) => code === to)
      )
    )
  })

  it.prop(
    "returns the same object for a supported pair in any case",
    [code, Schema.Int, code, Schema.Int],
    ([from, fromCase, to, toCase]) => {
      const found = pairs.find(inCase(from, fromCase), inCase(to, toCase))
      if (sources.includes(from) && destinations.includes(to) && from !== to) {
        const supported = pairs.all.find(({ key }) => key === `${from}:${to}`)
        assert.strictEqual(Result.getOrThrow(found), supported)
      } else {
        const expected = new AssetPair.UnsupportedPair({ pair: pair(from, to), sources, destinations })
        assert.deepStrictEqual(failure(found), { ...expected })
      }
    },
    { arbitrary: { runs: 1000 } }
  )

  it("finds every listed pair", () => {
    for (const supported of pairs.all) {
      assert.strictEqual(Result.getOrThrow(pairs.find(supported.from, supported.to)), supported)
      assert.strictEqual(Result.getOrThrow(pairs.find(supported.from.toLowerCase(), supported.to)), supported)
    }
  })

  it("reports the unsupported code and the supported currencies", () => {
    assert.deepStrictEqual(failure(pairs.find("ABC", "NGN")), unsupported("ABC", sources))
    assert.deepStrictEqual(failure(pairs.find("USD", "ABC")), unsupported("ABC", destinations))
    assert.deepStrictEqual(failure(pairs.find("ABC", "DEF")), unsupported("ABC", sources))
    // Bulgaria adopted the euro in 2026.
    assert.deepStrictEqual(failure(pairs.find("BGN", "NGN")), unsupported("BGN", sources))
  })

  it("truncates the reported code", () => {
    const long = "X".repeat(1_000_000)
    assert.deepStrictEqual(failure(pairs.find(long, "NGN")), unsupported("XXXXXXXX", sources))
    assert.deepStrictEqual(failure(pairs.find("USD", long)), unsupported("XXXXXXXX", destinations))
    assert.deepStrictEqual(failure(pairs.findSource(long)), unsupported("XXXXXXXX", sources))
  })

  it("rejects text that resembles a code", () => {
    for (const text of ["uſd", "ＵＳＤ", " USD", "USD ", "USD:NGN", "", ":", "__proto__"]) {
      assert.isTrue(Result.isFailure(pairs.find(text, "NGN")), text)
      assert.isTrue(Result.isFailure(pairs.find("USD", text)), text)
      assert.isTrue(Result.isFailure(pairs.findSource(text)), text)
    }
  })

  it.prop("finds a source in any case", [code, Schema.Int], ([code, letters]) => {
    const given = inCase(code, letters)
    const found = pairs.findSource(given)
    if (sources.includes(code)) assert.strictEqual(Result.getOrThrow(found), code)
    else assert.deepStrictEqual(failure(found), unsupported(given, sources))
  })

  it("finds every source", () => {
    for (const code of sources)
      assert.strictEqual(Result.getOrThrow(pairs.findSource(code.toLowerCase())), code)
  })
})
