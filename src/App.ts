// The composition root. Each piece is a layer for one feature and requires pieces to its right. `CommandLayers.ts` completes
// them for each group of commands:
//
//   server → orders → users → features (conversion, audit, rates) → foundation → providers → pollerSettings → database → platform
//
// With `Layer.provideMerge`, the innermost layer takes precedence. To replace a service, a test provides another layer
// instead of a piece, or just before the piece that contains the service. See test/App.test.ts.

export { database, platform } from "./app/PlatformLayers.ts"
export { assets, exchange, flutterwave, pollerSettings, providers } from "./app/ProviderLayers.ts"
export {
  imports,
  type RateFoundation,
  rateFoundation,
  type RateServices,
  type RateSource,
  rates,
  sharedRates
} from "./app/RateLayers.ts"
export { audit, auditSigner } from "./app/AuditLayers.ts"
export { conversion } from "./app/ConversionLayers.ts"
export { type Features, features, foundation } from "./app/FeatureLayers.ts"
export {
  access,
  type AccessServices,
  accounts,
  apiKeys,
  newUserSetup,
  rateLimits
} from "./app/AccountLayers.ts"
export { ledger, type LedgerServices } from "./app/LedgerLayers.ts"
export { risk, type RiskServices } from "./app/RiskLayers.ts"
export { fundingDecisions, wallets, type WalletServices } from "./app/WalletLayers.ts"
export { userEvents, users, type UserServices } from "./app/UserLayers.ts"
export { batches, orderAdministration, orders, type OrderServices } from "./app/OrderLayers.ts"
export { server } from "./app/ServerLayers.ts"
