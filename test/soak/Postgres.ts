import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as EmbeddedPostgres from "../../src/platform/EmbeddedPostgres.ts"

/** How many connections nodes may have, and the soak beside them. */
const FLAGS = ["-c fsync=off", "-c max_connections=100"]

/** A PostgreSQL of the soak's own. A second after it was killed it is started again. */
export const start = Effect.fnUntraced(function* (folder: string) {
  const connection = yield* EmbeddedPostgres.acquire(folder, FLAGS)
  const pidFile = join(dirname(connection.path), "postmaster.pid")
  const pidFileInData = join(folder, "postgres", "postmaster.pid")

  /** Kills it and all its children as the kernel would when memory is short, with nothing said to anybody. */
  const kill = Effect.sync(() => {
    const pid = mainPid([pidFile, pidFileInData])
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

const mainPid = (files: ReadonlyArray<string>) => {
  for (const file of files) {
    try {
      return Number(readFileSync(file, "utf8").split("\n")[0])
    } catch {
      continue
    }
  }
  return 0
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
  if (pid <= 1) return
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It is gone already.
  }
}
