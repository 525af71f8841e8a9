import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as Postings from "../support/Postings.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

/** Runs statements without the triggers that would refuse them. */
const tamper = Effect.fnUntraced(function* (table: string, statement: string) {
  const { sql } = yield* Database
  yield* sql.unsafe(`ALTER TABLE ${table} DISABLE TRIGGER USER`)
  yield* sql.unsafe(statement)
  yield* sql.unsafe(`ALTER TABLE ${table} ENABLE TRIGGER USER`)
})

const setUp = Effect.gen(function* () {
  const { post } = yield* Ledger
  const { accounts } = yield* Postings.openFunded("USD", ["10", "5"])
  const [a, b] = accounts
  yield* post([Postings.move(a, b, "1"), Postings.move(b, a, "0.5"), Postings.hold(a, "2").posting])
  return { a, b }
})

/** Each test changes the stored data, and so has a database of its own. */
const tampered = (title: string, run: Effect.Effect<void, unknown, Ledger | LedgerVerifier | Database>) =>
  layer(Layer.mergeAll(Ledger.layer, LedgerVerifier.layer).pipe(Layer.provideMerge(TestDatabase.layer())), {
    excludeTestServices: true
  })("LedgerVerifier", (it) => {
    it.effect(title, () => Effect.orDie(run))
  })

tampered(
  "accepts what the ledger posted",
  Effect.gen(function* () {
    yield* setUp
    const { verify } = yield* LedgerVerifier
    assert.deepStrictEqual(yield* verify, { ok: true, accounts: 3, entries: 8, transfers: 5 })
  })
)

tampered(
  "names the account of a changed amount",
  Effect.gen(function* () {
    const { b } = yield* setUp
    yield* tamper(
      "ledger_entry",
      `UPDATE ledger_entry SET amount = amount + 1 WHERE account_id = ${b} AND version = 2`
    )
    const verification = yield* (yield* LedgerVerifier).verify
    assert(!verification.ok)
    assert.strictEqual(verification.account, b)
    assert.match(verification.reason, /balance after version 2/)
  })
)

tampered(
  "names the account of a deleted entry, and of a deleted last entry",
  Effect.gen(function* () {
    const { a } = yield* setUp
    const { verify } = yield* LedgerVerifier
    yield* tamper("ledger_entry", `DELETE FROM ledger_entry WHERE account_id = ${a} AND version = 3`)
    const last = yield* verify
    assert(!last.ok)
    assert.strictEqual(last.account, a)
    assert.match(last.reason, /last entry has version 2/)
    yield* tamper("ledger_entry", `DELETE FROM ledger_entry WHERE account_id = ${a} AND version = 1`)
    const first = yield* verify
    assert(!first.ok)
    assert.match(first.reason, /version 1 is missing/)
  })
)

tampered(
  "names the account of a changed balance, and of a changed hold",
  Effect.gen(function* () {
    const { a, b } = yield* setUp
    const { verify } = yield* LedgerVerifier
    yield* tamper("ledger_account", `UPDATE ledger_account SET held = 1 WHERE id = ${a}`)
    const held = yield* verify
    assert(!held.ok)
    assert.strictEqual(held.account, a)
    assert.match(held.reason, /holds 1, but its holds without an end add up to 2/)
    yield* tamper("ledger_account", `UPDATE ledger_account SET held = 2 WHERE id = ${a}`)
    yield* tamper("ledger_account", `UPDATE ledger_account SET balance = 100 WHERE id = ${b}`)
    const balance = yield* verify
    assert(!balance.ok)
    assert.strictEqual(balance.account, b)
  })
)

tampered(
  "names the transfer whose entries were changed consistently on one side",
  Effect.gen(function* () {
    const { b } = yield* setUp
    const { verify } = yield* LedgerVerifier
    const { sql } = yield* Database
    const [row] = yield* sql<{ id: string }>`
      SELECT transfer_id AS id FROM ledger_entry WHERE account_id = ${b}::bigint AND version = 3`
    yield* tamper(
      "ledger_entry",
      `UPDATE ledger_entry SET amount = amount + 1, balance = balance + 1 WHERE account_id = ${b} AND version = 3`
    )
    yield* tamper("ledger_account", `UPDATE ledger_account SET balance = balance + 1 WHERE id = ${b}`)
    const verification = yield* verify
    assert(!verification.ok)
    assert.strictEqual(verification.transfer, row?.id)
    assert.match(verification.reason, /add up to 1.*USD/)
  })
)
