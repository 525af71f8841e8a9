import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Rotations of the key that signs the audit, and how far the signed heads were delivered to places outside. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // NULL for a previous key that was lost: then only the new key vouches for the records before.
  yield* sql`
    CREATE TABLE audit_key_rotation (
      previous_key bytea NOT NULL CHECK (octet_length(previous_key) = 32),
      public_key bytea NOT NULL CHECK (octet_length(public_key) = 32 AND public_key <> previous_key),
      tree_size bigint NOT NULL CHECK (tree_size >= 0),
      root_hash bytea NOT NULL CHECK (octet_length(root_hash) = 32),
      chain_hash bytea NOT NULL CHECK (octet_length(chain_hash) = 32),
      signed_at timestamptz(3) NOT NULL,
      previous_signature bytea CHECK (octet_length(previous_signature) = 64),
      signature bytea NOT NULL CHECK (octet_length(signature) = 64),
      PRIMARY KEY (tree_size, previous_key, public_key)
    )`
  yield* sql`SELECT make_immutable('audit_key_rotation')`

  // A destination is the SHA-256 of its URL, which may contain credentials.
  yield* sql`
    CREATE TABLE audit_head_delivery (
      destination bytea PRIMARY KEY CHECK (octet_length(destination) = 32),
      tree_size bigint NOT NULL CHECK (tree_size >= 0),
      delivered_at timestamptz(3) NOT NULL
    )`
})
