import { type Duration, Effect, Option } from "effect"
import { Settings } from "../../config/Settings.ts"
import { Rates } from "../../rates/lookup/Rates.ts"
import * as Problems from "../middleware/Problems.ts"

/** Rates, asked for over HTTP, a WebSocket or RPC; why there is none is a problem. */
export const make = Effect.gen(function* () {
  const { pairs } = yield* Settings
  const rates = yield* Rates

  const rate = Effect.fnUntraced(function* (from: string, to: string, maxAge?: Duration.Duration) {
    const pair = yield* Effect.fromResult(pairs.find(from, to)).pipe(Effect.catchTags(Problems.pairErrors))
    const options = maxAge === undefined ? {} : { maxAge }
    return yield* rates.lookup(pair, options).pipe(Effect.catchTags(Problems.lookupErrors))
  })

  /** Every known rate, of one source currency or of all. */
  const known = Effect.fnUntraced(function* (code: string | undefined) {
    const base =
      code === undefined
        ? Option.none()
        : Option.some(
            yield* Effect.fromResult(pairs.findSource(code)).pipe(Effect.catchTags(Problems.currencyErrors))
          )
    const found = yield* rates.list(base).pipe(Effect.catchTags(Problems.storeErrors))
    return { base: Option.getOrNull(base), found }
  })

  return { rate, known }
})
