import { Array, Context, Effect, Layer, type Option, Schema } from "effect"
import type { SqlError } from "effect/sql"
import type {
  AccountName,
  LedgerAccount,
  LedgerAccountId,
  NewLedgerAccount
} from "../domain/ledger/LedgerAccount.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import { Database } from "../platform/postgres/Database.ts"
import * as PgArray from "../platform/postgres/PgArray.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { AccountIdFromBigInt, Amount } from "./Amount.ts"

/** Opens and finds ledger accounts. `Ledger` has these methods too. */
export class LedgerAccounts extends Context.Service<
  LedgerAccounts,
  {
    /**
     * Opens accounts, or finds them where they exist, and returns their ids in the given order. Usable inside an open
     * transaction.
     */
    readonly openAccounts: (
      accounts: ReadonlyArray<NewLedgerAccount>
    ) => Effect.Effect<ReadonlyArray<LedgerAccountId>, StoreUnavailable>
    readonly accountOf: (name: AccountName) => Effect.Effect<Option.Option<LedgerAccount>, StoreUnavailable>
    /** All accounts of an owner, by asset and role. */
    readonly accountsOf: (owner: string) => Effect.Effect<ReadonlyArray<LedgerAccount>, StoreUnavailable>
    /** All accounts of several owners, by owner, asset and role. */
    readonly accountsOfOwners: (
      owners: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<LedgerAccount>, StoreUnavailable>
    readonly accountById: (
      id: LedgerAccountId
    ) => Effect.Effect<Option.Option<LedgerAccount>, StoreUnavailable>
    /** At most `limit` accounts after an id, by id. */
    readonly accounts: (
      after: LedgerAccountId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<LedgerAccount>, StoreUnavailable>
    /** Returns the frozen accounts of several owners, in the open transaction of the caller if there is one. */
    readonly frozenOf: (
      owners: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<FrozenAccount>, SqlError.SqlError>
    /** Freezes or releases an account. Returns false if it does not exist. */
    readonly setFrozen: (id: LedgerAccountId, isFrozen: boolean) => Effect.Effect<boolean, StoreUnavailable>
  }
>()("effex/ledger/LedgerAccounts") {
  static readonly layer = Layer.effect(
    LedgerAccounts,
    Effect.gen(function* () {
      const { execute, read, sql } = yield* Database

      const idOfName = sql.literal(ID_OF_NAME)

      const openAccounts = Effect.fn("LedgerAccounts.openAccounts")(function* (
        accounts: ReadonlyArray<NewLedgerAccount>
      ) {
        if (accounts.length === 0) return []
        const columns = sql`
          unnest(${PgArray.of(accounts.map(({ owner }) => owner))}::uuid[], ${PgArray.ofTexts(accounts.map(({ role }) => role))}::text[],
            ${PgArray.of(accounts.map(({ asset }) => asset))}::text[], ${PgArray.of(accounts.map(({ minBalance }) => minBalance))}::numeric[])
          WITH ORDINALITY AS name (owner, role, asset, min_balance, n)`
        // In one order, so that two callers who open the same accounts do not deadlock.
        yield* execute(sql`
          INSERT INTO ledger_account (owner, role, asset, min_balance)
          SELECT name.owner, name.role, name.asset, name.min_balance FROM ${columns}
          WHERE ${idOfName} IS NULL
          ORDER BY name.owner, name.role, name.asset ON CONFLICT DO NOTHING`)
        const rows = yield* execute(sql`
          SELECT ${idOfName} AS id FROM ${columns} ORDER BY name.n`)
        return (yield* Effect.orDie(decodeIds(rows))).map(({ id }) => id)
      })

      const columns = sql.literal(COLUMNS)
      const account = sql.literal(ACCOUNT_WITH_HELD)
      const decoded = (rows: unknown) =>
        Effect.map(Effect.orDie(decodeAccounts(rows)), (accounts): ReadonlyArray<LedgerAccount> => accounts)

      const accountOf = Effect.fn("LedgerAccounts.accountOf")(function* ({
        asset,
        owner,
        role
      }: AccountName) {
        const ofOwner = owner === null ? sql`owner IS NULL` : sql`owner = ${owner}`
        const rows = yield* execute(sql`
          SELECT ${columns} FROM ${account} WHERE ${ofOwner} AND role = ${role} AND asset = ${asset}`)
        return Array.head(yield* decoded(rows))
      })

      const accountsOf = Effect.fn("LedgerAccounts.accountsOf")(function* (owner: string) {
        const rows = yield* execute(sql`
          SELECT ${columns} FROM ${account} WHERE owner = ${owner} ORDER BY asset, role`)
        return yield* decoded(rows)
      })

      const accountsOfOwners = Effect.fnUntraced(function* (owners: ReadonlyArray<string>) {
        const rows = yield* execute(sql`
          SELECT ${columns} FROM ${account} WHERE owner = ANY (${PgArray.of(owners)}::uuid[]) ORDER BY owner, asset, role`)
        return yield* decoded(rows)
      })

      const accountById = Effect.fn("LedgerAccounts.accountById")(function* (id: LedgerAccountId) {
        const rows = yield* execute(sql`SELECT ${columns} FROM ${account} WHERE id = ${id}::bigint`)
        return Array.head(yield* decoded(rows))
      })

      const accounts = Effect.fn("LedgerAccounts.accounts")(function* (
        after: LedgerAccountId | undefined,
        limit: number
      ) {
        const rows = yield* read(sql`
          SELECT ${columns} FROM ${account} WHERE id > ${after ?? "0"}::bigint ORDER BY id LIMIT ${limit}`)
        return yield* decoded(rows)
      })

      const frozenOf = Effect.fn("LedgerAccounts.frozenOf")(function* (owners: ReadonlyArray<string>) {
        const rows = yield* sql`
          SELECT id, owner, asset FROM ledger_account
          WHERE owner = ANY (${PgArray.of(owners)}::uuid[]) AND frozen_at IS NOT NULL`
        return yield* Effect.orDie(decodeFrozen(rows))
      })

      const setFrozen = Effect.fn("LedgerAccounts.setFrozen")(function* (
        id: LedgerAccountId,
        isFrozen: boolean
      ) {
        const rows = yield* execute(sql`
          UPDATE ledger_account SET frozen_at = CASE WHEN ${isFrozen} THEN coalesce(frozen_at, clock_timestamp()) END
          WHERE id = ${id}::bigint RETURNING 1`)
        return rows.length > 0
      })

      return LedgerAccounts.of({
        openAccounts,
        accountOf,
        accountsOf,
        accountsOfOwners,
        accountById,
        accounts,
        frozenOf,
        setFrozen
      })
    })
  )
}

/** Two lookups, because `IS NOT DISTINCT FROM` uses no index. */
const ID_OF_NAME = `CASE WHEN name.owner IS NULL
  THEN (SELECT id FROM ledger_account AS house
    WHERE house.owner IS NULL AND house.role = name.role AND house.asset = name.asset)
  ELSE (SELECT id FROM ledger_account AS account
    WHERE account.owner = name.owner AND account.role = name.role AND account.asset = name.asset) END`

const COLUMNS =
  "id, owner, role, asset, balance, now_held.amount AS held, balance - now_held.amount AS available, version, frozen_at"

/** An expired hold is not counted, even before the sweeper ends it. */
const ACCOUNT_WITH_HELD = `ledger_account CROSS JOIN LATERAL (
  SELECT ledger_account.held - coalesce(sum(open.amount), 0) AS amount FROM ledger_open_hold AS open
  WHERE ledger_account.held > 0 AND open.account_id = ledger_account.id AND open.expires_at <= clock_timestamp()
) AS now_held`

const FrozenAccount = Schema.Struct({ id: AccountIdFromBigInt, owner: Schema.String, asset: AssetCode })

/** An account that accepts no new holds, and no entries except the share of an order that has joined a batch. */
export type FrozenAccount = typeof FrozenAccount.Type

const decodeFrozen = Schema.decodeUnknownEffect(Schema.Array(FrozenAccount))
const decodeIds = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ id: AccountIdFromBigInt })))
const decodeAccounts = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      id: AccountIdFromBigInt,
      owner: Schema.NullOr(Schema.String),
      role: Schema.String,
      asset: AssetCode,
      balance: Amount,
      held: Amount,
      available: Amount,
      version: Schema.BigInt,
      frozenAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate)
    })
  )
)
