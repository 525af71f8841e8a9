import { Effect } from "effect"
import * as Currency from "../../domain/money/Currency.ts"
import type { CurrencyPair, SupportedPairs } from "../../domain/money/CurrencyPair.ts"
import * as Problems from "../middleware/Problems.ts"

/** More pairs than there can be are not looked at. */
const MAX_PAIRS = 1000

/** The pairs of texts such as `USD:NGN`, in any case; `pointer` says where they stand in the request. */
export const find = Effect.fnUntraced(function* (
  pairs: SupportedPairs,
  texts: ReadonlyArray<string>,
  pointer: string
) {
  if (texts.length > MAX_PAIRS) return yield* Problems.invalid(pointer, `at most ${MAX_PAIRS} pairs`)
  return yield* Effect.forEach(texts, (text) => findOne(pairs, text, pointer))
})

const findOne = Effect.fnUntraced(function* (pairs: SupportedPairs, text: string, pointer: string) {
  const [, from, to] = /^([a-z]{3}):([a-z]{3})$/i.exec(text.trim()) ?? []
  if (from === undefined || to === undefined) {
    const found = JSON.stringify(text.slice(0, 16))
    return yield* Problems.invalid(pointer, `expected pairs such as USD:NGN, found ${found}`)
  }
  const pair: CurrencyPair = yield* Effect.fromResult(pairs.find(from, to)).pipe(
    Effect.catchTags(Problems.pairErrors)
  )
  return pair
})

/** The currency of a code in any case; undefined where there is none to read. */
export const codeOf = (text: string | undefined) =>
  text === undefined
    ? Effect.undefined
    : Effect.fromResult(Currency.parse(text)).pipe(Effect.catchTags(Problems.unknownCurrencyErrors))
