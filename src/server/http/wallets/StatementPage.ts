import { Effect, Schema } from "effect"
import { LedgerAccountId } from "../../../domain/ledger/LedgerAccount.ts"
import type { StatementPosition, StatementRow } from "../../../wallets/StatementRow.ts"
import * as Pagination from "../../encoding/Pagination.ts"

/** Creates the message of a page of a statement. */
export const of = <Row>(
  {
    next,
    rows
  }: { readonly rows: ReadonlyArray<StatementRow>; readonly next: StatementPosition | undefined },
  fieldsOf: (row: StatementRow) => Row
) => ({
  data: rows.map(fieldsOf),
  has_more: next !== undefined,
  next: next === undefined ? null : Pagination.encodeCursor(encodePosition(next))
})

const encodePosition = ({ account, at, version }: StatementPosition) =>
  [at, account, version.toString()].join()

/** Numbers within the range of PostgreSQL. */
const Position = Schema.Tuple([
  Schema.String.check(Schema.isPattern(/^\d{1,14}$/)).pipe(Schema.decodeTo(Schema.FiniteFromString)),
  LedgerAccountId.check(Schema.isMaxLength(18)),
  Schema.String.check(Schema.isPattern(/^\d{1,18}$/)).pipe(Schema.decodeTo(Schema.BigIntFromString))
])
const decodeParts = Schema.decodeUnknownEffect(Position)
/** Decodes the position in a cursor. */
export const decodePosition = (text: string) =>
  Effect.map(decodeParts(text.split(",")), ([at, account, version]): StatementPosition => ({
    at,
    account,
    version
  }))
