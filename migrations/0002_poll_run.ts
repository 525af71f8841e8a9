import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Outcome of each poll, and the pairs that it could not refresh. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  yield* sql`
    CREATE TABLE poll_run (
      id uuid PRIMARY KEY,
      started_at timestamptz(3) NOT NULL,
      finished_at timestamptz(3),
      pairs int NOT NULL CHECK (pairs > 0),
      succeeded int CHECK (succeeded >= 0),
      failed int CHECK (failed >= 0),
      CHECK (finished_at >= started_at),
      CHECK ((finished_at IS NULL) = (succeeded IS NULL) AND (succeeded IS NULL) = (failed IS NULL)),
      CHECK (succeeded + failed = pairs)
    )`
  yield* sql`CREATE INDEX poll_run_started_at ON poll_run (started_at DESC)`

  yield* sql`
    CREATE TABLE poll_failure (
      poll_run_id uuid NOT NULL REFERENCES poll_run (id),
      source_currency text NOT NULL,
      destination_currency text NOT NULL,
      reason text NOT NULL,
      detail text NOT NULL,
      PRIMARY KEY (poll_run_id, source_currency, destination_currency)
    )`
})
