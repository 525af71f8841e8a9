import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const ENTRIES = 60

/** SQL of the milliseconds in the id of the transfer of version `n`, which is posted `posted` milliseconds after the start. */
const IDS = {
  "the time of posting": "posted",
  "a time shortly before the posting": "posted - (n * 7) % 5",
  "a time long before the posting": "posted - (n * 911) % 20000",
  "a time after the posting": "posted + (n * 13) % 50",
  "no time": "abs(hashint4(n)) - extract(epoch FROM start) * 1000"
}

/** Posts entries in pairs of one millisecond, and others 40 milliseconds apart, without the rules of the ledger. */
const post = Effect.fnUntraced(function* (account: number, id: string) {
  const { sql } = yield* Database
  yield* sql`ALTER TABLE ledger_entry DISABLE TRIGGER ALL`
  yield* sql`
    CREATE TEMPORARY TABLE posting ON COMMIT DROP AS
      SELECT n, start + posted * interval '1 millisecond' AS posted_at,
        (lpad(to_hex(floor(extract(epoch FROM start) * 1000 + ${sql.literal(id)})::bigint), 12, '0') || '70008000'
          || lpad(to_hex(${account} * 1000 + n), 12, '0'))::uuid AS id
      FROM (SELECT n, n / 2 * 40 AS posted, '2026-11-30T10:00:00Z'::timestamptz AS start FROM generate_series(1, ${ENTRIES}) AS n) AS made`
  yield* sql`INSERT INTO ledger_transfer (id, kind, details, posted_at) SELECT id, 'test', '{}', posted_at FROM posting`
  yield* sql`
    INSERT INTO ledger_entry (account_id, version, transfer_id, asset, amount, balance)
    SELECT ${account}, n, id, 'USD', 1, n FROM posting`
  yield* sql`ALTER TABLE ledger_entry ENABLE TRIGGER ALL`
})

layer(TestDatabase.layer())("The version of an account at a time", (it) => {
  for (const [index, [name, id]] of Object.entries(IDS).entries())
    it.effect(`is found if the ids of its transfers have ${name}`, () =>
      Effect.gen(function* () {
        const { sql } = yield* Database
        const account = 1_000_000 + index
        yield* sql.withTransaction(post(account, id))
        const wrong = yield* sql`
          SELECT moment, found, expected FROM (
            SELECT moment, ledger_version_at(${account}, ${ENTRIES}, moment) AS found,
              (SELECT coalesce(max(version), 0) FROM ledger_entry JOIN ledger_transfer ON ledger_transfer.id = transfer_id
                WHERE account_id = ${account} AND posted_at <= moment) AS expected
            FROM ledger_entry JOIN ledger_transfer ON ledger_transfer.id = transfer_id,
              unnest(ARRAY[posted_at, posted_at - interval '1 microsecond', posted_at + interval '1 millisecond',
                '-infinity', 'infinity', '1900-01-01']) AS moment
            WHERE account_id = ${account}) AS searched
          WHERE found <> expected`
        assert.deepStrictEqual(wrong, [])
      })
    )
})
