import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { HttpServerError } from "effect/http"
import { AssetCatalog } from "../assets/AssetCatalog.ts"
import * as CatalogSymbols from "../assets/CatalogSymbols.ts"
import type { Settings } from "../config/Settings.ts"
import * as ConfiguredExchange from "../exchanges/ConfiguredExchange.ts"
import type { ExchangeClient } from "../exchanges/ExchangeClient.ts"
import type { PollCadence } from "../platform/PollCadence.ts"
import type { Database } from "../platform/postgres/Database.ts"
import { RateProvider } from "../providers/RateProvider.ts"
import { RateSources } from "../providers/RateSources.ts"
import { FlutterwaveClient } from "../providers/flutterwave/FlutterwaveClient.ts"
import { PollerSettings } from "../rates/polling/PollerSettings.ts"

/** Catalogue of assets that can be held and priced, also for the price providers. */
export const assets: Layer.Layer<AssetCatalog, never, Settings | Database> = CatalogSymbols.layer.pipe(
  Layer.provideMerge(AssetCatalog.layer)
)

/** The polling schedule in effect. */
export const pollerSettings: Layer.Layer<PollerSettings | PollCadence, never, Settings | Database> =
  PollerSettings.layer

/** Flutterwave if `FLUTTERWAVE_SECRET_KEY` is set, else its sandbox. */
export const flutterwave: Layer.Layer<
  FlutterwaveClient,
  HttpServerError.ServeError,
  Settings | SecureRandom.SecureRandom | PollCadence
> = FlutterwaveClient.layerSettings.pipe(Layer.provide(NodeHttpClient.layerUndici))

/** The rate providers of `PROVIDERS` and `PRICE_PROVIDERS`, with failover between them. */
export const providers: Layer.Layer<
  RateProvider,
  HttpServerError.ServeError,
  Settings | SecureRandom.SecureRandom | PollCadence | FlutterwaveClient
> = RateProvider.layer.pipe(Layer.provide(RateSources.layer), Layer.provide(NodeHttpClient.layerUndici))

/** The exchange of `EXCHANGE`, which executes orders. */
export const exchange: Layer.Layer<
  ExchangeClient,
  HttpServerError.ServeError,
  Settings | Database | AssetCatalog
> = ConfiguredExchange.layer.pipe(Layer.provide(NodeHttpClient.layerUndici))
