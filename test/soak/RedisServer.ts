import { Effect, Scope, Exit } from "effect"
import { Redis } from "ioredis"
import { createServer } from "node:net"
import { type Running, runProgram } from "../support/Program.ts"

/** A redis-server of the soak's own, which keeps nothing when it is killed. */
export const start = Effect.fnUntraced(function* (folder: string) {
  const port = yield* freePort
  let running: { readonly server: Running; readonly scope: Scope.Closeable } | undefined

  const begin = Effect.gen(function* () {
    const scope = yield* Scope.make()
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    const server = yield* runProgram("redis-server", [...args, "--dir", folder]).pipe(Scope.provide(scope))
    yield* server.written(/Ready to accept connections/)
    running = { server, scope }
  })

  const kill = Effect.suspend(() =>
    running === undefined ? Effect.void : Scope.close(running.scope, Exit.void)
  )
  yield* Effect.acquireRelease(begin, () => kill)

  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new Redis({ port, retryStrategy: () => 200 }).on("error", () => {})),
    (client) => Effect.sync(() => client.disconnect())
  )
  const call = (command: string, ...args: ReadonlyArray<string>) =>
    Effect.ignore(Effect.tryPromise(() => client.call(command, ...args)))

  return {
    target: { host: "127.0.0.1", port },
    kill,
    begin,
    signal: (signal: NodeJS.Signals) => Effect.sync(() => running?.server.process.kill(signal)),
    flush: call("FLUSHALL"),
    /** Takes no more writes, or takes them again. */
    fill: call("CONFIG", "SET", "maxmemory", "1"),
    empty: call("CONFIG", "SET", "maxmemory", "0")
  }
})

export type RedisServer = Effect.Success<ReturnType<typeof start>>

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})
