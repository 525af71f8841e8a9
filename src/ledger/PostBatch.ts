import { type BigDecimal, DateTime, Effect, Schema } from "effect"
import type { SqlClient, Statement } from "effect/sql"
import type { LedgerAccountId } from "../domain/ledger/LedgerAccount.ts"
import { HoldId, type LedgerPosting, TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"
import * as Amount from "./Amount.ts"
import type { PostingGate } from "./PostingGate.ts"

/** Returns several postings as the arguments of `post_batch`. Each column is one parameter. */
export const columnsOf = (
  sql: SqlClient.SqlClient,
  items: ReadonlyArray<LedgerPosting>
): Statement.Fragment => {
  const entries = items.flatMap(({ entries }, i) => entries.map((entry) => ({ ...entry, item: i + 1 })))
  const opens = items.flatMap(({ opens }, i) => opens.map((open) => ({ ...open, item: i + 1 })))
  const ends = items.flatMap(({ ends }, i) => ends.map((end) => ({ ...end, item: i + 1 })))
  const key = (name: "principal" | "key" | "requestHash") =>
    PgArray.ofTexts(items.map(({ idempotency }) => idempotency?.[name] ?? null))
  const item = (rows: ReadonlyArray<{ readonly item: number }>) => PgArray.of(rows.map(({ item }) => item))
  const account = (rows: ReadonlyArray<{ readonly account: LedgerAccountId }>) =>
    PgArray.of(rows.map(({ account }) => account))
  const amount = (rows: ReadonlyArray<{ readonly amount: BigDecimal.BigDecimal }>) =>
    PgArray.of(rows.map(({ amount }) => Decimal.format(amount)))
  return sql`
      ${PgArray.of(items.map(({ id }) => id))}::uuid[], ${PgArray.ofTexts(items.map(({ kind }) => kind))}::text[],
      ${key("principal")}::text[], ${key("key")}::text[], ${key("requestHash")}::text[],
      ${PgArray.ofTexts(items.map(({ details }) => JSON.stringify(details)))}::text[],
      ${item(entries)}::int[], ${account(entries)}::bigint[], ${amount(entries)}::numeric[],
      ${item(opens)}::int[], ${PgArray.of(opens.map(({ holdId }) => holdId))}::uuid[], ${account(opens)}::bigint[],
      ${amount(opens)}::numeric[], ${PgArray.of(opens.map(({ expiresAt }) => (expiresAt === undefined ? null : DateTime.formatIso(expiresAt))))}::timestamptz[],
      ${item(ends)}::int[], ${PgArray.of(ends.map(({ holdId }) => holdId))}::uuid[],
      ${PgArray.of(ends.map(({ outcome }) => outcome))}::text[],
      ${PgArray.of(ends.map(({ posted }) => Decimal.format(posted)))}::numeric[]`
}

/**
 * Builds the statement that calls `post_batch`, or another function with its result. `alongside` is a data-modifying statement
 * that is sent with it.
 */
export const statement = (
  sql: SqlClient.SqlClient,
  call: Statement.Fragment,
  alongside?: Statement.Fragment
) => {
  const columns = sql.literal("outcome, replayed, subject, account_id, available")
  return alongside === undefined
    ? sql`SELECT ${columns} FROM ${call} ORDER BY n`
    : sql`
        WITH alongside AS (${alongside}) SELECT ${columns} FROM ${call} ORDER BY n`
}

/**
 * Builds the statement that calls `post_batch`, or another function with its result, and then a data-modifying statement that reads
 * the outcomes from `posted`: one row for each posting, numbered from 1 in `n`.
 */
export const statementWith = (
  sql: SqlClient.SqlClient,
  call: Statement.Fragment,
  dependent: Statement.Fragment
) => sql`
  WITH posted AS MATERIALIZED (SELECT * FROM ${call}), dependent AS (${dependent})
  SELECT outcome, replayed, subject, account_id, available FROM posted ORDER BY n`

/** Stored as the outcome of a key whose posting the gate refused. */
const GATE_REFUSED = "gate_refused"

const replayed = Schema.Boolean
const accountId = Amount.AccountIdFromBigInt
const Row = Schema.Union([
  Schema.Struct({ outcome: Schema.Literal("posted"), replayed, subject: TransferId }),
  Schema.Struct({
    outcome: Schema.Literal("insufficient_funds"),
    replayed,
    accountId,
    available: Amount.Amount
  }),
  Schema.Struct({ outcome: Schema.Literals(["account_not_found", "account_frozen"]), replayed, accountId }),
  Schema.Struct({
    outcome: Schema.Literals(["hold_not_found", "hold_ended", "hold_expired", "exceeds_hold"]),
    replayed,
    subject: HoldId
  }),
  Schema.Struct({ outcome: Schema.Literal(GATE_REFUSED), replayed, subject: Schema.String }),
  Schema.Struct({ outcome: Schema.Literal("key_mismatch"), replayed })
])
const decode = Schema.decodeUnknownEffect(Schema.Array(Row))

/** Decodes the outcomes that `post_batch` returns, in the order of the postings. The gate explains its earlier refusals. */
export const outcomes = Effect.fnUntraced(function* (
  rows: unknown,
  { explain }: Pick<PostingGate["Service"], "explain">
) {
  const found: Array<PostOutcome> = []
  for (const row of yield* Effect.orDie(decode(rows)))
    found.push(
      row.outcome === GATE_REFUSED
        ? { ...refusalOf(row), denial: yield* explain(row.subject) }
        : toOutcome(row)
    )
  return found
})

/** A posting that is refused without a call of `post_batch`: by a decision of the gate, or because of a frozen account. */
export type Refusal = { readonly posting: Pick<LedgerPosting, "id" | "idempotency"> } & (
  | { readonly decision: string }
  | { readonly account: LedgerAccountId }
)

const storedRefusal = (refusal: Refusal) =>
  "decision" in refusal
    ? { outcome: GATE_REFUSED, subject: refusal.decision, account: null }
    : { outcome: "account_frozen", subject: refusal.posting.id, account: refusal.account }

/**
 * Stores refusals as the outcomes of their keys. If a key has an outcome, the statement fails with a conflict, or keeps that outcome.
 */
export const storeRefusals = (
  sql: SqlClient.SqlClient,
  refusals: ReadonlyArray<Refusal>,
  onConflict: "fail" | "keep"
) => {
  const stored = refusals.flatMap((refusal) => {
    const key = refusal.posting.idempotency
    return key === undefined ? [] : [{ ...key, ...storedRefusal(refusal) }]
  })
  const column = (name: "principal" | "key" | "requestHash" | "outcome") =>
    PgArray.ofTexts(stored.map((refusal) => refusal[name]))
  return sql`
    INSERT INTO ledger_outcome (principal, key, request_hash, outcome, subject, account_id, created_at)
    SELECT principal, key, hash, outcome, subject, account, clock_timestamp() FROM unnest(
      ${column("principal")}::text[], ${column("key")}::text[], ${column("requestHash")}::text[], ${column("outcome")}::text[],
      ${PgArray.of(stored.map(({ subject }) => subject))}::uuid[], ${PgArray.of(stored.map(({ account }) => account))}::bigint[]
    ) AS refusal (principal, key, hash, outcome, subject, account)
    ${sql.literal(onConflict === "keep" ? "ON CONFLICT DO NOTHING" : "")}`
}

const TAGS = {
  account_not_found: "AccountNotFound",
  account_frozen: "AccountFrozen",
  hold_not_found: "HoldNotFound",
  hold_ended: "HoldEnded",
  hold_expired: "HoldExpired",
  exceeds_hold: "ExceedsHold"
} as const

type RefusedRow = Extract<typeof Row.Type, { readonly outcome: typeof GATE_REFUSED }>

const refusalOf = ({ replayed, subject }: RefusedRow) => ({
  _tag: "GateRefused" as const,
  replayed,
  decision: subject
})

const toOutcome = (row: Exclude<typeof Row.Type, RefusedRow>): PostOutcome => {
  const { replayed } = row
  switch (row.outcome) {
    case "posted":
      return { _tag: "Posted", replayed, id: row.subject }
    case "insufficient_funds":
      return { _tag: "InsufficientFunds", replayed, account: row.accountId, available: row.available }
    case "account_not_found":
    case "account_frozen":
      return { _tag: TAGS[row.outcome], replayed, account: row.accountId }
    case "key_mismatch":
      return { _tag: "KeyMismatch", replayed }
    default:
      return { _tag: TAGS[row.outcome], replayed, hold: row.subject }
  }
}
