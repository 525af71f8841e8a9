import { Context, Effect, Layer, Option, Schema } from "effect"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import type { LedgerFault } from "./LedgerVerification.ts"

/** Position in the entries, which are ordered by account and version. */
export interface EntryPosition {
  readonly account: bigint
  readonly version: bigint
  readonly balance: string
}

/** Result of one statement that checks a page of rows. */
interface CheckedPage<Position> {
  readonly count: number
  /** The last row of the page; none after the last page. */
  readonly last: Option.Option<Position>
  readonly fault: Option.Option<LedgerFault>
}

/**
 * Checks pages of the ledger in the database. Each statement is a short transaction with a snapshot of its own: an old
 * snapshot would keep dead versions of busy accounts, and slow all postings down.
 */
export class VerifierRepo extends Context.Service<
  VerifierRepo,
  {
    /** Each entry continues the one before, and fits its account and a stored transfer. */
    readonly checkEntries: (
      after: EntryPosition,
      limit: number
    ) => Effect.Effect<CheckedPage<EntryPosition>, StoreUnavailable>
    /** Each account has the balance of its last entry, and holds the sum of its open holds. */
    readonly checkAccounts: (
      after: bigint,
      limit: number
    ) => Effect.Effect<CheckedPage<bigint>, StoreUnavailable>
    /** The entries of each transfer add up to zero in each asset. */
    readonly checkTransfers: (
      after: string,
      limit: number
    ) => Effect.Effect<CheckedPage<string>, StoreUnavailable>
    /** The balances of all accounts add up to zero in each asset. */
    readonly checkTotals: Effect.Effect<Option.Option<LedgerFault>, StoreUnavailable>
  }
>()("effex/ledger/VerifierRepo") {
  static readonly layer = Layer.effect(
    VerifierRepo,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database

      const checkEntries = Effect.fn("VerifierRepo.checkEntries")(function* (
        after: EntryPosition,
        limit: number
      ) {
        const rows = yield* execute(sql`
          WITH page AS (
            SELECT account_id, version, transfer_id, asset, amount, balance FROM ledger_entry
            WHERE (account_id, version) > (${after.account.toString()}::bigint, ${after.version.toString()}::bigint)
            ORDER BY account_id, version LIMIT ${limit}
          ), linked AS (
            SELECT page.*, lag(account_id, 1, ${after.account.toString()}::bigint) OVER entries AS previous_account,
              lag(version, 1, ${after.version.toString()}::bigint) OVER entries AS previous_version,
              lag(balance, 1, ${after.balance}::numeric) OVER entries AS previous_balance
            FROM page WINDOW entries AS (ORDER BY account_id, version)
          ), continued AS (
            SELECT linked.*, CASE WHEN previous_account = account_id THEN previous_version ELSE 0 END AS from_version,
              CASE WHEN previous_account = account_id THEN previous_balance ELSE 0 END AS from_balance
            FROM linked
          ), fault AS (
            SELECT continued.account_id, continued.transfer_id, CASE
              WHEN continued.version <> from_version + 1 THEN 'the entry with version ' || from_version + 1 || ' is missing'
              WHEN continued.balance <> from_balance + continued.amount
                THEN 'the balance after version ' || continued.version || ' is ' || continued.balance || ', not ' || from_balance + continued.amount
              WHEN account.asset IS DISTINCT FROM continued.asset
                THEN 'the asset of version ' || continued.version || ' is ' || continued.asset || ', that of the account is ' || coalesce(account.asset, 'unknown')
              WHEN transfer.id IS NULL THEN 'the transfer of version ' || continued.version || ' is missing'
            END AS reason
            FROM continued LEFT JOIN ledger_account AS account ON account.id = continued.account_id
              LEFT JOIN ledger_transfer AS transfer ON transfer.id = continued.transfer_id
            WHERE continued.version <> from_version + 1 OR continued.balance <> from_balance + continued.amount
              OR account.asset IS DISTINCT FROM continued.asset OR transfer.id IS NULL
            ORDER BY continued.account_id, continued.version LIMIT 1
          )
          SELECT (SELECT count(*) FROM page)::int AS count, last.account_id AS account, last.version, last.balance,
            fault.account_id::text AS fault_account, fault.transfer_id AS fault_transfer, fault.reason
          FROM (SELECT 1) AS one
            LEFT JOIN (SELECT * FROM page ORDER BY account_id DESC, version DESC LIMIT 1) AS last ON true
            LEFT JOIN fault ON true`)
        const [row] = yield* Effect.orDie(decodeEntryPage(rows))
        const { account, balance, count, version } = row
        const last =
          account === null || version === null || balance === null
            ? Option.none<EntryPosition>()
            : Option.some({ account, version, balance })
        return { count, last, fault: faultOf(row) }
      })

      const checkAccounts = Effect.fn("VerifierRepo.checkAccounts")(function* (after: bigint, limit: number) {
        const rows = yield* execute(sql`
          WITH page AS (
            SELECT id, balance, held, version FROM ledger_account WHERE id > ${after.toString()}::bigint ORDER BY id LIMIT ${limit}
          ), summed AS (
            SELECT page.*, coalesce(last.version, 0) AS last_version, coalesce(last.balance, 0) AS last_balance,
              (SELECT coalesce(sum(hold.amount), 0) FROM ledger_hold AS hold WHERE hold.account_id = page.id
                AND NOT EXISTS (SELECT FROM ledger_hold_end AS ended WHERE ended.hold_id = hold.id)) AS unended,
              (SELECT coalesce(sum(open.amount), 0) FROM ledger_open_hold AS open WHERE open.account_id = page.id) AS open
            FROM page LEFT JOIN LATERAL (
              SELECT version, balance FROM ledger_entry WHERE account_id = page.id ORDER BY version DESC LIMIT 1) AS last ON true
          ), fault AS (
            SELECT id, CASE
              WHEN version <> last_version THEN 'the account is at version ' || version || ', but its last entry has version ' || last_version
              WHEN balance <> last_balance THEN 'the balance is ' || balance || ', but that of its last entry ' || last_balance
              WHEN unended <> held THEN 'it holds ' || held || ', but its holds without an end add up to ' || unended
              ELSE 'it holds ' || held || ', but its open holds add up to ' || open
            END AS reason
            FROM summed WHERE version <> last_version OR balance <> last_balance OR held <> unended OR held <> open
            ORDER BY id LIMIT 1
          )
          SELECT (SELECT count(*) FROM page)::int AS count, (SELECT max(id) FROM page) AS last,
            fault.id::text AS fault_account, NULL AS fault_transfer, fault.reason
          FROM (SELECT 1) AS one LEFT JOIN fault ON true`)
        const [row] = yield* Effect.orDie(decodeAccountPage(rows))
        return { count: row.count, last: Option.fromNullOr(row.last), fault: faultOf(row) }
      })

      const checkTransfers = Effect.fn("VerifierRepo.checkTransfers")(function* (
        after: string,
        limit: number
      ) {
        const rows = yield* execute(sql`
          WITH page AS MATERIALIZED (
            SELECT id FROM ledger_transfer WHERE id > ${after}::uuid ORDER BY id LIMIT ${limit}
          ), fault AS (
            SELECT page.id, entry.asset, sum(entry.amount) AS total, min(entry.account_id) AS account_id
            FROM page JOIN ledger_entry AS entry ON entry.transfer_id = page.id
            GROUP BY page.id, entry.asset HAVING sum(entry.amount) <> 0 ORDER BY page.id LIMIT 1
          )
          SELECT (SELECT count(*) FROM page)::int AS count, (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last,
            fault.account_id::text AS fault_account, fault.id AS fault_transfer,
            'its entries add up to ' || fault.total || ' ' || fault.asset || ', not to 0' AS reason
          FROM (SELECT 1) AS one LEFT JOIN fault ON true`)
        const [row] = yield* Effect.orDie(decodeTransferPage(rows))
        return { count: row.count, last: Option.fromNullOr(row.last), fault: faultOf(row) }
      })

      const checkTotals = Effect.gen(function* () {
        const rows = yield* execute(sql`
          SELECT NULL AS fault_account, NULL AS fault_transfer,
            'the balances of all accounts in ' || asset || ' add up to ' || sum(balance) || ', not to 0' AS reason
          FROM ledger_account GROUP BY asset HAVING sum(balance) <> 0 ORDER BY asset LIMIT 1`)
        const [row] = yield* Effect.orDie(decodeFaults(rows))
        return row === undefined ? Option.none() : faultOf(row)
      }).pipe(Effect.withSpan("VerifierRepo.checkTotals"))

      return VerifierRepo.of({ checkEntries, checkAccounts, checkTransfers, checkTotals })
    })
  )
}

const fault = {
  faultAccount: Schema.NullOr(Schema.String),
  faultTransfer: Schema.NullOr(Schema.String),
  reason: Schema.NullOr(Schema.String)
}

const faultOf = ({
  faultAccount,
  faultTransfer,
  reason
}: Schema.Struct.Type<typeof fault>): Option.Option<LedgerFault> =>
  reason === null ? Option.none() : Option.some({ account: faultAccount, transfer: faultTransfer, reason })

const decodeEntryPage = Schema.decodeUnknownEffect(
  Schema.Tuple([
    Schema.Struct({
      count: Schema.Int,
      account: Schema.NullOr(Schema.BigInt),
      version: Schema.NullOr(Schema.BigInt),
      balance: Schema.NullOr(Schema.String),
      ...fault
    })
  ])
)
const decodeAccountPage = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.Struct({ count: Schema.Int, last: Schema.NullOr(Schema.BigInt), ...fault })])
)
const decodeTransferPage = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.Struct({ count: Schema.Int, last: Schema.NullOr(Schema.String), ...fault })])
)
const decodeFaults = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct(fault)))
