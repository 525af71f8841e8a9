import { Context, DateTime, Effect, Layer, Option, Stream } from "effect"
import type { TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { AssetCode } from "../domain/money/Asset.ts"
import type { MovementType } from "../domain/wallets/MovementType.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as StatementRow from "./StatementRow.ts"
import { USER_ROLE } from "./Wallets.ts"

const STREAM_PAGE_SIZE = 500
/** Movements that one page reads to find those of a type. */
const MAX_SCANNED_ROWS = 2000

/** Filter of the rows of a statement. */
export interface StatementFilter {
  readonly asset?: AssetCode | undefined
  readonly type?: MovementType | undefined
  /** First moment. */
  readonly since?: DateTime.Utc | undefined
  /** The moment after the last one. */
  readonly until?: DateTime.Utc | undefined
}

export interface StatementPage {
  readonly rows: ReadonlyArray<StatementRow.StatementRow>
  /** Start of the next page; undefined after the last row. A page of one type may be short and have a next one. */
  readonly next: StatementRow.StatementPosition | undefined
}

/** Reads what moved the balances of a wallet. */
export class Statement extends Context.Service<
  Statement,
  {
    /** At most `limit` rows before a position, newest first. */
    readonly page: (
      wallet: WalletId,
      filter: StatementFilter,
      before: StatementRow.StatementPosition | undefined,
      limit: number
    ) => Effect.Effect<StatementPage, StoreUnavailable>
    /** Every row, newest first, read page by page on demand. */
    readonly stream: (
      wallet: WalletId,
      filter: StatementFilter
    ) => Stream.Stream<StatementRow.StatementRow, StoreUnavailable>
    /** The rows of one transaction, those that left the wallet first. Empty if it did not move a balance of the wallet. */
    readonly transaction: (
      wallet: WalletId,
      id: TransferId
    ) => Effect.Effect<ReadonlyArray<StatementRow.StatementRow>, StoreUnavailable>
  }
>()("effex/wallets/Statement") {
  static readonly layer = Layer.effect(
    Statement,
    Effect.gen(function* () {
      const { read, sql } = yield* Database
      const columns = sql.literal(StatementRow.COLUMNS)

      const versionBefore = (time: DateTime.Utc) => StatementRow.versionBefore(sql, time)

      const lastVersion = (before: StatementRow.StatementPosition | undefined) => {
        if (before === undefined) return sql`account.version`
        const [id, at] = [before.account, DateTime.makeUnsafe(before.at)]
        return sql`(CASE WHEN account.id = ${id}::bigint THEN ${(before.version - 1n).toString()}::bigint
          WHEN account.id < ${id}::bigint THEN ledger_version_at(account.id, account.version, ${DateTime.toDateUtc(at)})
          ELSE ${versionBefore(at)} END)`
      }

      /**
       * The newest `limit` rows before a position, of which those of the type, and the last one in any case. The times become
       * versions first, so that the rows of an account are read by its index, as many as the page has.
       */
      const scan = Effect.fnUntraced(function* (
        wallet: WalletId,
        { asset, since, type, until }: StatementFilter,
        before: StatementRow.StatementPosition | undefined,
        limit: number
      ) {
        const last = lastVersion(before)
        const rows = yield* read(sql<{ readonly n: number }>`
          WITH account AS MATERIALIZED (
            SELECT id, ${since === undefined ? sql`0` : versionBefore(since)} AS after,
              ${until === undefined ? last : sql`least(${last}, ${versionBefore(until)})`} AS last
            FROM ledger_account AS account WHERE owner = ${wallet} AND role = ${USER_ROLE}
              AND ${asset === undefined ? sql`true` : sql`asset = ${asset}`}
          ), scanned AS (
            SELECT newest.*, row_number() OVER (ORDER BY posted_at DESC, account_id DESC, version DESC) AS n
            FROM account, LATERAL (
              SELECT entry.*, transfer.kind, transfer.details, transfer.posted_at
              FROM ledger_entry AS entry JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
              WHERE entry.account_id = account.id AND entry.version > account.after AND entry.version <= account.last
              ORDER BY entry.version DESC LIMIT ${limit}
            ) AS newest
          )
          SELECT ${columns}, entry.n::int AS n FROM scanned AS entry, LATERAL (
            SELECT entry.kind, entry.details, entry.posted_at
          ) AS transfer
          WHERE entry.n <= ${limit} AND ${type === undefined ? sql`true` : sql`(entry.kind = ${type} OR entry.n = ${limit})`}
          ORDER BY entry.n`)
        return { count: rows.at(-1)?.n ?? 0, rows: yield* StatementRow.decode(rows) }
      })

      const page = Effect.fn("Statement.page")(function* (
        wallet: WalletId,
        filter: StatementFilter,
        before: StatementRow.StatementPosition | undefined,
        limit: number
      ) {
        const { type } = filter
        const found: Array<StatementRow.StatementRow> = []
        let position = before
        let size = limit + 1
        let remaining = MAX_SCANNED_ROWS
        while (remaining > 0) {
          const { count, rows } = yield* scan(wallet, filter, position, size)
          found.push(...rows.filter(({ kind }) => type === undefined || kind === type))
          const end = found[limit - 1]
          if (found.length > limit && end !== undefined)
            return { rows: found.slice(0, limit), next: positionOf(end) }
          const last = rows.at(-1)
          if (last === undefined || count < size) return { rows: found, next: undefined }
          position = positionOf(last)
          remaining -= size
          size = Math.min(2 * size, remaining)
        }
        return { rows: found, next: position }
      })

      const transaction = Effect.fn("Statement.transaction")(function* (wallet: WalletId, id: TransferId) {
        const rows = yield* read(sql`
          SELECT ${columns} FROM ledger_entry AS entry
          JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
          JOIN ledger_account AS account ON account.id = entry.account_id
          WHERE entry.transfer_id = ${id} AND account.owner = ${wallet} AND account.role = ${USER_ROLE}
          ORDER BY sign(entry.amount), entry.account_id, entry.version`)
        return yield* StatementRow.decode(rows)
      })

      const stream: Statement["Service"]["stream"] = (wallet, filter) =>
        Stream.paginate<
          StatementRow.StatementPosition | undefined,
          StatementRow.StatementRow,
          StoreUnavailable
        >(undefined, (before) =>
          Effect.map(page(wallet, filter, before, STREAM_PAGE_SIZE), ({ next, rows }) => [
            rows,
            next === undefined ? Option.none() : Option.some(next)
          ])
        )

      return Statement.of({ page, stream, transaction })
    })
  )
}

const positionOf = ({
  account,
  postedAt,
  version
}: StatementRow.StatementRow): StatementRow.StatementPosition => ({
  at: DateTime.toEpochMillis(postedAt),
  account,
  version
})
