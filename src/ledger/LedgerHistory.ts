import { Array, BigDecimal, Context, DateTime, Effect, Layer, Option, Order, Schema } from "effect"
import type { LedgerAccountId } from "../domain/ledger/LedgerAccount.ts"
import { HoldId, type PostingKey, TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import type {
  BalanceAt,
  LedgerEntry,
  LedgerTransfer,
  TrialBalanceRow
} from "../domain/ledger/LedgerTransfer.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { AccountIdFromBigInt, Amount } from "./Amount.ts"
import * as PostBatch from "./PostBatch.ts"
import { PostingGate } from "./PostingGate.ts"

/** Accounts whose balances at a time one statement searches. */
export const ACCOUNTS_PER_PAGE = 500

/** Reads what was posted. `Ledger` has these methods too. */
export class LedgerHistory extends Context.Service<
  LedgerHistory,
  {
    /** Balances of the accounts of an owner at a time. Holds are not considered. */
    readonly balancesAt: (
      owner: string,
      time: DateTime.Utc
    ) => Effect.Effect<ReadonlyArray<BalanceAt>, StoreUnavailable>
    /**
     * Sums of balances by asset and role, now or at a time. The sum of each asset is zero, except for a time of the last moments,
     * at which transfers are still being committed. A time takes some milliseconds for every hundred accounts.
     */
    readonly trialBalance: (
      time: DateTime.Utc | undefined
    ) => Effect.Effect<ReadonlyArray<TrialBalanceRow>, StoreUnavailable>
    readonly transfer: (id: TransferId) => Effect.Effect<Option.Option<LedgerTransfer>, StoreUnavailable>
    /**
     * Returns the stored outcome of an earlier posting with the key, also if it was refused, or the mismatch of another
     * request. None for a new key.
     */
    readonly postedBefore: (key: PostingKey) => Effect.Effect<Option.Option<PostOutcome>, StoreUnavailable>
    /** At most `limit` entries of an account before a version, newest first. */
    readonly entriesOf: (
      account: LedgerAccountId,
      before: bigint | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<LedgerEntry>, StoreUnavailable>
  }
>()("effex/ledger/LedgerHistory") {
  static readonly layer = Layer.effect(
    LedgerHistory,
    Effect.gen(function* () {
      const { execute, read, sql } = yield* Database
      const gate = yield* PostingGate

      const balanceAt = (time: DateTime.Utc) => sql`
        coalesce((SELECT entry.balance FROM ledger_entry AS entry WHERE entry.account_id = account.id
          AND entry.version = ledger_version_at(account.id, account.version, ${DateTime.toDateUtc(time)})), 0)`

      const balancesAt = Effect.fn("LedgerHistory.balancesAt")(function* (owner: string, time: DateTime.Utc) {
        const rows = yield* read(sql`
          SELECT account.id AS account, owner, role, asset, ${balanceAt(time)} AS balance
          FROM ledger_account AS account WHERE owner = ${owner} ORDER BY asset, role`)
        return yield* Effect.orDie(decodeBalances(rows))
      })

      const trialBalanceNow = Effect.flatMap(
        read(sql`
          SELECT asset, role, count(*) AS accounts, sum(balance) AS balance
          FROM ledger_account GROUP BY asset, role ORDER BY asset, role`),
        (rows) => Effect.orDie(decodeTrialBalance(rows))
      )

      /** Sums the accounts page by page: each balance is searched in the entries of its account. */
      const trialBalanceAt = Effect.fnUntraced(function* (time: DateTime.Utc) {
        const sums = new Map<string, TrialBalanceRow>()
        let after = 0n
        for (;;) {
          const rows = yield* read(sql`
            WITH page AS (
              SELECT * FROM ledger_account WHERE id > ${after.toString()}::bigint ORDER BY id LIMIT ${ACCOUNTS_PER_PAGE}
            )
            SELECT asset, role, count(*) AS accounts, sum(${balanceAt(time)}) AS balance, max(id) AS last
            FROM page AS account GROUP BY asset, role`)
          const page = yield* Effect.orDie(decodeTrialBalancePage(rows))
          if (page.length === 0) break
          for (const { last, ...row } of page) {
            const key = `${row.asset} ${row.role}`
            sums.set(key, added(sums.get(key), row))
            if (last > after) after = last
          }
        }
        return Array.sort(sums.values(), byAssetAndRole)
      })

      const trialBalance = Effect.fn("LedgerHistory.trialBalance")((time: DateTime.Utc | undefined) =>
        time === undefined ? trialBalanceNow : trialBalanceAt(time)
      )

      const entryColumns = sql.literal(
        "entry.transfer_id, entry.account_id AS account, entry.version, entry.asset, entry.amount, entry.balance, transfer.kind, transfer.posted_at"
      )

      const entriesOf = Effect.fn("LedgerHistory.entriesOf")(function* (
        account: LedgerAccountId,
        before: bigint | undefined,
        limit: number
      ) {
        const earlier = before === undefined ? sql`true` : sql`entry.version < ${before.toString()}::bigint`
        const rows = yield* read(sql`
          SELECT ${entryColumns} FROM ledger_entry AS entry JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
          WHERE entry.account_id = ${account}::bigint AND ${earlier} ORDER BY entry.version DESC LIMIT ${limit}`)
        return yield* Effect.orDie(decodeEntries(rows))
      })

      const transfer = Effect.fn("LedgerHistory.transfer")(function* (id: TransferId) {
        const [found] = yield* Effect.flatMap(
          read(sql`SELECT kind, details::text, posted_at FROM ledger_transfer WHERE id = ${id}`),
          (rows) => Effect.orDie(decodeTransfers(rows))
        )
        if (found === undefined) return Option.none<LedgerTransfer>()
        const entries = yield* read(sql`
          SELECT ${entryColumns} FROM ledger_entry AS entry JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
          WHERE entry.transfer_id = ${id} ORDER BY entry.account_id, entry.version`)
        const opened = yield* read(sql`
          SELECT id AS hold_id, account_id AS account, amount FROM ledger_hold WHERE transfer_id = ${id} ORDER BY id`)
        const ended = yield* read(sql`
          SELECT hold.id AS hold_id, account_id AS account, amount, outcome, posted
          FROM ledger_hold_end AS ended JOIN ledger_hold AS hold ON hold.id = ended.hold_id
          WHERE ended.transfer_id = ${id} ORDER BY hold.id`)
        return Option.some<LedgerTransfer>({
          id,
          ...found,
          entries: yield* Effect.orDie(decodeEntries(entries)),
          opened: yield* Effect.orDie(decodeOpened(opened)),
          ended: yield* Effect.orDie(decodeEnded(ended))
        })
      })

      const postedBefore = Effect.fn("LedgerHistory.postedBefore")(function* ({
        key,
        principal,
        requestHash
      }: PostingKey) {
        const rows = yield* execute(sql`
          SELECT CASE request_hash WHEN ${requestHash} THEN outcome ELSE 'key_mismatch' END AS outcome, true AS replayed,
            subject, account_id, available
          FROM ledger_outcome WHERE principal = ${principal} AND key = ${key}`)
        return Array.head(yield* execute(PostBatch.outcomes(rows, gate)))
      })

      return LedgerHistory.of({ balancesAt, trialBalance, transfer, postedBefore, entriesOf })
    })
  )
}

const account = AccountIdFromBigInt

const decodeBalances = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      account,
      owner: Schema.NullOr(Schema.String),
      role: Schema.String,
      asset: AssetCode,
      balance: Amount
    })
  )
)
const trialBalanceFields = {
  asset: AssetCode,
  role: Schema.String,
  accounts: Schema.BigInt,
  balance: Amount
}
const decodeTrialBalance = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct(trialBalanceFields)))
const decodeTrialBalancePage = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ ...trialBalanceFields, last: Schema.BigInt }))
)

const added = (sum: TrialBalanceRow | undefined, row: TrialBalanceRow): TrialBalanceRow =>
  sum === undefined
    ? row
    : { ...row, accounts: sum.accounts + row.accounts, balance: BigDecimal.sum(sum.balance, row.balance) }

const byAssetAndRole = Order.combine(
  Order.mapInput(Order.String, ({ asset }: TrialBalanceRow) => asset),
  Order.mapInput(Order.String, ({ role }: TrialBalanceRow) => role)
)
const decodeEntries = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      transferId: TransferId,
      account,
      version: Schema.BigInt,
      asset: AssetCode,
      amount: Amount,
      balance: Amount,
      kind: Schema.String,
      postedAt: Schema.DateTimeUtcFromDate
    })
  )
)
const decodeTransfers = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      kind: Schema.String,
      // As text, because the client renames the members of JSON values as well.
      details: Schema.fromJsonString(Schema.Json),
      postedAt: Schema.DateTimeUtcFromDate
    })
  )
)
const opening = { holdId: HoldId, account, amount: Amount }
const decodeOpened = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct(opening)))
const decodeEnded = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ ...opening, outcome: Schema.Literals(["posted", "voided"]), posted: Amount }))
)
