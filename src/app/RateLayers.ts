import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { AssetCatalog } from "../assets/AssetCatalog.ts"
import type { Settings } from "../config/Settings.ts"
import { LeaderTerms } from "../platform/LeaderTerms.ts"
import { PollCadence } from "../platform/PollCadence.ts"
import type { Database } from "../platform/postgres/Database.ts"
import type { RateProvider } from "../providers/RateProvider.ts"
import { FrankfurterSeries } from "../providers/frankfurter/FrankfurterSeries.ts"
import { RateIngest } from "../rates/RateIngest.ts"
import { RateRepo } from "../rates/RateRepo.ts"
import { Broadcaster } from "../rates/feed/Broadcaster.ts"
import { Quarantine } from "../rates/guard/Quarantine.ts"
import { RateGuard } from "../rates/guard/RateGuard.ts"
import { RateHistory } from "../rates/history/RateHistory.ts"
import { RateSamples } from "../rates/history/RateSamples.ts"
import { RateImport } from "../rates/import/RateImport.ts"
import { RateCache } from "../rates/lookup/RateCache.ts"
import { Rates } from "../rates/lookup/Rates.ts"
import { SharedSingleFlight } from "../rates/lookup/SharedSingleFlight.ts"
import { UnquotedPairs } from "../rates/lookup/UnquotedPairs.ts"
import { PollRepo } from "../rates/polling/PollRepo.ts"
import type { PollerSettings } from "../rates/polling/PollerSettings.ts"
import { Polls } from "../rates/polling/Polls.ts"
import { RatePoller } from "../rates/polling/RatePoller.ts"
import { type RedisError, redisOrMemory } from "./RedisOrMemory.ts"

export type RateSource = AssetCatalog | RateProvider | PollerSettings | PollCadence

/** Rates that the nodes of a cluster share: the cache, the feed of changes, and fetches in progress. */
export const sharedRates: Layer.Layer<
  RateCache | Broadcaster | SharedSingleFlight | UnquotedPairs,
  RedisError,
  Settings | SecureRandom.SecureRandom | Database | AssetCatalog | RateRepo | PollCadence
> = redisOrMemory(
  Layer.mergeAll(
    RateCache.layerRedis,
    Broadcaster.layerRedis,
    SharedSingleFlight.layerRedis,
    UnquotedPairs.layerRedis
  ),
  Layer.mergeAll(
    RateCache.layerMemory,
    Broadcaster.layerMemory,
    SharedSingleFlight.layerMemory,
    UnquotedPairs.layerMemory
  )
)

export type RateFoundation =
  | RateRepo
  | PollRepo
  | LeaderTerms
  | RateCache
  | Broadcaster
  | SharedSingleFlight
  | UnquotedPairs
  | RateGuard

/** Services that {@link rates} requires to store, share and check rates. */
export const rateFoundation: Layer.Layer<
  RateFoundation,
  RedisError,
  Settings | SecureRandom.SecureRandom | Database | AssetCatalog | RateProvider | PollCadence
> = RateGuard.layer.pipe(
  Layer.provideMerge(sharedRates),
  Layer.provideMerge(Layer.mergeAll(RateRepo.layer, PollRepo.layer, LeaderTerms.layer))
)

export type RateServices = Rates | RatePoller | Polls | Quarantine | RateHistory | RateSamples | RateIngest

/** Rate lookups, polling, quarantine and history. */
export const rates: Layer.Layer<
  RateServices,
  never,
  Settings | SecureRandom.SecureRandom | Database | RateFoundation | RateSource
> = Layer.mergeAll(
  Rates.layer,
  RatePoller.layer,
  Polls.layer,
  Quarantine.layer,
  RateHistory.layer,
  RateSamples.layer
).pipe(Layer.provideMerge(RateIngest.layer))

/** Imports of historical rates, from files and from Frankfurter. */
export const imports: Layer.Layer<
  RateImport,
  never,
  Settings | SecureRandom.SecureRandom | Database | AssetCatalog
> = RateImport.layer.pipe(
  Layer.provide(FrankfurterSeries.layer),
  Layer.provide([NodeHttpClient.layerUndici, PollCadence.layerSettings]),
  Layer.provide(NodeServices.layer)
)
