import * as App from "./App.ts"
import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { HttpServer as EffectHttpServer, HttpServerError } from "effect/http"
import type { Migrator, SqlClient, SqlError } from "effect/sql"
import { type AssetCatalog } from "./assets/AssetCatalog.ts"
import * as SandboxAssets from "./assets/SandboxAssets.ts"
import { type ApiKeys } from "./access/ApiKeys.ts"
import { AdminActions } from "./accounts/AdminActions.ts"
import { Credentials } from "./accounts/Credentials.ts"
import { EndedSessions } from "./accounts/sessions/EndedSessions.ts"
import { Passwords } from "./accounts/Passwords.ts"
import { RefreshTokens } from "./accounts/tokens/RefreshTokens.ts"
import { Registration } from "./accounts/Registration.ts"
import { SecurityEvents } from "./accounts/SecurityEvents.ts"
import { Sessions } from "./accounts/sessions/Sessions.ts"
import { UserAdministration } from "./accounts/UserAdministration.ts"
import { Users } from "./accounts/Users.ts"
import { type AuditSigner } from "./audit/AuditSigner.ts"
import type { SigningKeyError } from "./audit/keys/SigningKeyFile.ts"
import type { InvalidSettings, Settings } from "./config/Settings.ts"
import type { Batches } from "./orders/settlement/Batches.ts"
import type { OrderAdministration } from "./orders/OrderAdministration.ts"
import { SettlementSignal } from "./orders/settlement/SettlementSignal.ts"
import * as SettlementRunner from "./orders/settlement/SettlementRunner.ts"
import { type PollCadence } from "./platform/PollCadence.ts"
import { type Database } from "./platform/postgres/Database.ts"
import { Archive } from "./platform/postgres/archive/Archive.ts"
import * as DatabaseClock from "./platform/postgres/DatabaseClock.ts"
import type { StoreUnavailable } from "./platform/postgres/StoreUnavailable.ts"
import type { EmbeddedPostgresError } from "./platform/postgres/EmbeddedPostgres.ts"
import type { SecretFileError } from "./platform/SecretFile.ts"
import type { RedisNotConfigured } from "./platform/Redis.ts"
import { type RateImport } from "./rates/import/RateImport.ts"
import { type PollerSettings } from "./rates/polling/PollerSettings.ts"
import { RateRepair } from "./rates/RateRepair.ts"
import type { Drain } from "./server/Drain.ts"
import type { FundingDecisions } from "./wallets/funding/FundingDecisions.ts"
import { Wallets } from "./wallets/Wallets.ts"

// Complete layers, one for each group of commands, so that a command builds only what it needs.

type Process = Settings | SecureRandom.SecureRandom | Database | SqlClient.SqlClient

type ProcessError =
  | InvalidSettings
  | EmbeddedPostgresError
  | Migrator.MigrationError
  | SqlError.SqlError
  | StoreUnavailable

export const databaseApp: Layer.Layer<Process, ProcessError> = DatabaseClock.layer.pipe(
  Layer.provideMerge(App.database),
  Layer.provideMerge(App.platform)
)

export const pollerSettingsApp: Layer.Layer<PollerSettings | PollCadence | Process, ProcessError> =
  App.pollerSettings.pipe(Layer.provideMerge(databaseApp))

export const assetsApp: Layer.Layer<AssetCatalog | Process, ProcessError> = SandboxAssets.layer.pipe(
  Layer.provideMerge(App.assets),
  Layer.provideMerge(databaseApp)
)

export const apiKeysApp: Layer.Layer<ApiKeys | Process, ProcessError> = App.apiKeys.pipe(
  Layer.provideMerge(databaseApp)
)

/** Opens no sessions. The nodes learn of ended ones from the database, which they read every two seconds. */
export const usersApp: Layer.Layer<UserAdministration | Users | Process, ProcessError> =
  UserAdministration.layer.pipe(
    Layer.provide([Registration.layer, AdminActions.layer, Credentials.layer]),
    Layer.provide(Sessions.layer),
    Layer.provideMerge(Users.layer),
    Layer.provide([
      EndedSessions.layerOnDemand,
      Passwords.layer,
      RefreshTokens.layerNone,
      SecurityEvents.layer,
      App.newUserSetup
    ]),
    Layer.provideMerge(databaseApp)
  )

export const importsApp: Layer.Layer<RateImport | AssetCatalog | Process, ProcessError> = Layer.mergeAll(
  SandboxAssets.layer,
  App.imports
).pipe(Layer.provideMerge(App.assets), Layer.provideMerge(databaseApp))

export const ledgerApp: Layer.Layer<App.LedgerServices | Process, ProcessError> = App.ledger.pipe(
  Layer.provideMerge(databaseApp)
)

export const archiveApp: Layer.Layer<Archive | Process, ProcessError> = Archive.layer.pipe(
  Layer.provideMerge(databaseApp)
)

export const batchesApp: Layer.Layer<Batches | Process, ProcessError> = App.batches.pipe(
  Layer.provide(SettlementSignal.layerMemory),
  Layer.provideMerge(databaseApp)
)

export const ordersApp: Layer.Layer<OrderAdministration | Users | Process, ProcessError> =
  App.orderAdministration.pipe(
    Layer.provide(App.ledger),
    Layer.provideMerge(Users.layer),
    Layer.provideMerge(databaseApp)
  )

export const fundingApp: Layer.Layer<FundingDecisions | Process, ProcessError> = App.fundingDecisions.pipe(
  Layer.provide(Wallets.layer),
  Layer.provide(App.ledger),
  Layer.provideMerge(databaseApp)
)

export const rateRepairApp: Layer.Layer<RateRepair | Process, ProcessError> = RateRepair.layer.pipe(
  Layer.provideMerge(databaseApp)
)

type RatesError = ProcessError | HttpServerError.ServeError | RedisNotConfigured

const sourcesApp = App.providers.pipe(
  Layer.provide(App.flutterwave),
  Layer.provideMerge(App.assets),
  Layer.provideMerge(pollerSettingsApp)
)

export const ratesApp: Layer.Layer<
  App.RateServices | App.RateFoundation | App.RateSource | Process,
  RatesError
> = Layer.mergeAll(App.rates, SandboxAssets.layer).pipe(
  Layer.provideMerge(App.rateFoundation),
  Layer.provideMerge(sourcesApp)
)

type FeatureServices = App.Features | App.RateFoundation | App.RateSource | AuditSigner | Process

export const featuresApp: Layer.Layer<FeatureServices, RatesError | SigningKeyError> = App.features.pipe(
  Layer.provideMerge(App.foundation),
  Layer.provideMerge(sourcesApp)
)

/** Everything that acts for users, and the settlement of their orders, without the server. */
export const seedApp: Layer.Layer<
  RateImport | App.UserServices | App.OrderServices | FeatureServices,
  RatesError | SigningKeyError | SecretFileError
> = SettlementRunner.layerBackground.pipe(
  Layer.provideMerge(App.orders.pipe(Layer.provide(App.exchange))),
  Layer.provideMerge(App.users),
  Layer.provideMerge(App.imports),
  Layer.provide(SandboxAssets.layer),
  Layer.provideMerge(featuresApp)
)

/** All of effex, as `effex serve` runs it. */
export const app: Layer.Layer<
  EffectHttpServer.HttpServer | Drain | App.UserServices | App.OrderServices | FeatureServices,
  RatesError | SigningKeyError | SecretFileError
> = App.server.pipe(
  Layer.provideMerge(App.orders.pipe(Layer.provide(App.exchange))),
  Layer.provideMerge(App.users),
  Layer.provideMerge(featuresApp)
)
