import { Array, Context, DateTime, Effect, Layer, Option } from "effect"
import type { SqlError } from "effect/sql"
import type { AuditId, AuditRecord } from "../domain/conversion/AuditRecord.ts"
import { Database, type StoreUnavailable } from "../platform/postgres/Database.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"
import { encodeRecord, GENESIS } from "./AuditHash.ts"
import * as ConversionRows from "../conversion/ConversionRows.ts"
import type { Coordinates, Node } from "./MerkleTree.ts"
import type { SignedTreeHead } from "./TreeHead.ts"

/** The place of a record in the chain. */
export interface Seal {
  readonly position: number
  readonly auditId: AuditId
  readonly prevHash: Buffer
  readonly hash: Buffer
}

/** A seal, and the record that it seals, where that is still there. */
export interface SealedRecord extends Seal {
  readonly record: Option.Option<AuditRecord>
}

/** A record as the bytes that are hashed. */
export interface EncodedRecord {
  readonly id: AuditId
  readonly bytes: Buffer
}

/** What is written when records are sealed. */
export interface SealedBatch {
  readonly seals: Array.NonEmptyReadonlyArray<Seal>
  readonly nodes: ReadonlyArray<Node>
  readonly head: SignedTreeHead
}

/** The chain, the tree and its heads in Postgres: inserted, never updated. */
export class SealRepo extends Context.Service<
  SealRepo,
  {
    /**
     * Takes at most `limit` records that wait, in order, reads those that `find` does not know, and commits what `seal`
     * makes of them. Returns the ids of what it took. Two at once would meet the unique position: one of them fails.
     */
    readonly sealNext: (
      limit: number,
      find: (id: AuditId) => Buffer | undefined,
      seal: (
        records: Array.NonEmptyReadonlyArray<EncodedRecord>,
        end: { readonly size: number; readonly chainHash: Buffer },
        nodesAt: (at: ReadonlyArray<Coordinates>) => Effect.Effect<ReadonlyArray<Buffer>, SqlError.SqlError>
      ) => Effect.Effect<SealedBatch, SqlError.SqlError>
    ) => Effect.Effect<ReadonlyArray<AuditId>, StoreUnavailable | SqlError.SqlError>
    /** How many records wait, and since when the first. */
    readonly backlog: Effect.Effect<
      { readonly count: number; readonly since: Option.Option<DateTime.Utc> },
      StoreUnavailable
    >
    /** How many records are not among the first `size` that were sealed. */
    readonly beyond: (size: number) => Effect.Effect<number, StoreUnavailable>
    /** The hashes of nodes, in the order asked for. */
    readonly nodes: (at: ReadonlyArray<Coordinates>) => Effect.Effect<ReadonlyArray<Buffer>, StoreUnavailable>
    readonly sealOf: (id: AuditId) => Effect.Effect<Option.Option<Seal>, StoreUnavailable>
    readonly latestHead: Effect.Effect<Option.Option<SignedTreeHead>, StoreUnavailable>
    /** At most `limit` heads after a size, in order. */
    readonly headsAfter: (
      size: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<SignedTreeHead>, StoreUnavailable>
    /** At most `limit` seals after a position, in order, with their records. */
    readonly sealedAfter: (
      position: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<SealedRecord>, StoreUnavailable>
    /** A record that is neither sealed nor waits to be: it did not come in by the way that records come. */
    readonly stray: Effect.Effect<Option.Option<AuditId>, StoreUnavailable>
  }
>()("effex/audit/SealRepo") {
  static readonly layer = Layer.effect(
    SealRepo,
    Effect.suspend(() => make)
  )
}

interface SealRow {
  readonly position: bigint
  readonly auditId: AuditId
  readonly prevHash: Uint8Array
  readonly hash: Uint8Array
}

interface HeadRow {
  readonly treeSize: bigint
  readonly rootHash: Uint8Array
  readonly chainHash: Uint8Array
  readonly signedAt: Date
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

const toSeal = (row: SealRow): Seal => ({
  position: Number(row.position),
  auditId: row.auditId,
  prevHash: Buffer.from(row.prevHash),
  hash: Buffer.from(row.hash)
})

const toHead = (row: HeadRow): SignedTreeHead => ({
  treeSize: Number(row.treeSize),
  rootHash: Buffer.from(row.rootHash),
  chainHash: Buffer.from(row.chainHash),
  signedAt: row.signedAt.toISOString(),
  publicKey: Buffer.from(row.publicKey),
  signature: Buffer.from(row.signature)
})

const make = Effect.gen(function* () {
  const { attempt, sql, within } = yield* Database
  const columns = sql.literal(ConversionRows.AUDIT_COLUMNS)

  const selectNodes = Effect.fnUntraced(function* (at: ReadonlyArray<Coordinates>) {
    if (at.length === 0) return []
    const rows = yield* sql<{ level: number; index: bigint; hash: Uint8Array }>`
      SELECT node.* FROM unnest(
        ${PgArray.of(at.map(({ level }) => level))}::int[], ${PgArray.of(at.map(({ index }) => index))}::bigint[]
      ) AS wanted (level, index),
        LATERAL (SELECT * FROM audit_node WHERE level = wanted.level AND index = wanted.index LIMIT 1) AS node`
    const found = new Map(rows.map(({ hash, index, level }) => [`${level}/${index}`, Buffer.from(hash)]))
    return yield* Effect.forEach(at, ({ index, level }) => {
      const hash = found.get(`${level}/${index}`)
      return hash === undefined
        ? Effect.die(new Error(`audit_node lacks ${level}/${index}`))
        : Effect.succeed(hash)
    })
  })

  /** Each by its id: a plan that was made while the table was small would read all of it. */
  const readEncoded = Effect.fnUntraced(function* (ids: ReadonlyArray<AuditId>) {
    if (ids.length === 0) return new Map<AuditId, Buffer>()
    const rows = yield* sql<ConversionRows.AuditRow>`
      SELECT record.* FROM unnest(${PgArray.of(ids)}::uuid[]) AS wanted (audit_id),
        LATERAL (SELECT ${columns} FROM conversion_audit WHERE id = audit_id LIMIT 1) AS record`
    return new Map(rows.map((row) => [row.id, encodeRecord(ConversionRows.toRecord(row))]))
  })

  const nextRecords = Effect.fnUntraced(function* (limit: number, find: (id: AuditId) => Buffer | undefined) {
    const waiting = yield* sql<{ auditId: AuditId }>`
      SELECT audit_id FROM audit_unsealed ORDER BY audit_id LIMIT ${limit}`
    const ids = waiting.map(({ auditId }) => auditId)
    const read = yield* readEncoded(ids.filter((id) => find(id) === undefined))
    return ids.flatMap((id): ReadonlyArray<EncodedRecord> => {
      const bytes = find(id) ?? read.get(id)
      return bytes === undefined ? [] : [{ id, bytes }]
    })
  })

  const sealNext: SealRepo["Service"]["sealNext"] = Effect.fn("SealRepo.sealNext")((limit, find, seal) =>
    attempt(
      sql.withTransaction(
        Effect.gen(function* () {
          const records = yield* nextRecords(limit, find)
          if (!Array.isReadonlyArrayNonEmpty(records)) return []
          const [last] = yield* sql<SealRow>`SELECT * FROM audit_seal ORDER BY position DESC LIMIT 1`
          const end =
            last === undefined
              ? { size: 0, chainHash: GENESIS }
              : { size: Number(last.position), chainHash: Buffer.from(last.hash) }
          const { head, nodes, seals } = yield* seal(records, end, selectNodes)
          const sealed = records.map(({ id }) => id)
          const ids = PgArray.of(sealed)
          // The hashes as one value, which is cut up there: each is 32 bytes long.
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
          return sealed
        })
      )
    )
  )

  const backlog = within(
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

  // In one statement: a record that is being sealed is counted once.
  const beyond = Effect.fn("SealRepo.beyond")(function* (size: number) {
    const [row] = yield* within(sql<{ count: bigint }>`
      SELECT (SELECT count(*) FROM audit_unsealed) + (SELECT count(*) FROM audit_seal WHERE position > ${size}) AS count`)
    return Number(row?.count ?? 0n)
  })

  const sealOf = Effect.fn("SealRepo.sealOf")(function* (id: AuditId) {
    const rows = yield* within(sql<SealRow>`SELECT * FROM audit_seal WHERE audit_id = ${id}`)
    return Option.map(Array.head(rows), toSeal)
  })

  const latestHead = within(sql<HeadRow>`SELECT * FROM audit_head ORDER BY tree_size DESC LIMIT 1`).pipe(
    Effect.map((rows) => Option.map(Array.head(rows), toHead))
  )

  const headsAfter = Effect.fn("SealRepo.headsAfter")(function* (size: number, limit: number) {
    const rows = yield* within(sql<HeadRow>`
      SELECT * FROM audit_head WHERE tree_size > ${size} ORDER BY tree_size LIMIT ${limit}`)
    return rows.map(toHead)
  })

  const sealedAfter = Effect.fn("SealRepo.sealedAfter")(function* (position: number, limit: number) {
    const rows = yield* within(sql<SealRow & (ConversionRows.AuditRow | { readonly id: null })>`
      SELECT seal.*, ${columns} FROM audit_seal AS seal LEFT JOIN conversion_audit ON id = seal.audit_id
      WHERE seal.position > ${position} ORDER BY seal.position LIMIT ${limit}`)
    return rows.map((row): SealedRecord => ({
      ...toSeal(row),
      record: row.id === null ? Option.none() : Option.some(ConversionRows.toRecord(row))
    }))
  })

  const stray = within(
    sql<{ id: AuditId }>`
      SELECT id FROM conversion_audit
      WHERE NOT EXISTS (SELECT FROM audit_seal WHERE audit_id = id)
        AND NOT EXISTS (SELECT FROM audit_unsealed WHERE audit_id = id)
      ORDER BY id LIMIT 1`
  ).pipe(Effect.map((rows) => Option.map(Array.head(rows), ({ id }) => id)))

  const nodes = (at: ReadonlyArray<Coordinates>) => within(selectNodes(at))

  return SealRepo.of({ sealNext, backlog, beyond, nodes, sealOf, latestHead, headsAfter, sealedAfter, stray })
})
