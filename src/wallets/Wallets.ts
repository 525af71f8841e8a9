import { Context, Duration, Effect, Exit, Layer, Option } from "effect"
import type { SqlError } from "effect/sql"
import { NewUserSetup } from "../accounts/NewUserSetup.ts"
import type { UserId } from "../domain/accounts/User.ts"
import type { AccountName, LedgerAccount, LedgerAccountId } from "../domain/ledger/LedgerAccount.ts"
import type { AssetCode } from "../domain/money/Asset.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as Batcher from "../platform/Batcher.ts"
import { Database } from "../platform/postgres/Database.ts"
import { DatabaseTimeout } from "../platform/postgres/DatabaseTimeout.ts"
import { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { type NamedWallet, WalletRepo } from "./WalletRepo.ts"

/** Role of the accounts of wallets. */
export const USER_ROLE = "user"

/** Accounts of the house, one per asset. They have no floor: what the house owes is negative. */
export type HouseRole =
  | "funding"
  | "liquidity"
  | "exchange"
  | "slippage"
  | "revenue.spread"
  | "revenue.rounding"
  | "revenue.fee"

/** About 2 MB each. */
const MAX_CACHED_ACCOUNTS = 20_000
const MAX_CACHED_WALLETS = 10_000

const MAX_READ_BATCH = 64
const READ_LANES = 2
/** Time of a read in the queue, in addition to the database timeout. */
const MAX_QUEUE_TIME = Duration.seconds(1)

/** An account of a wallet, or of the house. */
export const walletAccount = (wallet: WalletId, asset: AssetCode): AccountName => ({
  owner: wallet,
  role: USER_ROLE,
  asset
})
export const houseAccount = (role: HouseRole, asset: AssetCode): AccountName => ({ owner: null, role, asset })

/** The wallets of users, and their accounts in the ledger. */
export class Wallets extends Context.Service<
  Wallets,
  {
    /** Creates the wallet of a new user. Runs inside the transaction that creates the user. */
    readonly create: (user: UserId) => Effect.Effect<void, SqlError.SqlError>
    /** Returns the wallet of a user, and creates it for a user of an earlier version. */
    readonly ofUser: (user: UserId) => Effect.Effect<NamedWallet, StoreUnavailable>
    /** Finds a wallet by the name of its user, in upper or lower case, or by its id. */
    readonly find: WalletRepo["Service"]["find"]
    /** Finds wallets by their ids. */
    readonly byIds: WalletRepo["Service"]["byIds"]
    /** The accounts of a wallet that have entries, ordered by asset. */
    readonly accountsOf: (wallet: WalletId) => Effect.Effect<ReadonlyArray<LedgerAccount>, StoreUnavailable>
    /**
     * Like `accountsOf`, for reads that are not part of a transaction: concurrent ones share a query, which starts after all
     * of them.
     */
    readonly balancesOf: (wallet: WalletId) => Effect.Effect<ReadonlyArray<LedgerAccount>, StoreUnavailable>
    /** Returns the ids of accounts, in their order. Opens those that are new, so it must not run in a transaction. */
    readonly accountIds: (
      names: ReadonlyArray<AccountName>
    ) => Effect.Effect<ReadonlyArray<LedgerAccountId>, StoreUnavailable>
  }
>()("effex/wallets/Wallets") {
  static readonly layerNoDeps = Layer.effect(
    Wallets,
    Effect.gen(function* () {
      const { execute } = yield* Database
      const ledger = yield* Ledger
      const repo = yield* WalletRepo
      /** The id of an account never changes, and accounts are never deleted. */
      const ids = new Map<string, LedgerAccountId>()
      /** A wallet never changes, and neither does the name of its user. */
      const byUser = new Map<UserId, NamedWallet>()
      /** By the name of the user, or by the wallet id, as a request has it. */
      const byName = new Map<string, NamedWallet>()

      const readOfUser = Effect.fn("Wallets.ofUser")(function* (user: UserId) {
        let found = yield* repo.ofUser(user)
        if (Option.isNone(found)) {
          yield* execute(repo.insert(user))
          found = yield* repo.ofUser(user)
        }
        const wallet = Option.getOrThrow(found)
        if (byUser.size >= MAX_CACHED_WALLETS) byUser.clear()
        byUser.set(user, wallet)
        return wallet
      })

      const ofUser = (user: UserId) => {
        const known = byUser.get(user)
        return known === undefined ? readOfUser(user) : Effect.succeed(known)
      }

      const readByName = Effect.fn("Wallets.find")(function* (to: string) {
        const found = yield* repo.find(to)
        if (Option.isSome(found)) {
          if (byName.size >= MAX_CACHED_WALLETS) byName.clear()
          byName.set(to, found.value)
        }
        return found
      })

      const find = (to: string) => {
        const known = byName.get(to)
        return known === undefined ? readByName(to) : Effect.succeedSome(known)
      }

      const accountIds = Effect.fn("Wallets.accountIds")(function* (names: ReadonlyArray<AccountName>) {
        const missing = names.filter((name) => !ids.has(keyOf(name)))
        if (missing.length > 0) {
          const opened = yield* ledger.openAccounts(missing.map(withFloor))
          if (ids.size > MAX_CACHED_ACCOUNTS) ids.clear()
          missing.forEach((name, i) => {
            const id = opened[i]
            if (id !== undefined) ids.set(keyOf(name), id)
          })
        }
        const found: Array<LedgerAccountId> = []
        for (const name of names) {
          const id = ids.get(keyOf(name))
          // Another fiber emptied the cache meanwhile.
          if (id === undefined) return yield* ledger.openAccounts(names.map(withFloor))
          found.push(id)
        }
        return found
      })

      const accountsOf = Effect.fn("Wallets.accountsOf")((wallet: WalletId) =>
        Effect.map(ledger.accountsOf(wallet), ofUsers)
      )

      const readBalances = Effect.fnUntraced(function* (
        batch: ReadonlyArray<Batcher.BatchItem<WalletId, ReadonlyArray<LedgerAccount>, StoreUnavailable>>
      ) {
        const accounts = yield* ledger.accountsOfOwners(batch.map(({ item }) => item))
        const byOwner = Map.groupBy(ofUsers(accounts), ({ owner }) => owner)
        for (const read of batch) read.settle(Exit.succeed(byOwner.get(read.item) ?? []))
      })

      const timeout = Duration.sum(yield* DatabaseTimeout, MAX_QUEUE_TIME)
      const reads = yield* Batcher.make<WalletId, ReadonlyArray<LedgerAccount>, StoreUnavailable>({
        handle: (batch) =>
          Effect.catchCause(readBalances(batch), (cause) =>
            Effect.sync(() => batch.forEach((read) => read.settle(Exit.failCause(cause))))
          ),
        maxBatchSize: MAX_READ_BATCH,
        concurrency: READ_LANES,
        timeout,
        onTimeout: () =>
          Exit.fail(
            new StoreUnavailable({
              cause: `the balances were not read within ${Duration.format(timeout)}`
            })
          )
      })

      return Wallets.of({
        create: repo.insert,
        ofUser,
        find,
        byIds: repo.byIds,
        accountsOf,
        balancesOf: reads.run,
        accountIds
      })
    })
  )

  static readonly layer = Wallets.layerNoDeps.pipe(Layer.provide(WalletRepo.layer))
}

/**
 * Accounts of wallets that have entries, ordered by asset. An account without entries was opened for a movement that was
 * refused, perhaps of another user.
 */
const ofUsers = (accounts: ReadonlyArray<LedgerAccount>) =>
  accounts
    .filter(({ role, version }) => role === USER_ROLE && version > 0n)
    .toSorted((a, b) => (a.asset < b.asset ? -1 : 1))

const keyOf = ({ asset, owner, role }: AccountName) => `${owner} ${role} ${asset}`

const withFloor = (name: AccountName) => ({
  ...name,
  minBalance: name.owner === null ? null : ("0" as const)
})

/** Creates the wallet of a user in the transaction that creates the user. */
export const layerNewUserSetup: Layer.Layer<NewUserSetup, never, WalletRepo> = Layer.effect(
  NewUserSetup,
  Effect.map(WalletRepo, (repo) => NewUserSetup.of({ run: repo.insert }))
)
