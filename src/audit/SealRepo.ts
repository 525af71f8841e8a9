import { Array, Context, DateTime, Effect, Layer, Option, Result } from "effect"
import type { SqlError } from "effect/sql"
import type { AuditRecord } from "../domain/conversion/AuditRecord.ts"
import type { AuditId } from "../domain/conversion/AuditId.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"
import { encodeRecord, GENESIS } from "./AuditHash.ts"
import * as AuditRows from "./AuditRows.ts"
import type { EncodedRecord, Seal, SealedBatch, SealedEnd, SealedRecord } from "./Seal.ts"
import { type HeadRow, type SealRow, toHead, toSeal } from "./SealRows.ts"
import { leafHash, type NodePosition } from "./tree/MerkleTree.ts"
import type { SignedTreeHead } from "./TreeHead.ts"
import * as TreeNodes from "./tree/TreeNodes.ts"

/** Hash chain, Merkle tree and signed heads in PostgreSQL: inserted, never updated. */
export class SealRepo extends Context.Service<
  SealRepo,
  {
    /**
     * Seals at most `limit` unsealed records, oldest first, in one transaction. Reads the records that `find` does not
     * return, and writes the result of `seal`. Returns the ids of the sealed records, or the reason why `seal` refused. A
     * concurrent call fails on the unique position.
     */
    readonly sealNext: (
      limit: number,
      find: (id: AuditId) => Buffer | undefined,
      seal: (
        records: Array.NonEmptyReadonlyArray<EncodedRecord>,
        end: SealedEnd,
        nodeHashes: (
          positions: ReadonlyArray<NodePosition>
        ) => Effect.Effect<ReadonlyArray<Buffer>, SqlError.SqlError>
      ) => Effect.Effect<Result.Result<SealedBatch, string>, SqlError.SqlError>
    ) => Effect.Effect<Result.Result<ReadonlyArray<AuditId>, string>, StoreUnavailable | SqlError.SqlError>
    /** Number of unsealed records, and the time of the oldest. */
    readonly backlog: Effect.Effect<
      { readonly count: number; readonly since: Option.Option<DateTime.Utc> },
      StoreUnavailable
    >
    /** Number of records that are not among the first `size` sealed ones. */
    readonly countAfter: (size: number) => Effect.Effect<number, StoreUnavailable>
    /** Hashes of tree nodes, in the order of the positions. Recomputes nodes that were deleted. */
    readonly nodeHashes: (
      positions: ReadonlyArray<NodePosition>
    ) => Effect.Effect<ReadonlyArray<Buffer>, StoreUnavailable>
    /** Stored hashes of tree nodes, in the order of the positions; none for a node that was deleted. */
    readonly storedNodes: (
      positions: ReadonlyArray<NodePosition>
    ) => Effect.Effect<ReadonlyArray<Option.Option<Buffer>>, StoreUnavailable>
    /** A tree node that covers more records than are sealed. */
    readonly nodeBeyond: Effect.Effect<Option.Option<NodePosition>, StoreUnavailable>
    readonly findSeal: (id: AuditId) => Effect.Effect<Option.Option<Seal>, StoreUnavailable>
    readonly latestHead: Effect.Effect<Option.Option<SignedTreeHead>, StoreUnavailable>
    /** At most `limit` heads after a tree size, in order. */
    readonly headsAfter: (
      size: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<SignedTreeHead>, StoreUnavailable>
    /** At most `limit` seals after a position, in order, with their records. */
    readonly sealedAfter: (
      position: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<SealedRecord>, StoreUnavailable>
    /** A record that is neither sealed nor queued for sealing, so it was not inserted by the audit log. */
    readonly untracked: Effect.Effect<Option.Option<AuditId>, StoreUnavailable>
    /** A queued record that is sealed already, or was deleted, so the queue or the record was changed. */
    readonly misqueued: Effect.Effect<
      Option.Option<{ readonly id: AuditId; readonly isSealed: boolean }>,
      StoreUnavailable
    >
  }
>()("effex/audit/SealRepo") {
  static readonly layer = Layer.effect(
    SealRepo,
    Effect.gen(function* () {
      const { execute, sql, tryExecute } = yield* Database
      const columns = sql.literal(AuditRows.SELECT_COLUMNS)

      // LATERAL looks each record up by the index; a plan cached while the table was small would scan all of it.
      const selectRecords = Effect.fnUntraced(function* (ids: ReadonlyArray<AuditId>) {
        if (ids.length === 0) return new Map<AuditId, AuditRecord>()
        const rows = yield* sql<AuditRows.AuditRow>`
          SELECT record.* FROM unnest(${PgArray.of(ids)}::uuid[]) AS wanted (id),
            LATERAL (SELECT ${columns} FROM conversion_audit AS stored WHERE stored.id = wanted.id LIMIT 1) AS record`
          .withoutTransform
        return new Map(rows.map((row) => [row.audit_id, AuditRows.toRecord(row)]))
      })

      const leafHashes = Effect.fnUntraced(function* (indexes: ReadonlyArray<number>) {
        const positions = PgArray.of(indexes.map((index) => index + 1))
        const rows = yield* sql<{ position: bigint; auditId: AuditId }>`
          SELECT position, audit_id FROM audit_seal WHERE position = ANY(${positions}::bigint[])`
        const records = yield* selectRecords(rows.map(({ auditId }) => auditId))
        const ids = new Map(rows.map(({ auditId, position }) => [Number(position), auditId]))
        return indexes.map((index) => {
          const id = ids.get(index + 1)
          const record = id && records.get(id)
          return Option.map(Option.fromNullishOr(record), (found) => leafHash(encodeRecord(found)))
        })
      })
      const treeNodes = TreeNodes.make(sql, leafHashes)

      const selectUnsealed = Effect.fnUntraced(function* (
        limit: number,
        find: (id: AuditId) => Buffer | undefined
      ) {
        // Records that were queued again must not stop the sealer; the verification reports them.
        const rows = yield* sql<{ auditId: AuditId }>`
          SELECT audit_id FROM audit_unsealed AS queued
          WHERE (SELECT position FROM audit_seal WHERE audit_id = queued.audit_id LIMIT 1) IS NULL
          ORDER BY audit_id LIMIT ${limit}`
        const ids = rows.map(({ auditId }) => auditId)
        const records = yield* selectRecords(ids.filter((id) => find(id) === undefined))
        return ids.flatMap((id): ReadonlyArray<EncodedRecord> => {
          const record = records.get(id)
          const bytes = find(id) ?? (record && encodeRecord(record))
          return bytes === undefined ? [] : [{ id, bytes }]
        })
      })

      const selectLatestHead = Effect.map(
        sql<HeadRow>`SELECT * FROM audit_head ORDER BY tree_size DESC LIMIT 1`,
        (rows) => Option.map(Array.head(rows), toHead)
      )

      const sealNext: SealRepo["Service"]["sealNext"] = Effect.fn("SealRepo.sealNext")((limit, find, seal) =>
        tryExecute(
          sql.withTransaction(
            Effect.gen(function* () {
              const records = yield* selectUnsealed(limit, find)
              if (!Array.isReadonlyArrayNonEmpty(records)) return Result.succeed([])
              const [last] = yield* sql<SealRow>`SELECT * FROM audit_seal ORDER BY position DESC LIMIT 1`
              const end: SealedEnd = {
                size: Number(last?.position ?? 0n),
                chainHash: last === undefined ? GENESIS : Buffer.from(last.hash),
                head: yield* selectLatestHead
              }
              const batch = yield* seal(records, end, treeNodes.select)
              if (Result.isFailure(batch)) return Result.fail(batch.failure)
              const { head, nodes, seals } = batch.success
              const sealed = records.map(({ id }) => id)
              const ids = PgArray.of(sealed)
              // All hashes in one parameter, split by the statement: each has 32 bytes.
              const hashes = Buffer.concat([end.chainHash, ...seals.map(({ hash }) => hash)])
              yield* sql`
                INSERT INTO audit_seal (position, audit_id, prev_hash, hash)
                SELECT ${end.size}::bigint + n, id, substr(hashes, n::int * 32 - 31, 32), substr(hashes, n::int * 32 + 1, 32)
                FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS sealed (id, n), (SELECT ${hashes}::bytea AS hashes) AS chain`
              yield* sql`
                INSERT INTO audit_node (level, index, hash)
                SELECT level, index, substr(hashes, n::int * 32 - 31, 32)
                FROM unnest(${PgArray.of(nodes.map(({ level }) => level))}::int[], ${PgArray.of(nodes.map(({ index }) => index))}::bigint[])
                  WITH ORDINALITY AS node (level, index, n),
                  (SELECT ${Buffer.concat(nodes.map(({ hash }) => hash))}::bytea AS hashes) AS tree`
              yield* sql`INSERT INTO audit_head ${sql.insert({ ...head })}`
              yield* sql`DELETE FROM audit_unsealed WHERE audit_id = ANY(${ids}::uuid[])`
              return Result.succeed(sealed)
            })
          )
        )
      )

      const backlog = execute(
        sql<{ count: bigint; since: Date | null }>`
          SELECT (SELECT count(*) FROM audit_unsealed) AS count, (
            SELECT converted_at FROM conversion_audit
            WHERE id = (SELECT audit_id FROM audit_unsealed ORDER BY audit_id LIMIT 1)
          ) AS since`
      ).pipe(
        Effect.map(([row]) => ({
          count: Number(row?.count ?? 0n),
          since: Option.map(Option.fromNullishOr(row?.since), DateTime.fromDateUnsafe)
        }))
      )

      // One statement, so that a record that is sealed at the same time is counted once.
      const countAfter = Effect.fn("SealRepo.countAfter")(function* (size: number) {
        const [row] = yield* execute(sql<{ count: bigint }>`
          SELECT (SELECT count(*) FROM audit_unsealed) + (SELECT count(*) FROM audit_seal WHERE position > ${size}) AS count`)
        return Number(row?.count ?? 0n)
      })

      const findSeal = Effect.fn("SealRepo.findSeal")(function* (id: AuditId) {
        const rows = yield* execute(sql<SealRow>`SELECT * FROM audit_seal WHERE audit_id = ${id}`)
        return Option.map(Array.head(rows), toSeal)
      })

      const headsAfter = Effect.fn("SealRepo.headsAfter")(function* (size: number, limit: number) {
        const rows = yield* execute(sql<HeadRow>`
          SELECT * FROM audit_head WHERE tree_size > ${size} ORDER BY tree_size LIMIT ${limit}`)
        return rows.map(toHead)
      })

      const sealedAfter = Effect.fn("SealRepo.sealedAfter")((position: number, limit: number) =>
        execute(
          Effect.gen(function* () {
            const rows = yield* sql<SealRow>`
              SELECT * FROM audit_seal WHERE position > ${position} ORDER BY position LIMIT ${limit}`
            const records = yield* selectRecords(rows.map(({ auditId }) => auditId))
            return rows.map((row): SealedRecord => ({
              ...toSeal(row),
              record: Option.fromUndefinedOr(records.get(row.auditId))
            }))
          })
        )
      )

      const untracked = execute(
        sql<{ id: AuditId }>`
          SELECT id FROM conversion_audit
          WHERE NOT EXISTS (SELECT FROM audit_seal WHERE audit_id = id)
            AND NOT EXISTS (SELECT FROM audit_unsealed WHERE audit_id = id)
          ORDER BY id LIMIT 1`
      ).pipe(Effect.map((rows) => Option.map(Array.head(rows), ({ id }) => id)))

      const misqueued = execute(
        sql<{ id: AuditId; isSealed: boolean }>`
          SELECT audit_id AS id, seal.position IS NOT NULL AS is_sealed
          FROM audit_unsealed LEFT JOIN audit_seal AS seal USING (audit_id)
          WHERE seal.position IS NOT NULL OR NOT EXISTS (SELECT FROM conversion_audit WHERE id = audit_id)
          ORDER BY audit_id LIMIT 1`
      ).pipe(Effect.map(Array.head))

      return SealRepo.of({
        sealNext,
        backlog,
        countAfter,
        nodeHashes: (positions) => execute(treeNodes.select(positions)),
        storedNodes: (positions) => execute(treeNodes.selectStored(positions)),
        nodeBeyond: execute(treeNodes.selectBeyond),
        findSeal,
        latestHead: execute(selectLatestHead),
        headsAfter,
        sealedAfter,
        untracked,
        misqueued
      })
    })
  )
}
