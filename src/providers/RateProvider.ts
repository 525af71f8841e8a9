import { Context, Effect, Layer, Ref } from "effect"
import type { CurrencyPair } from "../domain/CurrencyPair.ts"
import type { RateTick } from "../domain/Rate.ts"
import { FlutterwaveClient } from "./FlutterwaveClient.ts"
import { describe, type ProviderError } from "./ProviderError.ts"

/** How the provider has answered of late. */
export interface ProviderHealth {
  /** Calls that failed since the last one that did not. */
  readonly failuresInARow: number
  /** Why the last of them failed, in words for an operator; empty when there is none. */
  readonly lastFailure: string
}

/** Where rates come from. */
export class RateProvider extends Context.Service<
  RateProvider,
  {
    /** One pair's rate from the first provider that can be trusted. */
    readonly rate: (pair: CurrencyPair) => Effect.Effect<RateTick, ProviderError>
    readonly health: Effect.Effect<ProviderHealth>
  }
>()("effex/providers/RateProvider") {
  /** Flutterwave. */
  static readonly layer = Layer.effect(
    RateProvider,
    Effect.gen(function* () {
      const flutterwave = yield* FlutterwaveClient
      return yield* watched(flutterwave.rate)
    })
  )

  /** Rates from a function, for tests. */
  static readonly layerTest = (rate: RateProvider["Service"]["rate"]) =>
    Layer.effect(RateProvider, watched(rate))
}

const healthy: ProviderHealth = { failuresInARow: 0, lastFailure: "" }

const watched = Effect.fnUntraced(function* (rate: RateProvider["Service"]["rate"]) {
  const health = yield* Ref.make(healthy)
  return RateProvider.of({
    rate: (pair) =>
      rate(pair).pipe(
        Effect.tap(() => Ref.set(health, healthy)),
        Effect.tapError(({ reason }) =>
          Ref.update(health, ({ failuresInARow }) => ({
            failuresInARow: failuresInARow + 1,
            lastFailure: describe(reason)
          }))
        )
      ),
    health: Ref.get(health)
  })
})
