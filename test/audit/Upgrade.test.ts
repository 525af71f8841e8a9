import { NodeServices } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted, Result, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { Migrator, SqlClient } from "effect/sql"
import { readFileSync } from "node:fs"
import * as HeadMessage from "../../src/audit/heads/HeadMessage.ts"
import * as Receipt from "../../src/audit/Receipt.ts"
import { MIGRATIONS_TABLE, migrations } from "../../src/platform/postgres/Migrations.ts"
import { signerOf, start } from "../support/AuditNode.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

/** The last migration of version 0.1.0. */
const LAST_MIGRATION = 12

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url))

/** Creates a database as version 0.1.0 left it, with five sealed conversions. Returns its URL. */
const databaseOfLastRelease = Effect.gen(function* () {
  const url = yield* TestDatabase.createEmpty
  const sql = yield* PgClient.makeClient({ url: Redacted.make(url) })
  yield* Migrator.make({})({
    loader: Effect.map(Effect.orDie(migrations), (all) => all.filter(([id]) => id <= LAST_MIGRATION)),
    table: MIGRATIONS_TABLE
  }).pipe(Effect.provideService(SqlClient.SqlClient, sql))
  const statements = fixture("audit-0.1.0.sql")
    .toString()
    .split("\n")
    .filter((line) => line.startsWith("INSERT"))
  for (const statement of statements) yield* sql.unsafe(statement)
  return url
}).pipe(Effect.provide([NodeServices.layer, Reactivity.layer]))

describe("An audit of version 0.1.0", () => {
  it.live("verifies unchanged with its heads and receipts, and continues", () =>
    Effect.gen(function* () {
      const receipt = Result.getOrThrow(Receipt.parse(fixture("receipt-0.1.0.json")))
      const { publicKey } = signerOf(7)
      const node = yield* start(yield* databaseOfLastRelease)
      assert.deepInclude(yield* node.verify, { ok: true, records: 5, unsealed: 0 })
      const kept = HeadMessage.fromMessage(receipt.head)
      yield* node.convertAndSeal(2)
      assert.deepInclude(yield* node.verifyWith({ heads: Stream.make(kept), publicKeys: [publicKey] }), {
        ok: true,
        records: 7,
        keptHeads: 1
      })
      assert.deepStrictEqual(Receipt.findFault(receipt, publicKey), Option.none())
      const current = yield* node.receipt(receipt.record.audit_id)
      assert.deepStrictEqual(current.record, receipt.record)
      assert.deepStrictEqual(Receipt.findFault(current, publicKey), Option.none())
    }).pipe(Effect.scoped)
  )
})
