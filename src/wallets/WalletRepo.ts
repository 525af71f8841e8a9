import { Array, Context, DateTime, Effect, Layer, Option, Result, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError, Statement } from "effect/sql"
import { parseUsername, UserId, Username } from "../domain/accounts/User.ts"
import { type Wallet, WalletId } from "../domain/wallets/Wallet.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

/** A wallet with the name of its user. */
export interface NamedWallet extends Wallet {
  readonly username: Username
}

const Row = Schema.Struct({ id: WalletId, userId: UserId, username: Username })
const decode = Schema.decodeUnknownEffect(Schema.Array(Row))
const isWalletId = Schema.is(WalletId)

/** Wallets in PostgreSQL: inserted with their user, never changed. */
export class WalletRepo extends Context.Service<
  WalletRepo,
  {
    /** Inserts the wallet of a user unless there is one. */
    readonly insert: (user: UserId) => Effect.Effect<void, SqlError.SqlError>
    readonly ofUser: (user: UserId) => Effect.Effect<Option.Option<NamedWallet>, StoreUnavailable>
    /** Finds a wallet by the name of its user, in upper or lower case, or by its id. */
    readonly find: (to: string) => Effect.Effect<Option.Option<NamedWallet>, StoreUnavailable>
    /** Finds wallets by their ids. */
    readonly byIds: (
      ids: ReadonlyArray<WalletId>
    ) => Effect.Effect<ReadonlyArray<NamedWallet>, StoreUnavailable>
  }
>()("effex/wallets/WalletRepo") {
  static readonly layer = Layer.effect(
    WalletRepo,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const random = yield* SecureRandom.SecureRandom

      const select = Effect.fnUntraced(function* (condition: Statement.Fragment) {
        const rows = yield* execute(sql`
          SELECT wallet.id, user_id, username FROM wallet JOIN app_user ON app_user.id = user_id WHERE ${condition}`)
        return yield* Effect.orDie(decode(rows))
      })
      const selectOne = (condition: Statement.Fragment) => Effect.map(select(condition), Array.head)

      const insert = Effect.fn("WalletRepo.insert")(function* (user: UserId) {
        const at = DateTime.toDateUtc(yield* DateTime.now)
        yield* sql`
          INSERT INTO wallet (id, user_id, created_at) VALUES (${yield* random.uuidV7()}, ${user}, ${at})
          ON CONFLICT (user_id) DO NOTHING`
      })

      const find = Effect.fn("WalletRepo.find")(function* (to: string) {
        const username = parseUsername(to)
        // A wallet id is longer than any username.
        if (Result.isSuccess(username)) return yield* selectOne(sql`username = ${username.success}`)
        return isWalletId(to) ? yield* selectOne(sql`wallet.id = ${to}`) : Option.none<NamedWallet>()
      })

      return WalletRepo.of({
        insert,
        find,
        ofUser: Effect.fn("WalletRepo.ofUser")((user) => selectOne(sql`user_id = ${user}`)),
        byIds: Effect.fn("WalletRepo.byIds")((ids) =>
          ids.length === 0 ? Effect.succeed([]) : select(sql.in("wallet.id", ids))
        )
      })
    })
  )
}
