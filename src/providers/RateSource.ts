import { Context, type Duration, type Effect, type Scope } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { HttpClient } from "effect/http"
import type { Settings } from "../config/Settings.ts"
import type { AssetPair } from "../domain/money/AssetPair.ts"
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

/** Reason of a request. */
export interface RateRequest {
  /** A poll requests a new response even if the last one was refused a moment ago. */
  readonly isPoll: boolean
}

/** A single rate provider. */
export class RateSource extends Context.Service<
  RateSource,
  {
    /** Name as in `PROVIDERS`; `sandbox` for generated rates. */
    readonly name: string
    /** Returns true if the source can answer for the pair. Undefined: it may answer for every pair of currencies. */
    readonly quotes?: (pair: AssetPair) => boolean
    /** Requests the current rate of a pair. */
    readonly rate: (pair: AssetPair, request?: RateRequest) => Effect.Effect<RateTick, ProviderError>
    /**
     * Returns the rate from a response that is at most `maxAge` old, and requests a new one otherwise. Only providers
     * whose responses hold many rates have it.
     */
    readonly recent?: (pair: AssetPair, maxAge: Duration.Duration) => Effect.Effect<RateTick, ProviderError>
    /**
     * Reports that the last response was refused. Lookups then get it again instead of a new one, for half a poll
     * interval.
     */
    readonly refuse?: Effect.Effect<void>
  }
>()("effex/providers/RateSource") {}
