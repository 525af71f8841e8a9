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
/** Immutable tables, each with one of its columns. */
const IMMUTABLE_TABLES = [
  ["exchange_rate", "rate"],
  ["conversion_audit", "output_amount"],
  ["audit_seal", "position"],
  ["audit_node", "level"],
  ["audit_head", "tree_size"],
  ["audit_key_rotation", "tree_size"],
  ["poll_rate", "rate_id"]
] as const

const statementsOf = ([table, column]: (typeof IMMUTABLE_TABLES)[number]) => [
  `UPDATE ${table} SET ${column} = ${column}`,
  `DELETE FROM ${table}`,
  `TRUNCATE ${table} CASCADE`
]

/** Runs statements as a role that has all privileges on the tables but does not own them. */
const asApplication = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  const role = sql(`app_${randomUUID().replaceAll("-", "")}`)
  yield* Effect.acquireRelease(
    Effect.andThen(sql`CREATE ROLE ${role}`, sql`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`),
    () => Effect.ignore(Effect.andThen(sql`DROP OWNED BY ${role}`, sql`DROP ROLE ${role}`))
  )
  return <A, E>(statement: Effect.Effect<A, E>) =>
    sql.withTransaction(Effect.andThen(sql`SET LOCAL ROLE ${role}`, statement))
})

describe("Immutable tables", () => {
  it.live(
    "reject changes by owner and application; the verifier names the first record changed without triggers",
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
        let rejections = 0
        for (const runAs of [asOwner, yield* asApplication(sql)]) {
          for (const text of IMMUTABLE_TABLES.flatMap(statementsOf)) {
            const error = yield* Effect.flip(runAs(sql.unsafe(text)))
            assert.include(inspect(error, { depth: 9 }), "is refused: its rows are never changed", text)
            rejections++
          }
        }
        assert.strictEqual((yield* Integrity.verify(env)).code, 0)

        const relations = yield* sql<{ name: string }>`
        SELECT oid::regclass::text AS name FROM pg_class WHERE relname = 'conversion_audit'
        UNION ALL SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'conversion_audit'::regclass`
        for (const { name } of relations) yield* sql`ALTER TABLE ${sql.literal(name)} DISABLE TRIGGER ALL`
        const sealed = yield* sql<{ id: string }>`SELECT audit_id AS id FROM audit_seal ORDER BY position`
        const idAt = (position: number) => sealed[position]?.id ?? assert.fail()
        // The later record first, so that the first changed record differs between the rounds.
        for (const position of [9, 2]) {
          yield* sql`
          UPDATE conversion_audit SET output_amount = output_amount - 1, residual = residual + 1
          WHERE id = ${idAt(position)}`
          const { code, output } = yield* Integrity.verify(env)
          assert.strictEqual(code, 1, output)
          assert.include(output, `Audit verification failed after ${position} valid records`)
          assert.include(output, idAt(position))
        }
        yield* Workload.report(
          `${rejections} changes rejected, as owner and as application; 2 changes without triggers, each time the first changed record named`
        )
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
