import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Option } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { HttpServer as EffectHttpServer, HttpServerError } from "effect/http"
import type * as EffectRedis from "effect/persistence/Redis"
import type { Migrator, SqlClient, SqlError } from "effect/sql"
import { AssetCatalog } from "./assets/AssetCatalog.ts"
import * as CatalogSymbols from "./assets/CatalogSymbols.ts"
import * as SandboxAssets from "./assets/SandboxAssets.ts"
import { ApiKeyRepo } from "./access/ApiKeyRepo.ts"
import { ApiKeys } from "./access/ApiKeys.ts"
import { RateLimits } from "./access/RateLimits.ts"
import { AccessTokenKeys } from "./accounts/tokens/AccessTokenKeys.ts"
import { AccessTokens } from "./accounts/tokens/AccessTokens.ts"
import { AdminActions } from "./accounts/AdminActions.ts"
import type { AttemptLimits } from "./accounts/login/AttemptLimits.ts"
import { Credentials } from "./accounts/Credentials.ts"
import { EndedSessions } from "./accounts/sessions/EndedSessions.ts"
import * as LoginLimits from "./accounts/login/LoginLimits.ts"
import { Mfa, layerSecondFactor } from "./accounts/mfa/Mfa.ts"
import { MfaSecrets } from "./accounts/mfa/MfaSecrets.ts"
import { Passwords } from "./accounts/Passwords.ts"
import { RefreshTokens } from "./accounts/tokens/RefreshTokens.ts"
import { Registration } from "./accounts/Registration.ts"
import { SecurityEvents } from "./accounts/SecurityEvents.ts"
import { SessionCleanup } from "./accounts/sessions/SessionCleanup.ts"
import { Sessions } from "./accounts/sessions/Sessions.ts"
import { SignIn } from "./accounts/login/SignIn.ts"
import { UserAdministration } from "./accounts/UserAdministration.ts"
import { Users } from "./accounts/Users.ts"
import { AuditKeys } from "./audit/keys/AuditKeys.ts"
import { AuditFeed } from "./audit/AuditFeed.ts"
import { AuditLog } from "./audit/AuditLog.ts"
import { AuditSealer } from "./audit/AuditSealer.ts"
import { AuditSigner } from "./audit/AuditSigner.ts"
import { AuditVerifier } from "./audit/AuditVerifier.ts"
import { Consistency } from "./audit/tree/Consistency.ts"
import * as HeadPublisher from "./audit/heads/HeadPublisher.ts"
import { Receipts } from "./audit/Receipts.ts"
import { SealRepo } from "./audit/SealRepo.ts"
import type { SigningKeyError } from "./audit/keys/SigningKeyFile.ts"
import { UnsealedRecords } from "./audit/UnsealedRecords.ts"
import { type InvalidSettings, Settings } from "./config/Settings.ts"
import { Conversions } from "./conversion/Conversions.ts"
import { Pricing } from "./conversion/Pricing.ts"
import { Quotes } from "./conversion/Quotes.ts"
import { Adjustments } from "./ledger/Adjustments.ts"
import { Ledger } from "./ledger/Ledger.ts"
import { LedgerMaintenance } from "./ledger/LedgerMaintenance.ts"
import { LedgerVerifier } from "./ledger/LedgerVerifier.ts"
import * as ConfiguredExchange from "./exchanges/ConfiguredExchange.ts"
import type { ExchangeClient } from "./exchanges/ExchangeClient.ts"
import { BatchAllocation } from "./orders/BatchAllocation.ts"
import { Batches } from "./orders/Batches.ts"
import { BatchExecution } from "./orders/BatchExecution.ts"
import { BatchRepo } from "./orders/BatchRepo.ts"
import * as ChangedOrders from "./orders/ChangedOrders.ts"
import { MarketHours } from "./orders/MarketHours.ts"
import { OrderAdministration } from "./orders/OrderAdministration.ts"
import { OrderPrices } from "./orders/OrderPrices.ts"
import { OrderRepo } from "./orders/OrderRepo.ts"
import { Orders } from "./orders/Orders.ts"
import { OrderWaits } from "./orders/OrderWaits.ts"
import { ReservationRepo } from "./orders/ReservationRepo.ts"
import { Settlement } from "./orders/Settlement.ts"
import { SettlementRepo } from "./orders/SettlementRepo.ts"
import * as SettlementRunner from "./orders/SettlementRunner.ts"
import { SettlementSignal } from "./orders/SettlementSignal.ts"
import { LeaderTerms } from "./platform/LeaderTerms.ts"
import { PollCadence } from "./platform/PollCadence.ts"
import { Database } from "./platform/postgres/Database.ts"
import type { StoreUnavailable } from "./platform/postgres/StoreUnavailable.ts"
import type { EmbeddedPostgresError } from "./platform/postgres/EmbeddedPostgres.ts"
import * as RandomBytes from "./platform/RandomBytes.ts"
import type { SecretFileError } from "./platform/SecretFile.ts"
import { Redis, type RedisNotConfigured } from "./platform/Redis.ts"
import { RedisKeys } from "./platform/RedisKeys.ts"
import * as Telemetry from "./platform/telemetry/Telemetry.ts"
import * as V8Heap from "./platform/V8Heap.ts"
import { Webhook } from "./platform/Webhook.ts"
import { FlutterwaveClient } from "./providers/flutterwave/FlutterwaveClient.ts"
import { FrankfurterSeries } from "./providers/frankfurter/FrankfurterSeries.ts"
import { RateProvider } from "./providers/RateProvider.ts"
import { RateSources } from "./providers/RateSources.ts"
import { Broadcaster } from "./rates/feed/Broadcaster.ts"
import * as RateFollower from "./rates/feed/RateFollower.ts"
import { Quarantine } from "./rates/guard/Quarantine.ts"
import { RateGuard } from "./rates/guard/RateGuard.ts"
import { RateHistory } from "./rates/history/RateHistory.ts"
import { RateSamples } from "./rates/history/RateSamples.ts"
import { RateImport } from "./rates/import/RateImport.ts"
import { RateCache } from "./rates/lookup/RateCache.ts"
import { Rates } from "./rates/lookup/Rates.ts"
import { SharedSingleFlight } from "./rates/lookup/SharedSingleFlight.ts"
import { UnquotedPairs } from "./rates/lookup/UnquotedPairs.ts"
import { PollerSettings } from "./rates/polling/PollerSettings.ts"
import { PollRepo } from "./rates/polling/PollRepo.ts"
import { Polls } from "./rates/polling/Polls.ts"
import { RatePoller } from "./rates/polling/RatePoller.ts"
import { RateIngest } from "./rates/RateIngest.ts"
import { RateRepo } from "./rates/RateRepo.ts"
import type { Drain } from "./server/Drain.ts"
import * as RiskGate from "./risk/RiskGate.ts"
import { RiskFacts } from "./risk/RiskFacts.ts"
import { RiskRuleSettings } from "./risk/RiskRuleSettings.ts"
import { Reviews } from "./risk/Reviews.ts"
import * as HttpServer from "./server/HttpServer.ts"
import { Funding } from "./wallets/funding/Funding.ts"
import { FundingClient } from "./wallets/funding/FundingClient.ts"
import { FundingDecisions } from "./wallets/funding/FundingDecisions.ts"
import { FundingRepo } from "./wallets/funding/FundingRepo.ts"
import { FundingSettlement } from "./wallets/funding/FundingSettlement.ts"
import { FundingSettler } from "./wallets/funding/FundingSettler.ts"
import { AccountStatements } from "./wallets/AccountStatements.ts"
import { Statement } from "./wallets/Statement.ts"
import { Transfers } from "./wallets/Transfers.ts"
import { Valuation } from "./wallets/Valuation.ts"
import { WalletConversions } from "./wallets/WalletConversions.ts"
import { UserEvents } from "./wallets/events/UserEvents.ts"
import { WalletChanges } from "./wallets/events/WalletChanges.ts"
import { WalletRepo } from "./wallets/WalletRepo.ts"
import { layerNewUserSetup, Wallets } from "./wallets/Wallets.ts"
import * as StartupLog from "./server/StartupLog.ts"

// The composition root. Each piece is a layer for one feature and requires the pieces to its right:
//
//   server → wallets, access → features (conversion, audit, rates) → foundation → providers → pollerSettings → database → platform
//
// With `Layer.provideMerge`, the innermost layer takes precedence. To replace a service, a test provides another layer
// instead of a piece, or just before the piece that contains the service. See test/App.test.ts.

/** Settings, logs, traces and the random number generator of one process. */
export const platform: Layer.Layer<Settings | SecureRandom.SecureRandom, InvalidSettings> = Layer.mergeAll(
  RandomBytes.layer,
  Telemetry.layer
).pipe(Layer.provideMerge(Settings.layer))

/** The migrated PostgreSQL database: the one at `DATABASE_URL`, or the embedded one. */
export const database: Layer.Layer<
  Database | SqlClient.SqlClient,
  EmbeddedPostgresError | Migrator.MigrationError | SqlError.SqlError | StoreUnavailable,
  Settings
> = Database.layer

/** What can be held and priced, also for the price providers. */
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

/** Uses Redis if `REDIS_URL` is set, and the memory of the process otherwise. Nothing else makes this choice. */
const redisOrMemory = <A, E, R, E2, R2>(
  redis: Layer.Layer<A, E, R>,
  memory: Layer.Layer<A, E2, R2>
): Layer.Layer<
  A,
  E | E2 | RedisNotConfigured | StoreUnavailable,
  Exclude<R, RedisServices> | R2 | Settings | Database
> =>
  Layer.unwrap(
    Effect.map(
      Settings,
      ({
        redisUrl
      }): Layer.Layer<
        A,
        E | E2 | RedisNotConfigured | StoreUnavailable,
        Exclude<R, RedisServices> | R2 | Settings | Database
      > => (Option.isSome(redisUrl) ? redis.pipe(Layer.provide([Redis.layer, RedisKeys.layer])) : memory)
    )
  )

type RedisServices = Redis | EffectRedis.Redis | RedisKeys
type RedisError = RedisNotConfigured | StoreUnavailable

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

export type RateSource = AssetCatalog | RateProvider | PollerSettings | PollCadence

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

/** The key that signs the audit. */
export const auditSigner: Layer.Layer<AuditSigner, SigningKeyError, Settings | SecureRandom.SecureRandom> =
  AuditSigner.layer.pipe(Layer.provide(NodeServices.layer))

type AuditServices =
  | AuditFeed
  | AuditKeys
  | AuditLog
  | AuditSealer
  | AuditVerifier
  | Consistency
  | Receipts
  | SealRepo
  | UnsealedRecords

/** The log of conversions, its signed heads, receipts and verification. */
export const audit: Layer.Layer<AuditServices, never, Database | AuditSigner> = Layer.mergeAll(
  Receipts.layer,
  AuditVerifier.layer,
  AuditFeed.layer
).pipe(
  Layer.provideMerge(Layer.mergeAll(AuditLog.layer, AuditSealer.layer)),
  Layer.provideMerge(Layer.mergeAll(AuditKeys.layer, Consistency.layer)),
  Layer.provideMerge(Layer.mergeAll(SealRepo.layer, UnsealedRecords.layer))
)

/** Seals conversions, and publishes the signed heads to places outside of the database. */
const backgroundAudit = AuditSealer.layerBackground.pipe(
  Layer.provideMerge(HeadPublisher.layerBackground),
  Layer.provide([Webhook.layer, NodeServices.layer]),
  Layer.provide(NodeHttpClient.layerUndici)
)

type ConversionServices = Conversions | Quotes | Pricing

/** Quotes and conversions. */
export const conversion: Layer.Layer<
  ConversionServices,
  never,
  Settings | SecureRandom.SecureRandom | Database | Rates | AuditLog
> = Conversions.layer.pipe(Layer.provideMerge(Quotes.layer), Layer.provideMerge(Pricing.layer))

/** API keys. */
export const apiKeys: Layer.Layer<ApiKeys, never, Settings | SecureRandom.SecureRandom | Database> =
  ApiKeys.layer.pipe(Layer.provide(ApiKeyRepo.layer))

/** Rate limits, counted across the nodes of a cluster. */
export const rateLimits: Layer.Layer<RateLimits, RedisError, Settings | Database> = redisOrMemory(
  RateLimits.layerRedis,
  RateLimits.layerMemory
)

type AccountServices =
  | AccessTokens
  | AdminActions
  | AttemptLimits
  | Credentials
  | EndedSessions
  | Mfa
  | Registration
  | SecurityEvents
  | Sessions
  | SignIn
  | UserAdministration
  | Users

/** A wallet is created in the transaction that creates its user. */
export const newUserSetup = layerNewUserSetup.pipe(Layer.provide(WalletRepo.layer))

/** User accounts. */
export const accounts: Layer.Layer<
  AccountServices,
  RedisError | SecretFileError,
  Settings | SecureRandom.SecureRandom | Database
> = Layer.mergeAll(SignIn.layer, Mfa.layer, UserAdministration.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(Registration.layer, AdminActions.layer)),
  Layer.provideMerge(Credentials.layer),
  Layer.provideMerge(Sessions.layer),
  Layer.provideMerge(
    Layer.mergeAll(
      Users.layer,
      AccessTokens.layer,
      LoginLimits.layer,
      redisOrMemory(EndedSessions.layerRedis, EndedSessions.layerMemory)
    )
  ),
  Layer.provide([Passwords.layer, RefreshTokens.layer, layerSecondFactor]),
  Layer.provide([AccessTokenKeys.layer, MfaSecrets.layer, newUserSetup]),
  Layer.provideMerge(SecurityEvents.layer)
)

export type AccessServices = ApiKeys | RateLimits | AccountServices

/** API keys, rate limits, and accounts. */
export const access: Layer.Layer<
  AccessServices,
  RedisError | SecretFileError,
  Settings | SecureRandom.SecureRandom | Database
> = Layer.mergeAll(apiKeys, rateLimits, accounts)

export type LedgerServices = Adjustments | Ledger | LedgerMaintenance | LedgerVerifier

const ledgerTools = Layer.mergeAll(Adjustments.layer, LedgerMaintenance.layer, LedgerVerifier.layer).pipe(
  Layer.provide(AdminActions.layer)
)

/** Double-entry accounts, transfers and holds, with their verification and corrections. For commands of operators. */
export const ledger: Layer.Layer<LedgerServices, never, Settings | SecureRandom.SecureRandom | Database> =
  ledgerTools.pipe(Layer.provideMerge(Ledger.layer))

export type RiskServices = LedgerServices | Reviews | RiskFacts | RiskRuleSettings

/** The ledger with the rules that movements of users must pass. */
export const risk: Layer.Layer<
  RiskServices,
  never,
  Settings | SecureRandom.SecureRandom | Database | AssetCatalog | Rates | AttemptLimits | Sessions | Users
> = Layer.mergeAll(ledgerTools, RiskFacts.layer, Reviews.layer.pipe(Layer.provide(AdminActions.layer))).pipe(
  Layer.provideMerge(Ledger.layerGated.pipe(Layer.provide(RiskGate.layer))),
  Layer.provideMerge(RiskRuleSettings.layer)
)

/** Decisions of administrators on deposits and withdrawals. */
export const fundingDecisions: Layer.Layer<
  FundingDecisions | FundingSettlement | FundingRepo,
  never,
  SecureRandom.SecureRandom | Database | Ledger | Wallets
> = FundingDecisions.layer.pipe(
  Layer.provideMerge(FundingSettlement.layer),
  Layer.provideMerge(FundingRepo.layer),
  Layer.provide(Reviews.layer),
  Layer.provide(AdminActions.layer)
)

export type WalletServices =
  | AccountStatements
  | RiskServices
  | Funding
  | FundingDecisions
  | FundingSettler
  | Statement
  | Transfers
  | Valuation
  | WalletConversions
  | Wallets

/** Wallets of users: money in and out, transfers between them, conversions, and their statements. */
export const wallets: Layer.Layer<
  WalletServices,
  never,
  | Settings
  | SecureRandom.SecureRandom
  | Database
  | AssetCatalog
  | AuditLog
  | Conversions
  | Rates
  | AttemptLimits
  | Sessions
  | Users
> = Layer.mergeAll(Transfers.layer, WalletConversions.layer, Funding.layer, FundingSettler.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(Statement.layer, AccountStatements.layer, Valuation.layer)),
  Layer.provideMerge(fundingDecisions),
  Layer.provideMerge(Wallets.layer),
  Layer.provideMerge(risk),
  Layer.provide(FundingClient.layer)
)

/** The events of users, for the streams of all nodes. */
export const userEvents: Layer.Layer<UserEvents, RedisError, Settings | Database | Ledger | SecurityEvents> =
  UserEvents.layer.pipe(
    Layer.provide(redisOrMemory(WalletChanges.layerRedis, WalletChanges.layerMemory)),
    Layer.provide(ChangedOrders.layer)
  )

export type UserServices = AccessServices | WalletServices | UserEvents

/** Users and API keys, wallets, and the events of users. */
export const users: Layer.Layer<
  UserServices,
  RedisError | SecretFileError,
  Settings | SecureRandom.SecureRandom | Database | AssetCatalog | AuditLog | Conversions | Rates
> = userEvents.pipe(Layer.provideMerge(wallets), Layer.provideMerge(access))

/** Batches of orders, for administrators. */
export const batches: Layer.Layer<Batches, never, SecureRandom.SecureRandom | Database | SettlementSignal> =
  Batches.layer.pipe(Layer.provide([OrderRepo.layer, BatchRepo.layer, AdminActions.layer]))

/** Orders of all users, for administrators. */
export const orderAdministration: Layer.Layer<
  OrderAdministration,
  never,
  SecureRandom.SecureRandom | Database | Ledger
> = OrderAdministration.layer.pipe(Layer.provide([OrderRepo.layer, AdminActions.layer]))

export type OrderServices = Batches | MarketHours | Orders | OrderWaits | Settlement | SettlementSignal

/** Orders for crypto and stocks, and their settlement at an exchange. */
export const orders: Layer.Layer<
  OrderServices,
  RedisError,
  | Settings
  | SecureRandom.SecureRandom
  | Database
  | AssetCatalog
  | Rates
  | Ledger
  | RiskFacts
  | Wallets
  | ExchangeClient
> = Layer.mergeAll(Orders.layer, OrderWaits.layer, Settlement.layer, batches).pipe(
  Layer.provide([BatchExecution.layer, BatchAllocation.layer]),
  Layer.provideMerge(MarketHours.layer),
  Layer.provide([OrderRepo.layer, BatchRepo.layer, ReservationRepo.layer, SettlementRepo.layer]),
  Layer.provide(OrderPrices.layer),
  Layer.provideMerge(redisOrMemory(SettlementSignal.layerRedis, SettlementSignal.layerMemory))
)

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

/** Starts with small V8 semi-spaces (see start.ts) and lets them grow after the first poll. */
const semiSpaceGrowth = Layer.effectDiscard(
  Effect.sync(V8Heap.enableSemiSpaceGrowth).pipe(Effect.delay("3 seconds"), Effect.forkScoped)
)

/**
 * A node that serves: the HTTP server and its background jobs. On release it first fails its readiness check, then hands
 * its jobs to another node, and then stops the server.
 */
export const server: Layer.Layer<
  EffectHttpServer.HttpServer | Drain,
  HttpServerError.ServeError | SqlError.SqlError,
  Settings | Database | RateFoundation | RateSource | Features | UserServices | OrderServices
> = Layer.mergeAll(HttpServer.layerLifecycle, semiSpaceGrowth).pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      RatePoller.layerBackground,
      RateFollower.layer,
      backgroundAudit,
      LedgerMaintenance.layerBackground,
      Reviews.layerBackground,
      FundingSettler.layerBackground,
      SettlementRunner.layerBackground,
      SessionCleanup.layerBackground
    )
  ),
  Layer.provideMerge(HttpServer.layer),
  Layer.provide(SandboxAssets.layer),
  Layer.provide(StartupLog.layer)
)
