import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import * as AssetPair from "../../../src/domain/money/AssetPair.ts"
import * as Currency from "../../../src/domain/money/Currency.ts"
import * as SupportedPairs from "../../../src/domain/money/SupportedPairs.ts"
import { pairOf } from "../../support/RateTicks.ts"
import { asset } from "../../support/TestCatalog.ts"

const { UnsupportedPair } = SupportedPairs
const codes = (text: string) => text.split(" ").map((code) => Currency.CurrencyCode.make(code))
const sources = codes("USD CAD GBP EUR")
const destinations = codes("XOF XAF EGP ETB GHS KES MAD NGN ZAR UGX ZMW USD")
const configured = AssetPair.configure(sources, destinations)
const pairs = SupportedPairs.make(configured, false, [])
const assets = [
  asset("BTC"),
  asset("BRK.B", "stock"),
  asset("LUNA", "crypto", { state: "delisted" }),
  asset("USD", "currency")
]
const onDemand = SupportedPairs.make(configured, true, assets)

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
const messageOf = (result: Result.Result<unknown, Error>) =>
  Option.getOrThrow(Result.getFailure(result)).message

describe("SupportedPairs without rates on demand", () => {
  it.prop(
    "returns the same object for a supported pair in any case",
    [code, Schema.Int, code, Schema.Int],
    ([from, fromCase, to, toCase]) => {
      const found = pairs.find(inCase(from, fromCase), inCase(to, toCase))
      if (sources.includes(from) && destinations.includes(to) && from !== to) {
        const supported = pairs.polled.find(({ key }) => key === `${from}:${to}`)
        assert.strictEqual(Result.getOrThrow(found), supported)
      } else {
        const expected = new UnsupportedPair({ pair: pairOf(from, to), sources, destinations })
        assert.deepStrictEqual(failure(found), { ...expected })
      }
    },
    { arbitrary: { runs: 1000 } }
  )

  it("finds every listed pair", () => {
    for (const supported of pairs.polled) {
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
    assert.deepStrictEqual(failure(pairs.find(long, "NGN")), unsupported("X".repeat(16), sources))
    assert.deepStrictEqual(failure(pairs.find("USD", long)), unsupported("X".repeat(16), destinations))
    assert.deepStrictEqual(failure(pairs.findSource(long)), unsupported("X".repeat(16), sources))
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

describe("SupportedPairs with rates on demand", () => {
  const offered = onDemand.currencies

  it.prop(
    "finds every ordered pair of offered currencies, the same object each time",
    [code, Schema.Int, code, Schema.Int],
    ([from, fromCase, to, toCase]) => {
      const found = onDemand.find(inCase(from, fromCase), inCase(to, toCase))
      const isSupported = from !== to && offered.includes(from) && offered.includes(to)
      assert.strictEqual(Result.isSuccess(found), isSupported)
      if (!isSupported) return
      assert.strictEqual(Result.getOrThrow(found).key, `${from}:${to}`)
      assert.strictEqual(Result.getOrThrow(onDemand.find(from, to)), Result.getOrThrow(found))
      const isConfigured = configured.all.some(({ key }) => key === `${from}:${to}`)
      assert.strictEqual(onDemand.isPolled(Result.getOrThrow(found)), isConfigured)
    },
    { arbitrary: { runs: 1000 } }
  )

  it("polls the configured pairs and the prices of listed assets", () => {
    assert.deepStrictEqual(onDemand.polled.map(String), [
      ...configured.all.map(String),
      "BTC:USD",
      "BRK.B:USD"
    ])
  })

  it("finds the price of an asset, delisted or not, in any case", () => {
    for (const text of ["BTC", "btc", "brk.b", "Luna"])
      assert.strictEqual(Result.getOrThrow(onDemand.find(text, "usd")).key, `${text.toUpperCase()}:USD`)
    assert.isFalse(onDemand.isPolled(pairOf("LUNA", "USD")))
    assert.strictEqual(Result.getOrThrow(onDemand.findSource("brk.b")), "BRK.B")
  })

  it("prices assets in USD only", () => {
    for (const [from, to] of [
      ["BTC", "NGN"],
      ["USD", "BTC"],
      ["BTC", "BRK.B"]
    ] as const)
      assert.match(messageOf(onDemand.find(from, to)), /is not supported; prices are in USD: BTC:USD$/)
  })

  it("takes only currencies where conversions are asked for", () => {
    assert.strictEqual(Result.getOrThrow(onDemand.findCurrencies("ngn", "usd")).key, "NGN:USD")
    assert.deepStrictEqual(failure(onDemand.findCurrencies("BTC", "USD")), unsupported("BTC", offered))
    assert.deepStrictEqual(failure(onDemand.findCurrencies("USD", "BTC")), unsupported("BTC", offered))
  })
})
