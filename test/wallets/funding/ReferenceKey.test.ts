import { assert, describe, it } from "@effect/vitest"
import { referenceKeyOf } from "../../../src/wallets/funding/ReferenceKey.ts"

describe("The key of a payment reference", () => {
  for (const [name, spellings] of Object.entries({
    "upper and lower case": ["R\u00C9F 1", "r\u00E9f 1", "R\u00E9F 1"],
    "letters that have no single other case": ["STRASSE", "stra\u00DFe"],
    "both lower cases of sigma": [
      "\u039F\u0394\u039F\u03A3",
      "\u03BF\u03B4\u03BF\u03C2",
      "\u03BF\u03B4\u03BF\u03C3"
    ],
    "composed and decomposed characters": ["\u00E9", "e\u0301", "E\u0301"],
    "full and half width": ["ref", "\uFF52ef", "\uFF32\uFF25\uFF26"],
    spaces: ["REF 1", "REF1", "R E F 1", "REF\u00A01", "REF\u20031"],
    "invisible characters": ["REF1", "REF\u200B1", "REF\uFE0F1", "RE\u034FF1"],
    "hyphens and dashes": [
      "A-1",
      "A\u20101",
      "A\u20111",
      "A\u20131",
      "A\u20141",
      "A\u22121",
      "A\uFF0D1",
      "A\u20431"
    ]
  }))
    it(`is the same for ${name}`, () => {
      const [first = ""] = spellings
      for (const spelling of spellings)
        assert.strictEqual(referenceKeyOf(spelling), referenceKeyOf(first), JSON.stringify(spelling))
    })

  it("differs where letters, digits, accents, hyphens or punctuation differ", () => {
    const references = ["REF1", "REF2", "R\u00C9F1", "REF-1", "RE-F1", "REF/1", "REF_1", "REF.1"]
    assert.strictEqual(new Set(references.map(referenceKeyOf)).size, references.length)
  })
})
