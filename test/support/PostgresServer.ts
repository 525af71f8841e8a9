import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem } from "effect"
import { readdir, readlink } from "node:fs/promises"
import * as EmbeddedPostgres from "../../src/platform/postgres/EmbeddedPostgres.ts"

/** Runs a private PostgreSQL server until the scope closes. It restarts within two seconds after `kill`. */
export const start = Effect.fnUntraced(function* (flags: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  return yield* startIn(yield* fs.makeTempDirectoryScoped({ prefix: "effex-own-" }), flags)
}, Effect.provide(NodeServices.layer))

/** Runs the server of a folder, which is initialized if it is empty. */
export const startIn = Effect.fnUntraced(function* (parent: string, flags: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.realPath(parent)
  const connection = yield* EmbeddedPostgres.acquire(folder, flags)
  const { database, path, username } = connection
  const socketFolder = path.slice(0, path.lastIndexOf("/"))
  const signalAll = (signal: NodeJS.Signals) =>
    Effect.promise(async () => {
      const pids = await processesIn(`${folder}/postgres`)
      return pids.filter((pid) => send(pid, signal)).length
    })
  return {
    connection,
    url: `postgres:///${database}?user=${username}&host=${encodeURIComponent(socketFolder)}`,
    /** Kills all its processes with SIGKILL; returns their number. */
    kill: signalAll("SIGKILL"),
    /** Stops all its processes as a frozen machine does; returns their number. */
    freeze: signalAll("SIGSTOP"),
    thaw: signalAll("SIGCONT")
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
const send = (pid: number, signal: NodeJS.Signals) => {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
