import { assert, describe, it } from "@effect/vitest"
import * as oracle from "dinero.js/currencies"
import { Option, Schema } from "effect"
import * as Currency from "../../../src/domain/money/Currency.ts"
import { currencies } from "../../../src/domain/money/Iso4217.ts"

const minorUnits: ReadonlyMap<string, number> = new Map(
  currencies.map(([code, , minorUnit]) => [code, minorUnit])
)

/** Differences between dinero.js 2.0.2 and ISO 4217. */
const differences: ReadonlyMap<string, { readonly iso: number | undefined; readonly why: string }> = new Map([
  ["BGN", { iso: undefined, why: "withdrawn on 2026-01-01, when Bulgaria adopted the euro (amendment 180)" }],
  [
    "MGA",
    { iso: 2, why: "dinero counts the real subunit, 5 iraimbilanja to the ariary, as base 5 exponent 1" }
  ],
  ["MRU", { iso: 2, why: "dinero counts the real subunit, 5 khoums to the ouguiya, as base 5 exponent 1" }]
])

describe("Iso4217", () => {
  it("agrees with dinero.js, except where dinero.js differs from ISO", () => {
    const dinero: ReadonlyMap<string, number> = new Map(
      Object.values(oracle).map(({ code, exponent }) => [code, exponent])
    )
    assert.strictEqual(dinero.size, 166)
    for (const code of new Set([...dinero.keys(), ...minorUnits.keys()])) {
      const difference = differences.get(code)
      assert.strictEqual(
        minorUnits.get(code),
        difference === undefined ? dinero.get(code) : difference.iso,
        code
      )
    }
    for (const [code, { iso, why }] of differences) {
      assert.notStrictEqual(
        dinero.get(code),
        iso,
        `remove this difference, dinero.js now agrees: ${code}, ${why}`
      )
    }
  })

  it("has the same number of codes per minor unit as list one", () => {
    const count = (minorUnit: number) => currencies.filter((currency) => currency[2] === minorUnit).length
    assert.deepStrictEqual([0, 1, 2, 3, 4].map(count), [17, 0, 139, 7, 2])
    assert.strictEqual(currencies.length, 165)
  })

  it("is sorted by code, without duplicates", () => {
    for (const [index, [code, name]] of currencies.entries()) {
      assert.match(code, /^[A-Z]{3}$/)
      assert.strictEqual(name, name.trim())
      assert.isNotEmpty(name)
      assert.isTrue(index === 0 || (currencies[index - 1]?.[0] ?? "") < code, code)
    }
  })

  it("excludes withdrawn currencies and codes without a minor unit", () => {
    const replaced = { ANG: "XCG", BGN: "EUR", HRK: "EUR", SLL: "SLE", ZWL: "ZWG" }
    for (const [before, after] of Object.entries(replaced)) {
      assert.isFalse(minorUnits.has(before), before)
      assert.isTrue(minorUnits.has(after), after)
    }
    for (const code of ["CUC", "XAU", "XAG", "XPD", "XPT", "XBA", "XDR", "XSU", "XUA", "XTS", "XXX"]) {
      assert.isFalse(minorUnits.has(code), code)
    }
    assert.isTrue(minorUnits.has("VED") && minorUnits.has("VES"))
  })

  it("uses the minor units of the standard, not the cash units of Intl", () => {
    const standard = {
      AFN: 2,
      COP: 2,
      HUF: 2,
      IDR: 2,
      IQD: 3,
      IRR: 2,
      ISK: 0,
      LBP: 2,
      PKR: 2,
      RWF: 0,
      TWD: 2
    }
    for (const [code, minorUnit] of Object.entries(standard)) {
      assert.strictEqual(minorUnits.get(code), minorUnit, code)
    }
  })

  it("has the minor units of the default currencies", () => {
    const two = ["USD", "CAD", "GBP", "EUR", "EGP", "ETB", "GHS", "KES", "MAD", "NGN", "ZAR", "ZMW"]
    for (const code of two) assert.strictEqual(minorUnits.get(code), 2, code)
    for (const code of ["XOF", "XAF", "UGX"]) assert.strictEqual(minorUnits.get(code), 0, code)
  })
})

const letters = Schema.String.check(Schema.isPattern(/^[A-Za-z]{1,4}$/))

describe("Currency.find", () => {
  it("finds every code in upper, lower and mixed case", () => {
    assert.strictEqual(Currency.all.length, currencies.length)
    for (const [code, name, minorUnit] of currencies) {
      const expected = Option.some({ code, name, minorUnit })
      const [first = "", ...others] = code
      for (const text of [code, code.toLowerCase(), first + others.join("").toLowerCase()]) {
        assert.deepStrictEqual(Currency.find(text), expected as Option.Option<Currency.Currency>, text)
      }
    }
  })

  it("rejects text that resembles a code", () => {
    for (const text of ["", "US", "USDT", " USD", "USD\n", "uſd", "ＵＳＤ", "ßp", "US\u0000", "__proto__"]) {
      assert.isTrue(Option.isNone(Currency.find(text)), JSON.stringify(text))
    }
  })

  it.prop("finds exactly the listed codes", [letters], ([text]) => {
    assert.strictEqual(Option.isSome(Currency.find(text)), minorUnits.has(text.toUpperCase()))
  })
})
