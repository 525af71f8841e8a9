import { Context, type Duration, type Effect, type Scope } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { HttpClient } from "effect/http"
import type { Settings } from "../config/Settings.ts"
import type { CurrencyPair } from "../domain/money/CurrencyPair.ts"
import type { RateTick } from "../domain/rates/Rate.ts"
import type { PollCadence } from "../platform/PollCadence.ts"
import type { ProviderError } from "./ProviderError.ts"

/** Services that every provider needs. */
export type ProviderDependencies =
  | Settings
  | PollCadence
  | HttpClient.HttpClient
  | SecureRandom.SecureRandom
  | Scope.Scope

/** A single rate provider. */
export class RateSource extends Context.Service<
  RateSource,
  {
    /** Name as in `PROVIDERS`; `sandbox` for generated rates. */
    readonly name: string
    /** Requests the current rate of a pair. */
    readonly rate: (pair: CurrencyPair) => Effect.Effect<RateTick, ProviderError>
    /**
     * Returns the rate from a response that is at most `maxAge` old, and requests a new one otherwise. Only providers
     * whose responses hold many rates have it.
     */
    readonly recent?: (
      pair: CurrencyPair,
      maxAge: Duration.Duration
    ) => Effect.Effect<RateTick, ProviderError>
  }
>()("effex/providers/RateSource") {}
