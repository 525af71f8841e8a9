import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import * as PostgresServer from "../support/PostgresServer.ts"

/** How many connections nodes may have, and the soak beside them. */
const FLAGS = ["-c fsync=off", "-c max_connections=100"]

/** A PostgreSQL of the soak's own. A second after it was killed it is started again. */
export const start = Effect.gen(function* () {
  const { connection, kill } = yield* PostgresServer.start(FLAGS)

  /** A connection that goes through no door. */
  const sql = PgClient.makeClient(connection).pipe(Effect.provide(Reactivity.layer))

  /** Ends the sessions of the nodes: every one whose process id leaves that rest. */
  const terminate = (divisor: number) =>
    Effect.scoped(
      Effect.flatMap(
        sql,
        (client) => client`
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name LIKE 'effex%' AND pid % ${divisor}::int = 0`
      )
    ).pipe(Effect.ignore)

  return {
    target: { path: connection.path },
    database: connection.database,
    kill: Effect.asVoid(kill),
    sql,
    terminate
  }
})

export type Postgres = Effect.Success<typeof start>
