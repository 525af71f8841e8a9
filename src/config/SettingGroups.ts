import * as Definitions from "./SettingDefinitions.ts"
import type { Values } from "./SettingDefinition.ts"

/** Settings that have one variable each. The module of a subject defines its variables and names their values. */
export const DIRECT = {
  ...Definitions.serverSettings,
  ...Definitions.providerSettings,
  ...Definitions.rateSettings,
  ...Definitions.limitSettings,
  ...Definitions.runtimeSettings,
  ...Definitions.errorSettings,
  ...Definitions.auditSettings,
  ...Definitions.accountSettings,
  ...Definitions.ledgerSettings,
  ...Definitions.orderSettings,
  riskReviewExpiry: Definitions.RISK_REVIEW_EXPIRY,
  /** Largest move of the rate of a held conversion against its user, as a fraction. */
  conversionMaxSlippage: Definitions.CONVERSION_MAX_SLIPPAGE,
  ...Definitions.exchangeSettings
}
export type DirectValues = Values<typeof DIRECT>

/** Settings from which other values are derived. */
export const SELECTIONS = {
  environment: Definitions.NODE_ENV,
  allowEmbedded: Definitions.ALLOW_EMBEDDED,
  allowAnonymousConvert: Definitions.ALLOW_ANONYMOUS_CONVERT,
  providers: Definitions.PROVIDERS,
  priceProviders: Definitions.PRICE_PROVIDERS,
  pricePollInterval: Definitions.PRICE_POLL_INTERVAL,
  exchange: Definitions.EXCHANGE,
  funding: Definitions.FUNDING,
  sources: Definitions.RATE_SOURCES,
  destinations: Definitions.RATE_DESTINATIONS,
  pollSpacing: Definitions.POLL_SPACING,
  margin: Definitions.CONVERSION_MARGIN,
  margins: Definitions.CONVERSION_MARGINS,
  homeCurrency: Definitions.HOME_CURRENCY,
  sentryEnvironment: Definitions.SENTRY_ENVIRONMENT
}
export type Selections = Values<typeof SELECTIONS>
