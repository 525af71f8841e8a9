import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Layer } from "effect"
import { inspect } from "node:util"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as Postings from "../support/Postings.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const rejection = Effect.fnUntraced(function* (...statements: ReadonlyArray<string>) {
  const { sql } = yield* Database
  const exit = yield* Effect.exit(
    sql.withTransaction(Effect.forEach(statements, (statement) => sql.unsafe(statement)))
  )
  return Exit.isFailure(exit) ? inspect(exit.cause, { depth: 10 }) : undefined
})

const assertRejected = Effect.fnUntraced(function* (pattern: RegExp, ...statements: ReadonlyArray<string>) {
  assert.match((yield* rejection(...statements)) ?? "accepted", pattern, statements.join("; "))
})

const T = "01980000-0000-7000-8000-000000000001"
const transfer = `INSERT INTO ledger_transfer (id, kind, details, posted_at) VALUES ('${T}', 'test', '{}', now())`
const entry = (account: string, version: number, amount: string, balance: string, asset = "USD", id = T) =>
  `('${account}', ${version}, '${id}', '${asset}', ${amount}, ${balance})`
const entries = (...rows: ReadonlyArray<string>) =>
  `INSERT INTO ledger_entry (account_id, version, transfer_id, asset, amount, balance) VALUES ${rows.join(", ")}`

layer(Ledger.layer.pipe(Layer.provideMerge(TestDatabase.layer())), { excludeTestServices: true })(
  "Ledger tables, for their owner",
  (it) => {
    it.effect("refuse every change of what was posted", () =>
      Effect.gen(function* () {
        const { accounts } = yield* Postings.openFunded("USD", ["10"])
        const held = Postings.hold(accounts[0], "1")
        const { post } = yield* Ledger
        yield* post([held.posting])
        yield* post([
          {
            ...Postings.empty(),
            ends: [{ holdId: held.id, outcome: "voided", posted: Postings.amount("0") }]
          }
        ])
        for (const table of ["ledger_transfer", "ledger_entry", "ledger_hold", "ledger_hold_end"]) {
          const column = table === "ledger_transfer" ? "id" : "transfer_id"
          yield* assertRejected(/UPDATE/, `UPDATE ${table} SET ${column} = ${column}`)
          yield* assertRejected(/DELETE/, `DELETE FROM ${table}`)
          yield* assertRejected(/TRUNCATE/, `TRUNCATE ${table} CASCADE`)
        }
        yield* assertRejected(/DELETE/, "DELETE FROM ledger_account")
        yield* assertRejected(/TRUNCATE/, "TRUNCATE ledger_account CASCADE")
        yield* assertRejected(/UPDATE/, "UPDATE ledger_account SET owner = NULL")
        yield* assertRejected(/UPDATE/, "UPDATE ledger_account SET min_balance = -1")
        yield* assertRejected(/UPDATE/, "UPDATE ledger_outcome SET outcome = 'posted'")
      })
    )

    it.effect("refuse them as a replica too, where ordinary triggers do not fire", () =>
      Effect.gen(function* () {
        yield* Postings.openFunded("USD", ["10"])
        yield* assertRejected(
          /UPDATE/,
          "SET LOCAL session_replication_role = replica",
          "UPDATE ledger_entry SET amount = 1"
        )
        yield* assertRejected(
          /balance of account/,
          "SET LOCAL session_replication_role = replica",
          "UPDATE ledger_account SET balance = balance + 1 WHERE owner IS NOT NULL"
        )
      })
    )

    it.effect("refuse a balance without an entry, and an account that is opened with one", () =>
      Effect.gen(function* () {
        const { accounts } = yield* Postings.openFunded("USD", ["10"])
        yield* assertRejected(
          /not that of its last entry/,
          `UPDATE ledger_account SET balance = 11 WHERE id = ${accounts[0]}`
        )
        yield* assertRejected(
          /not that of its last entry/,
          `UPDATE ledger_account SET version = 7 WHERE id = ${accounts[0]}`
        )
        yield* assertRejected(
          /not that of its last entry/,
          "INSERT INTO ledger_account (role, asset, balance) VALUES ('gift', 'USD', 5)"
        )
      })
    )

    it.effect("refuse a held amount that is not the sum of the open holds", () =>
      Effect.gen(function* () {
        const { accounts } = yield* Postings.openFunded("USD", ["10"])
        yield* assertRejected(
          /sum of its open holds/,
          `UPDATE ledger_account SET held = 1 WHERE id = ${accounts[0]}`
        )
      })
    )

    it.effect("refuse a transfer that is out of balance by one unit, or balances only across assets", () =>
      Effect.gen(function* () {
        const usd = yield* Postings.openFunded("USD", ["0", "0"])
        const eur = yield* Postings.openFunded("EUR", ["0"])
        const [a, b] = usd.accounts
        yield* assertRejected(
          /out of balance/,
          transfer,
          entries(entry(a, 1, "-1", "-1"), entry(b, 1, "1.01", "1.01"))
        )
        yield* assertRejected(
          /out of balance/,
          transfer,
          entries(entry(a, 1, "-1", "-1"), entry(eur.accounts[0], 1, "1", "1", "EUR"))
        )
      })
    )

    it.effect("refuse entries that do not continue, are of another asset, or have no transfer", () =>
      Effect.gen(function* () {
        const { accounts } = yield* Postings.openFunded("USD", ["0", "0"])
        const [a, b] = accounts
        yield* assertRejected(
          /does not continue/,
          transfer,
          entries(entry(a, 1, "-1", "-2"), entry(b, 1, "1", "1"))
        )
        yield* assertRejected(
          /does not continue/,
          transfer,
          entries(entry(a, 2, "-1", "-1"), entry(b, 1, "1", "1"))
        )
        yield* assertRejected(
          /does not fit its asset/,
          transfer,
          entries(entry(a, 1, "-1", "-1", "EUR"), entry(b, 1, "1", "1", "EUR"))
        )
        yield* assertRejected(
          /does not fit its asset/,
          transfer,
          entries(entry(a, 1, "-0.001", "-0.001"), entry(b, 1, "0.001", "0.001"))
        )
        yield* assertRejected(/which is not stored/, entries(entry(a, 1, "-1", "-1"), entry(b, 1, "1", "1")))
        yield* assertRejected(
          /does not fit its asset/,
          transfer,
          entries(entry("999999999", 1, "-1", "-1"), entry(b, 1, "1", "1"))
        )
      })
    )

    it.effect("refuse amounts that are not finite", () =>
      Effect.gen(function* () {
        const { accounts } = yield* Postings.openFunded("USD", ["0", "0"])
        const [a, b] = accounts
        for (const amount of ["'NaN'", "'Infinity'", "0"])
          yield* assertRejected(
            /check/i,
            transfer,
            entries(entry(a, 1, amount, amount), entry(b, 1, amount, amount))
          )
      })
    )

    it.effect("refuse a balance below the floor, and holds of more than there is", () =>
      Effect.gen(function* () {
        const { accounts } = yield* Postings.openFunded("USD", ["0", "0"])
        const [a, b] = accounts
        yield* assertRejected(
          /ledger_account_floor/,
          transfer,
          entries(entry(a, 1, "-1", "-1"), entry(b, 1, "1", "1")),
          `UPDATE ledger_account SET balance = -1, version = 1 WHERE id = ${a}`
        )
        yield* assertRejected(
          /ledger_account_floor/,
          `INSERT INTO ledger_hold (id, transfer_id, account_id, amount) VALUES ('${T}', '${T}', ${a}, 1)`,
          `UPDATE ledger_account SET held = 1 WHERE id = ${a}`
        )
      })
    )

    it.effect("refuse a second end of a hold, an end above its amount, and an expiry before its time", () =>
      Effect.gen(function* () {
        const { accounts } = yield* Postings.openFunded("USD", ["10"])
        const held = Postings.hold(accounts[0], "1")
        const { post } = yield* Ledger
        yield* post([held.posting])
        const end = (outcome: string, posted: string, transferId: string) =>
          `INSERT INTO ledger_hold_end (hold_id, transfer_id, outcome, posted, ended_at) VALUES ('${held.id}', ${transferId}, '${outcome}', ${posted}, now())`
        yield* assertRejected(/cannot end/, end("posted", "1.5", `'${T}'`))
        yield* assertRejected(/cannot end/, end("expired", "0", "NULL"))
        yield* assertRejected(/check/i, end("voided", "0.5", `'${T}'`))
        yield* assertRejected(/unique|duplicate/i, end("voided", "0", `'${T}'`), end("voided", "0", `'${T}'`))
      })
    )

    it.effect("refuse other decimals of an asset that has accounts", () =>
      Effect.gen(function* () {
        yield* Postings.openFunded("CHF", ["0"])
        yield* assertRejected(
          /decimals of CHF do not change/,
          "UPDATE asset SET decimals = 3, version = version + 1 WHERE code = 'CHF'"
        )
      })
    )

    it.effect("refuse a decision on an adjustment by who requested it, and a second decision", () =>
      Effect.gen(function* () {
        const { accounts } = yield* Postings.openFunded("USD", ["0"])
        const request = `INSERT INTO ledger_adjustment (id, account_id, amount, reason, requested_by, requested_at, state)
          VALUES ('${T}', ${accounts[0]}, 1, 'test', 'alice', now(), 'pending')`
        const decide = (by: string, state = "posted") =>
          `UPDATE ledger_adjustment SET state = '${state}', decided_by = '${by}', decided_at = now() WHERE id = '${T}'`
        yield* assertRejected(/second_administrator/, request, decide("alice"))
        yield* assertRejected(/decided once/, request, decide("bob"), decide("carol", "rejected"))
        yield* assertRejected(/DELETE/, request, "DELETE FROM ledger_adjustment")
      })
    )
  }
)
