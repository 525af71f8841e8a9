import { Console, DateTime, Duration, Effect, Option, Redacted } from "effect"
import { Command } from "effect/cli"
import { UserAdministration } from "../../accounts/UserAdministration.ts"
import { Users } from "../../accounts/Users.ts"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Username } from "../../domain/accounts/User.ts"
import { formatAmount, type WalletId } from "../../domain/wallets/Wallet.ts"
import { OUTCOME_RETENTION } from "../../ledger/LedgerMaintenance.ts"
import { Orders } from "../../orders/Orders.ts"
import { Wallets } from "../../wallets/Wallets.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import { commandError } from "../CommandError.ts"
import { commandLineUser } from "../CommandLinePrincipal.ts"
import * as Table from "../view/Table.ts"
import * as SampleActions from "./SampleActions.ts"
import * as SampleHistory from "./SampleHistory.ts"
import * as SampleUsers from "./SampleUsers.ts"
import * as SandboxOnly from "./SandboxOnly.ts"

/** Longest wait for the settlement of the orders. Those of stocks wait for their market. */
const SETTLEMENT_TIMEOUT = "20 seconds"
const SETTLEMENT_POLL = "100 millis"
const UNSETTLED = ["pending", "aggregated", "submitted"] as const

/** Fails if a sample user has another role: it is the account of another person. */
const checkUsers = Effect.gen(function* () {
  const { byUsername } = yield* Users
  for (const { role, username } of SampleUsers.users) {
    const user = yield* byUsername(Username.make(username))
    if (Option.exists(user, (existing) => existing.role !== role))
      return yield* commandError(
        `The user ${username} exists and is not the sample user, who has the role ${role}; use a database of its own`
      )
  }
})

/** Creates the sample users that do not exist. Returns the number of new ones. */
const createUsers = Effect.gen(function* () {
  const administration = yield* UserAdministration
  const principal = yield* commandLineUser
  let created = 0
  for (const { role, username } of SampleUsers.users) {
    const account = { username, password: Redacted.make(SampleUsers.PASSWORD), email: Option.none() }
    yield* administration.create(account, role, principal).pipe(
      Effect.tap(() => Effect.sync(() => created++)),
      Effect.catchTag("UsernameTaken", () => Effect.void)
    )
  }
  return created
})

const userOf = Effect.fnUntraced(function* (username: string) {
  const user = yield* (yield* Users).byUsername(Username.make(username))
  return Option.getOrThrow(user)
})

/** The time of the sample data: when the last sample user was created. */
const seededAt = Effect.gen(function* () {
  const users = yield* Effect.forEach(SampleUsers.users, ({ username }) => userOf(username))
  return users.map(({ createdAt }) => createdAt).reduce((a, b) => DateTime.max(a, b))
})

const walletOf = Effect.fnUntraced(function* (username: string) {
  return yield* (yield* Wallets).ofUser((yield* userOf(username)).id)
})

/** Waits until the orders of cryptocurrencies are settled, by this process or by a running server. */
const awaitOrders = Effect.fnUntraced(function* (wallets: ReadonlyArray<WalletId>) {
  const { find } = yield* AssetCatalog
  const orders = yield* Orders
  const isSettled = Effect.gen(function* () {
    for (const wallet of wallets)
      for (const state of UNSETTLED)
        for (const { asset } of yield* orders.page(wallet, { state }, undefined, 100))
          if (Option.exists(find(asset), ({ kind }) => kind === "crypto")) return false
    return true
  })
  while (!(yield* isSettled)) yield* Effect.sleep(SETTLEMENT_POLL)
}, Effect.timeoutOption(SETTLEMENT_TIMEOUT))

/**
 * Performs what the sample users do. Each action happens once, by its idempotency key. Once the first keys are deleted, none is
 * repeated.
 */
const performActions = Effect.fnUntraced(function* (time: DateTime.Utc) {
  const age = DateTime.distance(time, yield* DateTime.now)
  if (Duration.isGreaterThanOrEqualTo(age, OUTCOME_RETENTION)) return
  const perform = yield* SampleActions.make
  const wallets = new Set<WalletId>()
  for (const [index, [username, action]] of SampleUsers.actions.entries()) {
    const wallet = yield* walletOf(username)
    wallets.add(wallet.id)
    yield* perform(wallet, action, `seed-${index + 1}`)
  }
  yield* awaitOrders(Array.from(wallets))
})

const summarize = Effect.gen(function* () {
  const { find } = yield* AssetCatalog
  const wallets = yield* Wallets
  return yield* Effect.forEach(SampleUsers.users, ({ role, username }) =>
    Effect.gen(function* () {
      const accounts = yield* wallets.accountsOf((yield* walletOf(username)).id)
      const balances = accounts.map(({ asset, balance }) => {
        const { decimals } = Option.getOrThrow(find(asset))
        return [asset, formatAmount(balance, { decimals })] as const
      })
      return { username, role, balances }
    })
  )
})

/** `effex seed`: fills a sandbox with users, balances, orders and past rates. */
export const command = Command.make(
  "seed",
  { json: jsonFlag },
  Effect.fn(function* ({ json }) {
    yield* SandboxOnly.check
    yield* checkUsers
    const created = yield* createUsers
    const time = yield* seededAt
    yield* performActions(time)
    const stored = yield* SampleHistory.storeUntil(time)
    const users = yield* summarize
    if (json) {
      const rows = users.map(({ balances, ...user }) => ({ ...user, balances: Object.fromEntries(balances) }))
      return yield* Console.log(JSON.stringify({ created, rates: stored, users: rows }))
    }
    yield* Console.log(
      created === 0 && stored === 0
        ? "The sample data is there already; nothing was changed"
        : `Created ${created} users with the password ${SampleUsers.PASSWORD}, and ${stored} past rates`
    )
    yield* Console.log(
      Table.renderRows(
        users.map(({ balances, ...user }) => ({
          ...user,
          balances: balances.map(([asset, balance]) => `${balance} ${asset}`).join(", ")
        }))
      )
    )
  })
).pipe(
  Command.withDescription(
    "Fill a sandbox with an administrator, two users, balances, orders and past rates, once. Never in production"
  ),
  Command.withExamples([
    { command: "effex seed", description: "Create admin, amara and kofi, with the password new_password" }
  ])
)
