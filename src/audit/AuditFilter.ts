import { DateTime, Struct } from "effect"
import type { Statement } from "effect/sql"
import type { CurrencyCode } from "../domain/money/Currency.ts"

/** Selects records; a field that is not set selects all. */
export interface AuditFilter {
  readonly from?: CurrencyCode | undefined
  readonly to?: CurrencyCode | undefined
  readonly reference?: string | undefined
  readonly since?: DateTime.Utc | undefined
  readonly until?: DateTime.Utc | undefined
}

/** Returns true for a filter that selects all records. */
export const isEmpty = (filter: AuditFilter): boolean =>
  Struct.keys(filter).every((name) => filter[name] === undefined)

/** Conditions of a filter on rows of `conversion_audit`. */
export const conditions = (
  sql: Statement.Constructor,
  filter: AuditFilter
): ReadonlyArray<Statement.Fragment> => [
  ...(filter.from === undefined ? [] : [sql`source_currency = ${filter.from}`]),
  ...(filter.to === undefined ? [] : [sql`destination_currency = ${filter.to}`]),
  ...(filter.reference === undefined ? [] : [sql`reference = ${filter.reference}`]),
  ...(filter.since === undefined ? [] : [sql`converted_at >= ${DateTime.toDateUtc(filter.since)}`]),
  ...(filter.until === undefined ? [] : [sql`converted_at < ${DateTime.toDateUtc(filter.until)}`])
]
