import { Array, Context, DateTime, Effect, Layer, Option, Schema, Stream } from "effect"
import type { TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { AssetCode } from "../domain/money/Asset.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { type StatementPosition, StatementRow } from "./StatementRow.ts"
import { USER_ROLE } from "./Wallets.ts"

const STREAM_PAGE_SIZE = 500

/** Which rows of a statement to read. */
export interface StatementFilter {
  readonly asset?: AssetCode | undefined
  /** Kind of the transfer, such as `transfer` or `conversion`. */
  readonly type?: string | undefined
  /** First moment. */
  readonly since?: DateTime.Utc | undefined
  /** The moment after the last one. */
  readonly until?: DateTime.Utc | undefined
}

const decode = Schema.decodeUnknownEffect(Schema.Array(StatementRow))

/** Reads what moved the balances of a wallet. */
export class Statement extends Context.Service<
  Statement,
  {
    /** At most `limit` rows before a position, newest first. */
    readonly page: (
      wallet: WalletId,
      filter: StatementFilter,
      before: StatementPosition | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<StatementRow>, StoreUnavailable>
    /** Every row, newest first, read page by page on demand. */
    readonly stream: (
      wallet: WalletId,
      filter: StatementFilter
    ) => Stream.Stream<StatementRow, StoreUnavailable>
    /** The rows of one transaction. Empty if it did not move a balance of the wallet. */
    readonly transaction: (
      wallet: WalletId,
      id: TransferId
    ) => Effect.Effect<ReadonlyArray<StatementRow>, StoreUnavailable>
  }
>()("effex/wallets/Statement") {
  static readonly layer = Layer.effect(
    Statement,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const columns = sql.literal(`
        entry.transfer_id AS id, entry.account_id AS account, entry.version, entry.asset, transfer.kind,
        entry.amount::text AS change, entry.balance::text AS balance, transfer.posted_at,
        transfer.details ->> 'note' AS note, transfer.details ->> 'reference' AS reference,
        transfer.details ->> 'order_id' AS order_id, transfer.details ->> 'conversion_id' AS conversion_id,
        (SELECT username FROM wallet AS other JOIN app_user ON app_user.id = other.user_id
          WHERE transfer.kind = 'transfer' AND other.id = (CASE WHEN entry.amount < 0
            THEN transfer.details ->> 'to' ELSE transfer.details ->> 'from' END)::uuid) AS counterparty`)

      const page = Effect.fn("Statement.page")(function* (
        wallet: WalletId,
        { asset, since, type, until }: StatementFilter,
        before: StatementPosition | undefined,
        limit: number
      ) {
        const conditions = sql.and([
          sql`entry.account_id = account.id`,
          ...(type === undefined ? [] : [sql`transfer.kind = ${type}`]),
          ...(since === undefined ? [] : [sql`transfer.posted_at >= ${DateTime.toDateUtc(since)}`]),
          ...(until === undefined ? [] : [sql`transfer.posted_at < ${DateTime.toDateUtc(until)}`]),
          ...(before === undefined
            ? []
            : [
                sql`(transfer.posted_at, entry.account_id, entry.version)
                  < (${DateTime.toDateUtc(before.at)}::timestamptz, ${before.account}::bigint, ${before.version}::bigint)`
              ])
        ])
        // The newest rows of each account by its own index: versions of an account grow with time.
        const rows = yield* execute(sql`
          SELECT newest.* FROM ledger_account AS account, LATERAL (
            SELECT ${columns} FROM ledger_entry AS entry
            JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
            WHERE ${conditions} ORDER BY entry.version DESC LIMIT ${limit}
          ) AS newest
          WHERE account.owner = ${wallet} AND account.role = ${USER_ROLE}
            AND ${asset === undefined ? sql`true` : sql`account.asset = ${asset}`}
          ORDER BY newest.posted_at DESC, newest.account DESC, newest.version DESC LIMIT ${limit}`)
        return yield* Effect.orDie(decode(rows))
      })

      const transaction = Effect.fn("Statement.transaction")(function* (wallet: WalletId, id: TransferId) {
        const rows = yield* execute(sql`
          SELECT ${columns} FROM ledger_entry AS entry
          JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
          JOIN ledger_account AS account ON account.id = entry.account_id
          WHERE entry.transfer_id = ${id} AND account.owner = ${wallet} AND account.role = ${USER_ROLE}
          ORDER BY entry.amount`)
        return yield* Effect.orDie(decode(rows))
      })

      const stream: Statement["Service"]["stream"] = (wallet, filter) =>
        Stream.paginate<StatementPosition | undefined, StatementRow, StoreUnavailable>(undefined, (before) =>
          Effect.map(page(wallet, filter, before, STREAM_PAGE_SIZE), (rows) => [
            rows,
            rows.length < STREAM_PAGE_SIZE ? Option.none() : Option.map(Array.last(rows), positionOf)
          ])
        )

      return Statement.of({ page, stream, transaction })
    })
  )
}

/** Returns the place of a row. */
export const positionOf = ({ account, postedAt, version }: StatementRow): StatementPosition => ({
  at: postedAt,
  account,
  version: version.toString()
})
