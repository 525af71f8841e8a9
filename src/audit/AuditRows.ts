import { Statement } from "effect/sql"
import {
  AUDIT_FIELDS,
  type AuditEntry,
  type AuditField,
  type AuditRecord
} from "../domain/conversion/AuditRecord.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"

interface Column {
  readonly type: "boolean" | "numeric" | "text" | "timestamptz" | "uuid"
  /** Name of the column, where it differs from the field's name. */
  readonly name?: string
  /** Free text, which must be quoted in an array. */
  readonly isQuoted?: true
}

/** Columns of `conversion_audit`, by the field that they store. */
const COLUMNS: { readonly [Field in AuditField]: Column } = {
  audit_id: { type: "uuid", name: "id" },
  from_currency: { type: "text", name: "source_currency" },
  to_currency: { type: "text", name: "destination_currency" },
  input_amount: { type: "numeric" },
  output_amount: { type: "numeric" },
  mid_rate: { type: "numeric" },
  margin: { type: "numeric" },
  rate: { type: "numeric" },
  rate_id: { type: "uuid" },
  provider: { type: "text", isQuoted: true },
  rate_fetched_at: { type: "timestamptz" },
  stale: { type: "boolean" },
  amount_type: { type: "text" },
  exact_output: { type: "numeric" },
  residual: { type: "numeric" },
  quote_id: { type: "uuid" },
  reference: { type: "text", isQuoted: true },
  principal: { type: "text", isQuoted: true },
  converted_at: { type: "timestamptz" }
}

/** Column names of an INSERT, in the order of {@link arrays}. */
export const INSERT_COLUMNS = AUDIT_FIELDS.map((field) => COLUMNS[field].name ?? field).join(", ")

/** Columns of a SELECT under the names of an {@link AuditRow}. Run it `withoutTransform`. */
export const SELECT_COLUMNS = AUDIT_FIELDS.map((field) => {
  const { name } = COLUMNS[field]
  return name === undefined ? field : `${name} AS ${field}`
}).join(", ")

const PARAMETERS = AUDIT_FIELDS.map((field, i) => {
  const { isQuoted, type } = COLUMNS[field]
  const separator = i < AUDIT_FIELDS.length - 1 ? ", " : ""
  return { field, isQuoted, cast: Statement.literal(`::${type}[]${separator}`) }
})

/** Encodes each field of the records as one array parameter, so that the statement is the same for any number of them. */
export const arrays = (records: ReadonlyArray<AuditRecord>): Statement.Fragment =>
  Statement.fragment(
    PARAMETERS.flatMap(({ cast, field, isQuoted }) => {
      const values = records.map((record) => record[field])
      return [
        Statement.parameter(isQuoted === true ? PgArray.ofTexts(values.map(text)) : PgArray.of(values)),
        cast
      ]
    })
  )

const text = (value: AuditRecord[AuditField]) => (value === null ? null : String(value))

/** Row of `conversion_audit`, selected by {@link SELECT_COLUMNS}. PostgreSQL returns numbers as text. */
export interface AuditRow extends Omit<AuditRecord, "rate_fetched_at" | "converted_at"> {
  readonly rate_fetched_at: Date
  readonly converted_at: Date
}

/**
 * Restores the record as it was hashed. A `numeric` column keeps every digit of the inserted text, trailing zeros
 * included, so no amount depends on the minor unit that ISO 4217 assigns to its currency today.
 */
export const toRecord = (row: AuditRow): AuditRecord => ({
  ...row,
  rate_fetched_at: timeText(row.rate_fetched_at),
  converted_at: timeText(row.converted_at)
})

/** A row with its position in `audit_seal`; null where the record is not sealed. */
export const toEntry = ({
  position,
  ...row
}: AuditRow & { readonly position: bigint | null }): AuditEntry => ({
  ...toRecord(row),
  position: position === null ? null : Number(position)
})

/** A time that JavaScript cannot represent, such as `infinity`, was written by tampering: verification must report it. */
const timeText = (time: Date) => (Number.isNaN(time.getTime()) ? String(time) : time.toISOString())
