import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem } from "effect"
import { readdir, readlink } from "node:fs/promises"
import * as EmbeddedPostgres from "../../src/platform/postgres/EmbeddedPostgres.ts"

/** A PostgreSQL of one's own, to be killed: it is started again within a second or two. It ends with the scope. */
export const start = Effect.fnUntraced(function* (flags: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* fs.realPath(yield* fs.makeTempDirectoryScoped({ prefix: "effex-own-" }))
  const connection = yield* EmbeddedPostgres.acquire(folder, flags)
  const { database, path, username } = connection
  const socketFolder = path.slice(0, path.lastIndexOf("/"))
  return {
    connection,
    url: `postgres:///${database}?user=${username}&host=${encodeURIComponent(socketFolder)}`,
    /** Ends every one of its processes, none of which learns of it; how many there were is returned. */
    kill: Effect.promise(async () => {
      const pids = await processesIn(`${folder}/postgres`)
      return pids.filter(killNow).length
    })
  }
}, Effect.provide(NodeServices.layer))

const processesIn = async (folder: string) => {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name))
  const places = await Promise.all(
    pids.map(async (pid) => ({ pid: Number(pid), at: await readlink(`/proc/${pid}/cwd`).catch(() => "") }))
  )
  return places.filter(({ at }) => at === folder).map(({ pid }) => pid)
}

/** Whether it was still there. */
const killNow = (pid: number) => {
  try {
    return process.kill(pid, "SIGKILL")
  } catch {
    return false
  }
}
