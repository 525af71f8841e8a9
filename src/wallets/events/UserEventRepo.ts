import { Context, Duration, Effect, Layer, Option, Schema } from "effect"
import type { LedgerAccountId } from "../../domain/ledger/LedgerAccount.ts"
import type { HoldId } from "../../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../domain/money/Asset.ts"
import { WalletId } from "../../domain/wallets/Wallet.ts"
import { AccountIdFromBigInt, Amount } from "../../ledger/Amount.ts"
import { Database } from "../../platform/postgres/Database.ts"
import * as PgArray from "../../platform/postgres/PgArray.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as StatementRow from "../StatementRow.ts"
import type { NamedWallet } from "../WalletRepo.ts"
import { USER_ROLE } from "../Wallets.ts"

const Account = Schema.Struct({
  id: AccountIdFromBigInt,
  asset: AssetCode,
  version: Schema.BigInt,
  balance: Amount,
  held: Amount,
  available: Amount,
  expiresInMillis: Schema.NullOr(Schema.Finite)
})

/** The accounts of a wallet and the last security event of its user, at one moment. */
export interface WalletState {
  readonly accounts: ReadonlyArray<typeof Account.Type>
  readonly security: bigint
  /** Time until the next hold expires, which frees its money without an entry. */
  readonly nextExpiry: Option.Option<Duration.Duration>
}

/** Versions of an account between which entries are read. */
export interface VersionRange {
  readonly account: LedgerAccountId
  readonly after: bigint
  readonly upTo: bigint
}

/** Reads the events of users from PostgreSQL. */
export class UserEventRepo extends Context.Service<
  UserEventRepo,
  {
    readonly state: (wallet: NamedWallet) => Effect.Effect<WalletState, StoreUnavailable>
    /** At most `limit` entries, oldest first. Those of one account are in the order of their versions. */
    readonly entries: (
      ranges: ReadonlyArray<VersionRange>,
      limit: number
    ) => Effect.Effect<ReadonlyArray<StatementRow.StatementRow>, StoreUnavailable>
    /** Returns a text per wallet, which changes with its balances, holds and security events. */
    readonly fingerprints: (
      wallets: ReadonlyArray<WalletId>
    ) => Effect.Effect<ReadonlyMap<WalletId, string>, StoreUnavailable>
    /** Returns the owners of accounts, and of the accounts of holds. Null for accounts of the house. */
    readonly owners: (
      accounts: ReadonlyArray<LedgerAccountId>,
      holds: ReadonlyArray<HoldId>
    ) => Effect.Effect<ReadonlyMap<LedgerAccountId, string | null>, StoreUnavailable>
  }
>()("effex/wallets/events/UserEventRepo") {
  static readonly layer = Layer.effect(
    UserEventRepo,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database

      const state = Effect.fn("UserEventRepo.state")(function* ({ id, userId }: NamedWallet) {
        // One statement, so that all rows are of one moment. An expired hold is not counted, as in `LedgerAccounts`.
        const rows = yield* execute(sql`
          SELECT coalesce((SELECT max(number) FROM security_event WHERE user_id = ${userId}), 0) AS security,
            account.id, account.asset, account.version, account.balance::text AS balance,
            (account.held - expired.amount)::text AS held,
            (account.balance - account.held + expired.amount)::text AS available, expired.expires_in_millis
          FROM (SELECT 1) AS one
          LEFT JOIN ledger_account AS account ON account.owner = ${id} AND account.role = ${USER_ROLE}
            AND account.version > 0
          LEFT JOIN LATERAL (
            SELECT coalesce(sum(amount) FILTER (WHERE expires_at <= statement_timestamp()), 0) AS amount,
              (extract(epoch FROM min(expires_at) FILTER (WHERE expires_at > statement_timestamp()) - statement_timestamp())
                * 1000)::float8 AS expires_in_millis
            FROM ledger_open_hold AS open WHERE account.held > 0 AND open.account_id = account.id
          ) AS expired ON true
          ORDER BY account.asset`)
        const [first] = yield* Effect.orDie(decodeSecurity(rows))
        const accounts = yield* Effect.orDie(decodeAccounts(rows.filter(({ id }) => id !== null)))
        const expiries = accounts.flatMap(({ expiresInMillis }) => expiresInMillis ?? [])
        return {
          accounts,
          security: first.security,
          nextExpiry:
            expiries.length === 0
              ? Option.none()
              : Option.some(Duration.millis(Math.max(1, Math.ceil(Math.min(...expiries)))))
        } satisfies WalletState
      })

      const entries = Effect.fn("UserEventRepo.entries")(function* (
        ranges: ReadonlyArray<VersionRange>,
        limit: number
      ) {
        const rows = yield* execute(sql`
          SELECT next.* FROM unnest(
            ${PgArray.of(ranges.map(({ account }) => account))}::bigint[],
            ${PgArray.of(ranges.map(({ after }) => after.toString()))}::bigint[],
            ${PgArray.of(ranges.map(({ upTo }) => upTo.toString()))}::bigint[]) AS seen (account, after, up_to), LATERAL (
            SELECT ${sql.literal(StatementRow.COLUMNS)} FROM ledger_entry AS entry
            JOIN ledger_transfer AS transfer ON transfer.id = entry.transfer_id
            WHERE entry.account_id = seen.account AND entry.version > seen.after AND entry.version <= seen.up_to
            ORDER BY entry.version LIMIT ${limit}
          ) AS next
          ORDER BY next.posted_at, next.account, next.version LIMIT ${limit}`)
        return yield* StatementRow.decode(rows)
      })

      const fingerprints = Effect.fn("UserEventRepo.fingerprints")(function* (
        wallets: ReadonlyArray<WalletId>
      ) {
        const rows = yield* execute(sql`
          SELECT wallet.id AS wallet, concat_ws(' ',
            (SELECT max(number) FROM security_event WHERE user_id = wallet.user_id),
            (SELECT string_agg(concat_ws('-', account.id, account.version, account.held), ' ' ORDER BY account.id)
              FROM ledger_account AS account WHERE account.owner = wallet.id AND account.version > 0)) AS fingerprint
          FROM wallet WHERE wallet.id = ANY (${PgArray.of(wallets)}::uuid[])`)
        const found = yield* Effect.orDie(decodeFingerprints(rows))
        return new Map(found.map(({ fingerprint, wallet }) => [wallet, fingerprint]))
      })

      const owners = Effect.fn("UserEventRepo.owners")(function* (
        accounts: ReadonlyArray<LedgerAccountId>,
        holds: ReadonlyArray<HoldId>
      ) {
        if (accounts.length === 0 && holds.length === 0) return new Map<LedgerAccountId, string | null>()
        const rows = yield* execute(sql`
          SELECT id AS account, owner FROM ledger_account
          WHERE id = ANY (${PgArray.of(accounts)}::bigint[]) OR id IN (
            SELECT account_id FROM ledger_hold WHERE ledger_hold.id = ANY (${PgArray.of(holds)}::uuid[]))`)
        const found = yield* Effect.orDie(decodeOwners(rows))
        return new Map(found.map(({ account, owner }) => [account, owner]))
      })

      return UserEventRepo.of({ state, entries, fingerprints, owners })
    })
  )
}

const decodeSecurity = Schema.decodeUnknownEffect(
  Schema.NonEmptyArray(Schema.Struct({ security: Schema.BigInt }))
)
const decodeAccounts = Schema.decodeUnknownEffect(Schema.Array(Account))
const decodeFingerprints = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ wallet: WalletId, fingerprint: Schema.String }))
)
const decodeOwners = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ account: AccountIdFromBigInt, owner: Schema.NullOr(Schema.String) }))
)
