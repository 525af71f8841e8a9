import { Context, type Duration, type Effect } from "effect"
import type { CurrencyPair } from "../domain/money/CurrencyPair.ts"
import type { RateTick } from "../domain/rates/Rate.ts"
import type { ProviderError } from "./ProviderError.ts"

/** One provider of rates. */
export class RateSource extends Context.Service<
  RateSource,
  {
    /** As PROVIDERS has it; `sandbox` where rates are made up. */
    readonly name: string
    /** What the provider says of a pair now. */
    readonly rate: (pair: CurrencyPair) => Effect.Effect<RateTick, ProviderError>
    /**
     * The rate from an answer that is no older than `maxAge`, where there is one; else asked. Only for providers whose
     * answers hold many rates at once.
     */
    readonly recent?: (
      pair: CurrencyPair,
      maxAge: Duration.Duration
    ) => Effect.Effect<RateTick, ProviderError>
  }
>()("effex/providers/RateSource") {}
