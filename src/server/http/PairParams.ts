import { Effect, Option } from "effect"
import type { AssetCatalog } from "../../assets/AssetCatalog.ts"
import * as AssetPair from "../../domain/money/AssetPair.ts"
import * as Currency from "../../domain/money/Currency.ts"
import type { SupportedPairs } from "../../domain/money/SupportedPairs.ts"
import * as Problems from "../middleware/Problems.ts"

const MAX_PAIRS = 1000

/** Parses pairs such as `USD:NGN`, in any case. `pointer` is their location in the request, for error details. */
export const parse = Effect.fnUntraced(function* (
  pairs: SupportedPairs,
  texts: ReadonlyArray<string>,
  pointer: string
) {
  if (texts.length > MAX_PAIRS)
    return yield* Problems.invalid(
      pointer,
      `has ${texts.length} pairs; at most ${MAX_PAIRS} are allowed. Omit it for all pairs`
    )
  return yield* Effect.forEach(texts, (text) => parseOne(pairs, text, pointer))
})

const parseOne = Effect.fnUntraced(function* (pairs: SupportedPairs, text: string, pointer: string) {
  const codes = AssetPair.split(text.trim())
  if (Option.isNone(codes)) {
    const found = JSON.stringify(text.slice(0, 32))
    return yield* Problems.invalid(pointer, `found ${found}; expected ${AssetPair.ALLOWED}`)
  }
  const { from, to } = codes.value
  return yield* Effect.fromResult(pairs.find(from, to)).pipe(Effect.catchTags(Problems.pairErrors))
})

/** Parses an optional code of an asset in any case. */
export const parseCode = (catalog: AssetCatalog["Service"], text: string | undefined) =>
  text === undefined
    ? Effect.undefined
    : Effect.fromResult(catalog.parse(text)).pipe(Effect.catchTags(Problems.unknownAssetErrors))

/** Parses an optional currency code in any case. Conversions are between currencies only. */
export const parseCurrency = (text: string | undefined) =>
  text === undefined
    ? Effect.undefined
    : Effect.fromResult(Currency.parse(text)).pipe(Effect.catchTags(Problems.unknownCurrencyErrors))

/** Parses the codes of any pair, supported or not. */
export const parsePair = (
  catalog: AssetCatalog["Service"],
  { from, to }: { readonly from: string; readonly to: string }
) => Effect.fromResult(catalog.parsePair(from, to)).pipe(Effect.catchTags(Problems.unknownAssetErrors))
