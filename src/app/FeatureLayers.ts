import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { AssetCatalog } from "../assets/AssetCatalog.ts"
import type { AuditSigner } from "../audit/AuditSigner.ts"
import type { SigningKeyError } from "../audit/keys/SigningKeyFile.ts"
import type { Settings } from "../config/Settings.ts"
import type { PollCadence } from "../platform/PollCadence.ts"
import type { Database } from "../platform/postgres/Database.ts"
import type { RateProvider } from "../providers/RateProvider.ts"
import { type AuditServices, audit, auditSigner } from "./AuditLayers.ts"
import { type ConversionServices, conversion } from "./ConversionLayers.ts"
import {
  type RateFoundation,
  type RateServices,
  type RateSource,
  rateFoundation,
  rates
} from "./RateLayers.ts"
import type { RedisError } from "./RedisOrMemory.ts"

/** Services that {@link features} requires in addition to providers, the database and the settings. */
export const foundation: Layer.Layer<
  RateFoundation | AuditSigner,
  RedisError | SigningKeyError,
  Settings | SecureRandom.SecureRandom | Database | AssetCatalog | RateProvider | PollCadence
> = Layer.mergeAll(rateFoundation, auditSigner)

export type Features = RateServices | AuditServices | ConversionServices

/** Rates, the audit and conversions: everything but access and transport. */
export const features: Layer.Layer<
  Features,
  never,
  Settings | SecureRandom.SecureRandom | Database | RateFoundation | RateSource | AuditSigner
> = conversion.pipe(Layer.provideMerge(Layer.mergeAll(audit, rates)))
