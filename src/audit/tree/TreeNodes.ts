import { Array, Effect, Option } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as PgArray from "../../platform/postgres/PgArray.ts"
import * as MerkleTree from "./MerkleTree.ts"

/** Missing nodes that are recomputed at once. Rebuilding a whole tree would hold it in memory. */
const MAX_RECOMPUTED_NODES = 4096

type Positions = ReadonlyArray<MerkleTree.NodePosition>

/**
 * Reads nodes of the Merkle tree. `leafHashes` computes the leaf hashes of the records at some indexes, from 0; none for
 * a record that is not there.
 */
export const make = (
  sql: SqlClient.SqlClient,
  leafHashes: (
    indexes: ReadonlyArray<number>
  ) => Effect.Effect<ReadonlyArray<Option.Option<Buffer>>, SqlError.SqlError>
) => {
  /** Returns the stored hashes in the order of the positions, none for a missing node. */
  const selectStored = Effect.fnUntraced(function* (positions: Positions) {
    if (positions.length === 0) return []
    const levels = PgArray.of(positions.map(({ level }) => level))
    const indexes = PgArray.of(positions.map(({ index }) => index))
    const rows = yield* sql<{ level: number; index: bigint; hash: Uint8Array }>`
      SELECT node.* FROM unnest(${levels}::int[], ${indexes}::bigint[]) AS wanted (level, index),
        LATERAL (SELECT * FROM audit_node WHERE level = wanted.level AND index = wanted.index LIMIT 1) AS node`
    const hashes = new Map(rows.map(({ hash, index, level }) => [`${level}/${index}`, Buffer.from(hash)]))
    return positions.map((position) => Option.fromUndefinedOr(hashes.get(nameOf(position))))
  })

  /**
   * Returns hashes in the order of the positions. A node that was deleted is recomputed from its children, down to the
   * records: receipts and sealing go on, and the signed heads still prove every hash.
   */
  const select = (positions: Positions): Effect.Effect<ReadonlyArray<Buffer>, SqlError.SqlError> =>
    Effect.gen(function* () {
      const stored = yield* selectStored(positions)
      const missing = positions.filter((_, i) => Option.isNone(stored[i] ?? Option.none()))
      if (missing.length === 0) return Array.getSomes(stored)
      const [first] = missing
      if (missing.length > MAX_RECOMPUTED_NODES)
        return yield* Effect.die(
          new Error(`audit_node has no node ${first && nameOf(first)}, and ${missing.length} in total`)
        )
      const recomputed = new Map<string, Buffer>()
      const leaves = missing.filter(({ level }) => level === 0)
      const hashes = yield* leafHashes(leaves.map(({ index }) => index))
      for (const [i, leaf] of leaves.entries()) {
        const hash = hashes[i] ?? Option.none()
        if (Option.isNone(hash))
          return yield* Effect.die(
            new Error(`audit_node has no node ${nameOf(leaf)}, and its record was deleted`)
          )
        recomputed.set(nameOf(leaf), hash.value)
      }
      const inner = missing.filter(({ level }) => level > 0)
      const children = yield* select(
        inner.flatMap(({ index, level }) => [
          { level: level - 1, index: index * 2 },
          { level: level - 1, index: index * 2 + 1 }
        ])
      )
      for (const [i, node] of inner.entries()) {
        const [left, right] = [children[i * 2], children[i * 2 + 1]]
        if (left !== undefined && right !== undefined)
          recomputed.set(nameOf(node), MerkleTree.innerHash(left, right))
      }
      return positions.flatMap((position, i) =>
        Option.toArray(
          Option.orElse(stored[i] ?? Option.none(), () =>
            Option.fromUndefinedOr(recomputed.get(nameOf(position)))
          )
        )
      )
    })

  /** A node that covers more records than are sealed. One statement, because records are sealed at the same time. */
  const selectBeyond = Effect.map(
    sql<{ level: number; index: bigint }>`
      SELECT level, last.index FROM generate_series(0, 62) AS level,
        LATERAL (SELECT index FROM audit_node AS node WHERE node.level = level.level ORDER BY index DESC LIMIT 1) AS last,
        (SELECT coalesce(max(position), 0) AS size FROM audit_seal) AS seal
      WHERE (last.index + 1) * power(2::numeric, level.level) > seal.size ORDER BY level LIMIT 1`,
    (rows) => Option.map(Array.head(rows), ({ index, level }) => ({ level, index: Number(index) }))
  )

  return { select, selectStored, selectBeyond }
}

/** Name of a node, such as `0/41`. */
export const nameOf = ({ index, level }: MerkleTree.NodePosition) => `${level}/${index}`
