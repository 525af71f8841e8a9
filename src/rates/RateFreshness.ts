import { Effect } from "effect"
import { Settings } from "../config/Settings.ts"
import * as Freshness from "../domain/rates/Freshness.ts"
import { PriceSymbols } from "../providers/PriceSymbols.ts"

/**
 * Makes the rule for fresh and stale rates from `STALE_AFTER` and the kinds of the catalogue. Everything that
 * distinguishes fresh from stale rates uses it.
 */
export const make: Effect.Effect<Freshness.Freshness, never, Settings> = Effect.gen(function* () {
  const { staleAfter } = yield* Settings
  const { kindOf } = yield* PriceSymbols
  return Freshness.make(staleAfter, kindOf)
})
