import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { AuditLog } from "../audit/AuditLog.ts"
import type { Settings } from "../config/Settings.ts"
import { Conversions } from "../conversion/Conversions.ts"
import { Pricing } from "../conversion/Pricing.ts"
import { Quotes } from "../conversion/Quotes.ts"
import type { Database } from "../platform/postgres/Database.ts"
import type { Rates } from "../rates/lookup/Rates.ts"

export type ConversionServices = Conversions | Quotes | Pricing

/** Quotes and conversions. */
export const conversion: Layer.Layer<
  ConversionServices,
  never,
  Settings | SecureRandom.SecureRandom | Database | Rates | AuditLog
> = Conversions.layer.pipe(Layer.provideMerge(Quotes.layer), Layer.provideMerge(Pricing.layer))
