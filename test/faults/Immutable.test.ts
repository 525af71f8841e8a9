import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"
import { Reactivity } from "effect/reactivity"
import { randomUUID } from "node:crypto"
import { inspect } from "node:util"
import * as Effex from "../support/Effex.ts"
import * as Integrity from "../support/Integrity.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as Workload from "../support/Workload.ts"

const RECORDS = 12
/** A table whose rows are never changed, and one of its columns. */
const IMMUTABLE = [
  ["exchange_rate", "rate"],
  ["conversion_audit", "output_amount"],
  ["audit_seal", "position"],
  ["audit_node", "level"],
  ["audit_head", "tree_size"],
  ["poll_rate", "rate_id"]
] as const

const statementsOf = ([table, column]: (typeof IMMUTABLE)[number]) => [
  `UPDATE ${table} SET ${column} = ${column}`,
  `DELETE FROM ${table}`,
  `TRUNCATE ${table} CASCADE`
]

/** As a role that may do everything with the tables but own them. */
const asApplication = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  const role = sql(`app_${randomUUID().replaceAll("-", "")}`)
  yield* Effect.acquireRelease(
    Effect.andThen(sql`CREATE ROLE ${role}`, sql`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`),
    () => Effect.ignore(Effect.andThen(sql`DROP OWNED BY ${role}`, sql`DROP ROLE ${role}`))
  )
  return <A, E>(statement: Effect.Effect<A, E>) =>
    sql.withTransaction(Effect.andThen(sql`SET LOCAL ROLE ${role}`, statement))
})

describe("What is never changed", () => {
  it.live(
    "is changed by nobody, and where its triggers are gone, the verifier names the first bad record",
    () =>
      Effect.gen(function* () {
        const { env, sql } = yield* NodeEnvironment.make()
        const server = yield* Effex.serve(env)
        yield* server.written(/44 refreshed/)
        const workload = Workload.make("immutable")
        for (let i = 1; i <= RECORDS; i++) yield* workload.convert(server.url, `immutable ${i}`, i)
        yield* Integrity.check({ workload, url: server.url, sql })
        server.process.kill("SIGTERM")
        assert.strictEqual(yield* server.ended, 0)

        const asOwner = <A, E>(statement: Effect.Effect<A, E>) => statement
        let refused = 0
        for (const as of [asOwner, yield* asApplication(sql)]) {
          for (const text of IMMUTABLE.flatMap(statementsOf)) {
            const error = yield* Effect.flip(as(sql.unsafe(text)))
            assert.include(inspect(error, { depth: 9 }), "is refused: its rows are never changed", text)
            refused++
          }
        }
        assert.strictEqual((yield* Integrity.verify(env)).code, 0)

        const relations = yield* sql<{ name: string }>`
        SELECT oid::regclass::text AS name FROM pg_class WHERE relname = 'conversion_audit'
        UNION ALL SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'conversion_audit'::regclass`
        for (const { name } of relations) yield* sql`ALTER TABLE ${sql.literal(name)} DISABLE TRIGGER ALL`
        const sealed = yield* sql<{ id: string }>`SELECT audit_id AS id FROM audit_seal ORDER BY position`
        const idAt = (position: number) => sealed[position]?.id ?? assert.fail()
        // The last one first: each time, what is named is the first that does not fit.
        for (const position of [9, 2]) {
          yield* sql`
          UPDATE conversion_audit SET output_amount = output_amount - 1, residual = residual + 1
          WHERE id = ${idAt(position)}`
          const { code, output } = yield* Integrity.verify(env)
          assert.strictEqual(code, 1, output)
          assert.include(output, `The audit is broken after ${position} records`)
          assert.include(output, idAt(position))
        }
        yield* Workload.report(
          `${refused} changes refused, as owner and as application; 2 changes without triggers, each time the first bad record named`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
