import { Effect, Option } from "effect"
import { Argument } from "effect/cli"
import { parseCode } from "../../domain/money/Asset.ts"
import * as AssetPair from "../../domain/money/AssetPair.ts"
import { commandError } from "../CommandError.ts"

/** Two codes, as written. */
export interface PairCodes {
  readonly from: string
  readonly to: string
}

const ALLOWED = "a pair such as USD NGN or USD:NGN"

/** The pair of a command, written as `USD NGN` or `USD:NGN`. */
export const pairArgument = Argument.String("pair").pipe(
  Argument.withDescription("The pair, such as USD NGN, USD:NGN or BTC:USD"),
  Argument.between(1, 2)
)

/** Any number of pairs, written as `USD:NGN`, `USD NGN` or both. */
export const pairsArgument = (description: string) =>
  Argument.String("pair").pipe(Argument.withDescription(description), Argument.variadic())

/** Splits words into pairs. Fails for a word that is neither a pair nor one of two codes. Checks the syntax only. */
export const splitPairs = Effect.fnUntraced(function* (words: ReadonlyArray<string>) {
  const pairs: Array<PairCodes> = []
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ""
    const next = words[index + 1] ?? ""
    const pair = AssetPair.split(word)
    if (Option.isSome(pair)) pairs.push(pair.value)
    else if (isCode(word) && isCode(next)) {
      pairs.push({ from: word, to: next })
      index++
    } else {
      return yield* commandError(`pair: found ${JSON.stringify(words.join(" "))}, allowed: ${ALLOWED}`)
    }
  }
  return pairs
})

const isCode = (word: string) => Option.isSome(parseCode(word))

/** Splits words that are exactly one pair. */
export const splitPair = Effect.fnUntraced(function* (words: ReadonlyArray<string>) {
  const [pair, ...others] = yield* splitPairs(words)
  if (pair !== undefined && others.length === 0) return pair
  return yield* commandError(`pair: found ${JSON.stringify(words.join(" "))}, allowed: ${ALLOWED}`)
})
