import type { PgClient } from "@effect/sql-pg"
import { Effect, Schedule } from "effect"
import { runProgram } from "../support/ChildProgram.ts"
import { Harness } from "./Harness.ts"
import { Report } from "./Report.ts"
import { amountOf, HOME, type WalletModel } from "./WalletModel.ts"

/** Reference of conversions in wallets, which tells them from those of API clients. */
export const REFERENCE = "in a wallet"
/** Longest time until the provider of payments has decided on everything. */
const FUNDING_TIMEOUT = "1 minute"

/** An amount with at most two decimals in cents. */
export const cents = (amount: string) => {
  const [whole = "", fraction = ""] = amount.split(".")
  return BigInt(whole + fraction.padEnd(2, "0"))
}

interface StoredOutcome {
  readonly key: string
  readonly outcome: string
  readonly id: string | null
  readonly kind: string | null
  readonly funding: string | null
  readonly recipient: string | null
  readonly user: string | null
  readonly paid: string | null
  readonly received: string | null
}

/** Compares the stored movements and balances with what clients know. */
export const run = (model: WalletModel) =>
  Effect.gen(function* () {
    const { env, postgres, program } = yield* Harness
    const report = yield* Report
    const sql = yield* postgres.sql
    yield* awaitFunding(sql)
    const stored = yield* readOutcomes(sql)
    yield* checkOutcomes(model, stored)
    yield* checkBalances(sql, model, stored)
    const { ended, output } = yield* runProgram(program, ["ledger", "verify"], { LOG_LEVEL: "error", ...env })
    if ((yield* ended) !== 0) yield* report.violation("the ledger verifies", output())
    report.figure("ledger", output().trim().replace(/\s+/g, " ").slice(0, 200))
  }).pipe(Effect.scoped)

const awaitFunding = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const pending = sql`SELECT id FROM funding_request WHERE state = 'pending'`
  yield* pending.pipe(
    Effect.repeat({ until: (rows) => rows.length === 0, schedule: Schedule.spaced("200 millis") }),
    Effect.timeoutOrElse({
      duration: FUNDING_TIMEOUT,
      orElse: () => report.violation("deposits and withdrawals end", "some are still pending")
    })
  )
})

/** The outcome of each key, with what its user paid and received. */
const readOutcomes = (sql: PgClient.PgClient) => sql<StoredOutcome>`
  SELECT outcome.key, outcome.outcome, outcome.subject AS id, transfer.kind, funding.state AS funding,
    recipient.username AS recipient, sender.username AS user,
    coalesce(funding.amount, (SELECT -entry.amount FROM ledger_entry AS entry JOIN ledger_account AS account ON account.id = account_id
      WHERE entry.transfer_id = transfer.id AND account.role = 'user' AND entry.amount < 0))::text AS paid,
    (SELECT entry.amount FROM ledger_entry AS entry JOIN ledger_account AS account ON account.id = account_id
      WHERE entry.transfer_id = transfer.id AND account.role = 'user' AND entry.amount > 0)::text AS received
  FROM ledger_outcome AS outcome
  LEFT JOIN ledger_transfer AS transfer ON transfer.id = outcome.subject
  LEFT JOIN funding_request AS funding ON funding.id = outcome.subject
  LEFT JOIN wallet AS target ON target.id = (transfer.details ->> 'to')::uuid AND transfer.kind = 'transfer'
  LEFT JOIN app_user AS recipient ON recipient.id = target.user_id
  LEFT JOIN wallet AS source ON source.id = coalesce(funding.wallet_id,
    (SELECT account.owner FROM ledger_entry AS entry JOIN ledger_account AS account ON account.id = account_id
      WHERE entry.transfer_id = transfer.id AND account.role = 'user' AND entry.amount < 0))
  LEFT JOIN app_user AS sender ON sender.id = source.user_id
  WHERE outcome.key LIKE 'wallet %'`

/** No acknowledged movement is lost or differs, and nothing moved that nobody asked for. */
const checkOutcomes = Effect.fnUntraced(function* (model: WalletModel, stored: ReadonlyArray<StoredOutcome>) {
  const report = yield* Report
  const byKey = new Map(stored.map((row) => [row.key, row]))
  if (byKey.size !== stored.length)
    yield* report.violation("a key of a movement has one outcome", "stored twice")
  let [unknown, moved] = [0, 0]
  for (const { movement, outcome } of model.values()) {
    const row = byKey.get(movement.key)
    const detail = `${JSON.stringify({ ...movement, cents: String(movement.cents) })}: ${JSON.stringify(outcome)}, stored ${JSON.stringify(row)}`
    if (outcome === "unknown") {
      unknown++
      if (row?.outcome === "posted") moved++
    } else if (outcome === "refused") {
      if (row?.outcome !== "insufficient_funds")
        yield* report.violation("a refused movement stays refused", detail)
    } else if (row?.id !== outcome.id || row.outcome !== "posted")
      yield* report.violation("no acknowledged movement is lost", detail)
    if (row?.outcome !== "posted") continue
    const isSame =
      row.user === movement.user &&
      cents(row.paid ?? "") === movement.cents &&
      (movement.kind !== "transfer" || row.recipient === movement.to)
    if (!isSame) yield* report.violation("a movement is what was asked for", detail)
  }
  for (const { key } of stored)
    if (!model.has(key)) yield* report.violation("each movement was asked for", key)
  report.figure("movements of wallets", String(model.size))
  report.figure("movements without an outcome for the client", `${unknown}, of which ${moved} were posted`)
})

/** Balances in {@link HOME} are what the movements of the model add up to, and nothing stays held. */
const checkBalances = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  model: WalletModel,
  stored: ReadonlyArray<StoredOutcome>
) {
  const report = yield* Report
  const byKey = new Map(stored.map((row) => [row.key, row]))
  const expected = new Map<string, bigint>()
  const add = (user: string, change: bigint) => expected.set(user, (expected.get(user) ?? 0n) + change)
  for (const { movement } of model.values()) {
    const { cents: amount, kind, to, user } = movement
    const row = byKey.get(movement.key)
    if (row?.outcome !== "posted") continue
    const isFunding = kind === "deposit" || kind === "withdraw"
    if (isFunding && row.funding !== "completed") continue
    add(user, kind === "deposit" ? amount : -amount)
    if (kind === "transfer" && to !== undefined) add(to, amount)
  }
  // What orders paid and received is compared with the exchange by the checks of orders.
  const settled = yield* sql<{ username: string; change: string }>`
    SELECT username, (100 * sum(CASE side WHEN 'buy' THEN -charged ELSE charged END))::bigint::text AS change
    FROM customer_order JOIN wallet ON wallet.id = wallet_id JOIN app_user ON app_user.id = user_id
    WHERE charged IS NOT NULL GROUP BY username`
  for (const { change, username } of settled) add(username, BigInt(change))
  const rows = yield* sql<{ username: string; balance: string; held: string }>`
    SELECT username, to_char(balance, 'FM9999999990.00') AS balance, trim_scale(held)::text AS held FROM ledger_account AS account
    JOIN wallet ON wallet.id = account.owner JOIN app_user ON app_user.id = user_id
    WHERE account.role = 'user' AND asset = ${HOME}`
  for (const { balance, held, username } of rows) {
    const should = amountOf(expected.get(username) ?? 0n)
    if (balance !== should)
      yield* report.violation(
        "a balance is what was moved",
        `${username} has ${balance} instead of ${should}`
      )
    if (held !== "0") yield* report.violation("nothing stays held", `${username}: ${held}`)
    expected.delete(username)
  }
  for (const [username, amount] of expected)
    if (amount !== 0n) yield* report.violation("a balance is what was moved", `${username} has no account`)
  const [sum] = yield* sql<{ count: number }>`
    SELECT count(*)::int AS count FROM (SELECT asset FROM ledger_account GROUP BY asset HAVING sum(balance) <> 0) AS asset`
  if (sum?.count !== 0)
    yield* report.violation("the balances of each asset add up to zero", `${sum?.count} do not`)
})
