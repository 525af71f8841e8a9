import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem } from "effect"
import { readdir, readlink } from "node:fs/promises"
import * as EmbeddedPostgres from "../../src/platform/postgres/EmbeddedPostgres.ts"

/** Runs a private PostgreSQL server until the scope closes. It restarts within two seconds after `kill`. */
export const start = Effect.fnUntraced(function* (flags: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.realPath(yield* fs.makeTempDirectoryScoped({ prefix: "effex-own-" }))
  const connection = yield* EmbeddedPostgres.acquire(folder, flags)
  const { database, path, username } = connection
  const socketFolder = path.slice(0, path.lastIndexOf("/"))
  return {
    connection,
    url: `postgres:///${database}?user=${username}&host=${encodeURIComponent(socketFolder)}`,
    /** Kills all its processes with SIGKILL; returns their number. */
    kill: Effect.promise(async () => {
      const pids = await processesIn(`${folder}/postgres`)
      return pids.filter(sigkill).length
    })
  }
}, Effect.provide(NodeServices.layer))

const processesIn = async (folder: string) => {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name))
  const folders = await Promise.all(
    pids.map(async (pid) => ({
      pid: Number(pid),
      cwd: await readlink(`/proc/${pid}/cwd`).catch(() => "")
    }))
  )
  return folders.filter(({ cwd }) => cwd === folder).map(({ pid }) => pid)
}

/** Returns false if the process has already exited. */
const sigkill = (pid: number) => {
  try {
    return process.kill(pid, "SIGKILL")
  } catch {
    return false
  }
}
