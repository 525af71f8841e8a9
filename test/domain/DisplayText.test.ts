import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Reason } from "../../src/api/Reason.ts"
import { EmailAddress } from "../../src/domain/accounts/EmailAddress.ts"
import { ApiKeyName } from "../../src/domain/access/ApiKey.ts"
import { AssetName } from "../../src/domain/assets/CatalogAsset.ts"
import { Reference } from "../../src/domain/conversion/Conversion.ts"
import { DecisionReason } from "../../src/domain/rates/QuarantinedRate.ts"
import { Note } from "../../src/domain/wallets/Wallet.ts"

const BLANK = ["", " ", "\u00a0\u3000", "\u200b\u200d", "\u3164", "\u2800", "\u{e0020}"]
const OVERRIDES = ["\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"]
const CONTROLS = ["\u0000", "\u0007", "\u001b", "\u007f", "\u0085", "\ud800"]
const BREAKS = ["\n", "\r", "\t"]
const SEPARATORS = ["\u2028", "\u2029"]
/** Letters of several scripts, also from right to left, combined and composed characters. */
const READABLE = ["x", "Àdìó Okafor", "שלום, 500", "می‌خواهم", "👩‍👩‍👧 rent", "नमस्ते", "=1+1", "<b>"]

const within = (inside: string) => `a${inside}b`

describe("Text that others read", () => {
  const check = (
    name: string,
    schema: Schema.Codec<string, unknown>,
    accepted: ReadonlyArray<string>,
    rejected: ReadonlyArray<string>
  ) =>
    it(name, () => {
      const matches = Schema.is(schema)
      for (const text of accepted) assert.isTrue(matches(text), JSON.stringify(text))
      for (const text of rejected) assert.isFalse(matches(text), JSON.stringify(text))
    })

  const everywhere = [...BLANK, ...[...OVERRIDES, ...CONTROLS].map(within)]
  const inOneLine = [...everywhere, ...[...BREAKS, ...SEPARATORS].map(within)]
  for (const [name, schema, maxLength] of [
    ["note of a transfer", Note, 200],
    ["reason of a decision on a rate", DecisionReason, 200],
    ["reference of a conversion", Reference, 100]
  ] as const)
    check(
      `${name}: one line that can be seen`,
      schema,
      [...READABLE, "x".repeat(maxLength)],
      [...inOneLine, "x".repeat(maxLength + 1)]
    )

  it("has one error for a text of control characters alone", () => {
    const decode = Schema.decodeUnknownResult(Note, { errors: "all" })
    for (const text of ["\t", "\u0000", "\u2028"])
      assert.strictEqual(
        String(Result.getOrThrow(Result.flip(decode(text)))).match(/must /g)?.length,
        1,
        text
      )
  })

  check(
    "reason of an administrator: may have several lines",
    Reason,
    [...READABLE, ...BREAKS.map(within), "x".repeat(1000)],
    [...everywhere, ...BREAKS, "x".repeat(1001)]
  )

  const invisible = ["\u200b", "\u200c", "\u200d", "\u00ad", "\u200e", "\ufeff", "\ufe0f"].map(within)
  for (const [name, schema] of [
    ["name of an API key", ApiKeyName],
    ["name of an asset", AssetName]
  ] as const)
    check(
      `${name}: no invisible characters, so that what looks the same is the same`,
      schema,
      ["x", "Àdìó Okafor 2", "שלום", "नमस्ते", "x".repeat(100)],
      [...inOneLine, ...invisible, " x", "x ", "a\u00a0b", "x".repeat(101)]
    )

  check(
    "email address",
    EmailAddress,
    ["amara@example.org", "àmara+1@exämple.org"],
    ["", "amara", "@", "a@", "@b", "a b@c", ...[...CONTROLS, ...OVERRIDES].map((c) => `a${c}@example.org`)]
  )
})
