import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import type { Migrator, SqlClient, SqlError } from "effect/sql"
import { type InvalidSettings, Settings } from "../config/Settings.ts"
import * as RandomBytes from "../platform/RandomBytes.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { EmbeddedPostgresError } from "../platform/postgres/EmbeddedPostgres.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as Telemetry from "../platform/telemetry/Telemetry.ts"

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
