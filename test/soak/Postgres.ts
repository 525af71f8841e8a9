import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import * as PostgresServer from "../support/PostgresServer.ts"

/** Connections for all nodes and the soak itself. */
const FLAGS = ["-c fsync=off", "-c max_connections=100"]

/** Starts a PostgreSQL for the soak. It restarts a second after it was killed. */
export const start = Effect.gen(function* () {
  const { connection, kill } = yield* PostgresServer.start(FLAGS)

  /** A connection without a proxy. */
  const sql = PgClient.makeClient(connection).pipe(Effect.provide(Reactivity.layer))

  /** Terminates the sessions of nodes whose process id is a multiple of `divisor`. */
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
