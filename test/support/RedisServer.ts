import { Effect } from "effect"
import { Redis as Client } from "ioredis"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Starts a Redis server without persistence, and waits until it accepts connections. */
export const run = async (folder: string, port: number, flags: ReadonlyArray<string> = []) => {
  const storageFlags = ["--save", "", "--appendonly", "no", "--dir", folder]
  const child = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", ...storageFlags, ...flags],
    {
      stdio: ["ignore", "pipe", "inherit"]
    }
  )
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      if (chunk.includes("Ready to accept connections")) resolve()
    })
    child.once("exit", () => reject(new Error("redis-server did not start")))
  })
  return child
}

/** Returns a free port. Another process can take it before it is used. */
export const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

const exited = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once("exit", () => resolve())
  })

/** Runs a private Redis server, which tests can stop, freeze and fill, until the scope closes. */
export const start = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "effex-redis-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )
  const port = yield* Effect.promise(freePort)
  const running = yield* Effect.acquireRelease(
    Effect.map(
      Effect.promise(() => run(folder, port)),
      (child) => ({ child })
    ),
    ({ child }) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return exited(child)
      })
  )
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new Client({ port, host: "127.0.0.1" }).on("error", () => {})),
    (client) => Effect.sync(() => client.disconnect())
  )
  const signal = (name: NodeJS.Signals) => Effect.sync(() => running.child.kill(name))
  return {
    url: `redis://127.0.0.1:${port}`,
    target: { host: "127.0.0.1", port },
    signal,
    /** Kills the server; its data is lost. */
    stop: Effect.andThen(
      signal("SIGKILL"),
      Effect.promise(() => exited(running.child))
    ),
    restart: Effect.promise(async () => {
      running.child = await run(folder, port)
    }),
    call: (command: string, ...args: ReadonlyArray<string>) =>
      Effect.promise(() => client.call(command, ...args))
  }
})

export type RedisServer = Effect.Success<typeof start>
