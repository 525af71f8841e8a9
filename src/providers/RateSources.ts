import { Context, Effect, Layer, Option, Redacted } from "effect"
import type * as Arr from "effect/Array"
import type { HttpServerError } from "effect/http"
import type { PriceProviderName, ProviderName } from "../config/SettingDefinitions.ts"
import { Settings } from "../config/Settings.ts"
import * as CoinGecko from "./coingecko/CoinGecko.ts"
import * as Fixer from "./fixer/Fixer.ts"
import { FlutterwaveClient } from "./flutterwave/FlutterwaveClient.ts"
import * as FlutterwaveV4Client from "./flutterwave/FlutterwaveV4Client.ts"
import * as Frankfurter from "./frankfurter/Frankfurter.ts"
import * as Massive from "./massive/Massive.ts"
import * as OpenExchangeRates from "./openexchangerates/OpenExchangeRates.ts"
import type { ProviderDependencies, RateSource } from "./RateSource.ts"
import { ofPrices, PollCadence } from "../platform/PollCadence.ts"
import * as Sandbox from "./sandbox/Sandbox.ts"

/** The configured providers: those of `PROVIDERS` in failover order, and then those of prices. */
export class RateSources extends Context.Service<
  RateSources,
  Arr.NonEmptyReadonlyArray<RateSource["Service"]>
>()("effex/providers/RateSources") {
  /** Builds the providers of `PROVIDERS` and `PRICE_PROVIDERS`, and no others. */
  static readonly layer = Layer.effect(
    RateSources,
    Effect.gen(function* () {
      const { pricePollInterval, priceProviders, priceSandbox, providers } = yield* Settings
      const [first, ...others] = yield* Effect.forEach(providers, sourceOf)
      const cadence = ofPrices(yield* PollCadence, pricePollInterval)
      const prices = yield* (
        priceSandbox ? priceSandboxSources : Effect.forEach(priceProviders, priceSourceOf)
      ).pipe(Effect.provideService(PollCadence, cadence))
      return [first, ...others, ...prices] as const
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

const priceSourceOf = (
  name: PriceProviderName
): Effect.Effect<RateSource["Service"], never, ProviderDependencies> =>
  name === "coingecko" ? CoinGecko.makeFromSettings : Massive.makeFromSettings

const SANDBOX_CRYPTO = "sandbox-crypto"
const SANDBOX_STOCKS = "sandbox-stocks"

/** Names of the price providers in the sandbox. */
export const PRICE_SANDBOXES: ReadonlyArray<string> = [SANDBOX_CRYPTO, SANDBOX_STOCKS]

/** Both price providers in the sandbox, on a free local port. */
const priceSandboxSources: Effect.Effect<
  ReadonlyArray<RateSource["Service"]>,
  HttpServerError.ServeError,
  ProviderDependencies
> = Effect.gen(function* () {
  const { baseUrl } = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
  const key = Redacted.make(Sandbox.SECRET_KEY)
  const crypto = yield* CoinGecko.make({
    name: SANDBOX_CRYPTO,
    baseUrl: `${baseUrl}/coingecko/api/v3`,
    key: Option.some(key),
    usesCodes: true
  })
  const stocks = yield* Massive.make({ name: SANDBOX_STOCKS, baseUrl: `${baseUrl}/massive`, key })
  return [crypto, stocks]
})
