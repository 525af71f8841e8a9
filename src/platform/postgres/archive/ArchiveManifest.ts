import { Schema } from "effect"

const Digest = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))

/** Contents of a partition: enough to notice any lost, changed or additional row. */
export const PartitionSummary = Schema.Struct({
  rows: Schema.Int,
  /** SHA-256 of the rows in the order of their ids, one line of JSON each. */
  digest: Digest,
  /** Exact sums of the numeric columns. */
  sums: Schema.Record(Schema.String, Schema.NullOr(Schema.String)),
  firstId: Schema.NullOr(Schema.String),
  lastId: Schema.NullOr(Schema.String)
})
export type PartitionSummary = typeof PartitionSummary.Type

/** Describes the file of an exported partition. */
export const ArchiveManifest = Schema.Struct({
  format: Schema.Literal("effex-archive-1"),
  /** Identity of the database. */
  database: Schema.String,
  table: Schema.String,
  partition: Schema.String,
  /** First moment of the partition, and the moment after it. */
  start: Schema.String,
  until: Schema.String,
  /** Bounds of the ids: inclusive, exclusive. */
  lower: Schema.String,
  upper: Schema.String,
  columns: Schema.Array(Schema.String),
  /** Number of the latest migration of the database. */
  migration: Schema.Int,
  exportedAt: Schema.String,
  content: PartitionSummary,
  file: Schema.String,
  /** SHA-256 of the compressed file. */
  fileDigest: Digest
})
export type ArchiveManifest = typeof ArchiveManifest.Type

const Json = Schema.fromJsonString(ArchiveManifest)
export const encode = Schema.encodeEffect(Json)
export const decode = Schema.decodeUnknownEffect(Json)

export const fileNameOf = (partition: string) => `${partition}.ndjson.gz`
export const manifestNameOf = (partition: string) => `${partition}.manifest.json`

/** Returns the names of the facts in which two summaries differ. */
export const differences = (a: PartitionSummary, b: PartitionSummary): ReadonlyArray<string> => {
  const sums = Array.from(new Set([...Object.keys(a.sums), ...Object.keys(b.sums)])).filter(
    (column) => a.sums[column] !== b.sums[column]
  )
  return [
    ...(a.rows === b.rows ? [] : [`rows (${a.rows} and ${b.rows})`]),
    ...sums.map((column) => `sum of ${column}`),
    ...(a.firstId === b.firstId && a.lastId === b.lastId ? [] : ["ids"]),
    ...(a.digest === b.digest ? [] : ["SHA-256 of the rows"])
  ]
}
