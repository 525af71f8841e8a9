import { Context, Effect, Layer } from "effect"
import type * as Arr from "effect/Array"
import type { ProviderName } from "../config/SettingDefinitions.ts"
import { Settings } from "../config/Settings.ts"
import * as Fixer from "./fixer/Fixer.ts"
import { FlutterwaveClient } from "./flutterwave/FlutterwaveClient.ts"
import * as FlutterwaveV4Client from "./flutterwave/FlutterwaveV4Client.ts"
import * as Frankfurter from "./frankfurter/Frankfurter.ts"
import * as OpenExchangeRates from "./openexchangerates/OpenExchangeRates.ts"
import type { ProviderDependencies, RateSource } from "./RateSource.ts"

/** The configured providers, in failover order. */
export class RateSources extends Context.Service<
  RateSources,
  Arr.NonEmptyReadonlyArray<RateSource["Service"]>
>()("effex/providers/RateSources") {
  /** Builds the providers of `PROVIDERS`, and no others. */
  static readonly layer = Layer.effect(
    RateSources,
    Effect.gen(function* () {
      const { providers } = yield* Settings
      return yield* Effect.forEach(providers, sourceOf)
    })
  )
}

const sourceOf = (
  name: ProviderName
): Effect.Effect<RateSource["Service"], never, FlutterwaveClient | ProviderDependencies> => {
  switch (name) {
    case "flutterwave":
      return Effect.service(FlutterwaveClient)
    case "flutterwave-v4":
      return FlutterwaveV4Client.make
    case "fixer":
      return Fixer.make
    case "openexchangerates":
      return OpenExchangeRates.make
    case "frankfurter":
      return Frankfurter.make
  }
}
