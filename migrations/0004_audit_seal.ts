import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/**
 * Hash chain, Merkle tree and signed heads over all conversions. They have tables of their own, because rows of
 * `conversion_audit` are immutable.
 */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient

  // Records that are not sealed yet. A row is inserted with the conversion and deleted with its seal.
  yield* sql`CREATE TABLE audit_unsealed (audit_id uuid PRIMARY KEY REFERENCES conversion_audit (id))`

  yield* sql`
    CREATE TABLE audit_seal (
      position bigint PRIMARY KEY CHECK (position > 0),
      audit_id uuid NOT NULL UNIQUE REFERENCES conversion_audit (id),
      prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
      hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32)
    )`

  // Complete subtrees of the Merkle tree. Levels count from the leaves up, indexes from the left.
  yield* sql`
    CREATE TABLE audit_node (
      level int NOT NULL CHECK (level >= 0),
      index bigint NOT NULL CHECK (index >= 0),
      hash bytea NOT NULL CHECK (octet_length(hash) = 32),
      PRIMARY KEY (level, index)
    )`

  yield* sql`
    CREATE TABLE audit_head (
      tree_size bigint PRIMARY KEY REFERENCES audit_seal (position),
      root_hash bytea NOT NULL CHECK (octet_length(root_hash) = 32),
      chain_hash bytea NOT NULL CHECK (octet_length(chain_hash) = 32),
      signed_at timestamptz(3) NOT NULL,
      public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
      signature bytea NOT NULL CHECK (octet_length(signature) = 64)
    )`

  for (const table of ["audit_seal", "audit_node", "audit_head"]) {
    yield* sql`SELECT make_immutable(${table}::text::regclass)`
  }
})
