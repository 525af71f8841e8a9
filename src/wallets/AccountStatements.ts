import { Array, BigDecimal, Context, type DateTime, Effect, Layer, Option, Schema, Stream } from "effect"
import { AssetCode } from "../domain/money/Asset.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { AccountIdFromBigInt, Amount } from "../ledger/Amount.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as StatementRow from "./StatementRow.ts"
import { USER_ROLE } from "./Wallets.ts"

const STREAM_PAGE_SIZE = 500

/** Period of an account statement. */
export interface StatementPeriod {
  /** First moment. */
  readonly since: DateTime.Utc
  /** The moment after the last one. */
  readonly until: DateTime.Utc
  /** Undefined: every asset. */
  readonly asset: AssetCode | undefined
}

const Section = Schema.Struct({
  account: AccountIdFromBigInt,
  asset: AssetCode,
  /** Version of the account before the period, and of its last movement in it. */
  after: Schema.BigInt,
  last: Schema.BigInt,
  opening: Amount,
  closing: Amount
})

/**
 * One asset of an account statement. The opening balance plus the changes of the rows is the closing balance, also if the
 * wallet moves meanwhile: the section names its rows, which are immutable.
 */
export type AssetStatement = typeof Section.Type

const decode = Schema.decodeUnknownEffect(Schema.Array(Section))

/** Account statements: each balance before and after a period, and what moved it. */
export class AccountStatements extends Context.Service<
  AccountStatements,
  {
    /** The assets that a wallet had before the period or that moved in it, by code. */
    readonly sections: (
      wallet: WalletId,
      period: StatementPeriod
    ) => Effect.Effect<ReadonlyArray<AssetStatement>, StoreUnavailable>
    /** The movements of a section, oldest first, read page by page on demand. */
    readonly rows: (section: AssetStatement) => Stream.Stream<StatementRow.StatementRow, StoreUnavailable>
  }
>()("effex/wallets/AccountStatements") {
  static readonly layer = Layer.effect(
    AccountStatements,
    Effect.gen(function* () {
      const { read, sql } = yield* Database
      const columns = sql.literal(StatementRow.COLUMNS)

      const versionBefore = (time: DateTime.Utc) => StatementRow.versionBefore(sql, time)
      const balanceAfter = (version: "after" | "last") => sql`
        coalesce((SELECT balance FROM ledger_entry AS entry
          WHERE entry.account_id = account.id AND entry.version = account.${sql.literal(version)}), 0)::text`

      const sections = Effect.fn("AccountStatements.sections")(function* (
        wallet: WalletId,
        { asset, since, until }: StatementPeriod
      ) {
        const rows = yield* read(sql`
          WITH account AS MATERIALIZED (
            SELECT id, asset, ${versionBefore(since)} AS after, ${versionBefore(until)} AS last
            FROM ledger_account AS account WHERE owner = ${wallet} AND role = ${USER_ROLE}
              AND ${asset === undefined ? sql`true` : sql`asset = ${asset}`}
          )
          SELECT id AS account, asset, after, last,
            ${balanceAfter("after")} AS opening, ${balanceAfter("last")} AS closing
          FROM account WHERE last > 0 ORDER BY asset COLLATE "C"`)
        const found = yield* Effect.orDie(decode(rows))
        return found.filter((section) => section.last > section.after || !BigDecimal.isZero(section.opening))
      })

      const page = Effect.fn("AccountStatements.page")(function* (
        { account, last }: AssetStatement,
        after: bigint
      ) {
        const rows = yield* read(sql`
          SELECT ${columns} FROM ledger_entry AS entry
          JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
          WHERE entry.account_id = ${account}::bigint AND entry.version > ${after.toString()}::bigint
            AND entry.version <= ${last.toString()}::bigint
          ORDER BY entry.version LIMIT ${STREAM_PAGE_SIZE}`)
        return yield* StatementRow.decode(rows)
      })

      const rows: AccountStatements["Service"]["rows"] = (section) =>
        Stream.paginate<bigint, StatementRow.StatementRow, StoreUnavailable>(section.after, (after) =>
          Effect.map(page(section, after), (rows) => [
            rows,
            Option.filter(
              Option.map(Array.last(rows), ({ version }) => version),
              (version) => version < section.last
            )
          ])
        )

      return AccountStatements.of({ sections, rows })
    })
  )
}
