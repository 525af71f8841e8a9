import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as EmbeddedPostgres from "../../src/platform/EmbeddedPostgres.ts"

/** How many connections nodes may have, and the soak beside them. */
const FLAGS = ["-c fsync=off", "-c max_connections=100"]

/** A PostgreSQL of the soak's own. A second after it was killed it is started again. */
export const start = Effect.fnUntraced(function* (folder: string) {
  const connection = yield* EmbeddedPostgres.acquire(folder, FLAGS)

  /** Kills it and all its children as the kernel would when memory is short, with nothing said to anybody. */
  const kill = Effect.sync(() => {
    const pid = serverOf(folder)
    if (pid === undefined) return
    for (const victim of [pid, ...childrenOf(pid)]) killNow(victim)
  })

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

  return { target: { path: connection.path }, database: connection.database, kill, sql, terminate }
})

export type Postgres = Effect.Success<ReturnType<typeof start>>

/** The server of a folder; none while it does not run: the number in its file may be another process's by then. */
const serverOf = (folder: string) => {
  try {
    const pid = Number(readFileSync(join(folder, "postgres", "postmaster.pid"), "utf8").split("\n")[0])
    return pid > 1 && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder) ? pid : undefined
  } catch {
    return undefined
  }
}

const childrenOf = (parent: number): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent)

const parentOf = (pid: number) => {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1])
  } catch {
    return 0
  }
}

const killNow = (pid: number) => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It is gone already.
  }
}
