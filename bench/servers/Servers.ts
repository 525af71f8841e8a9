import { Effect, FileSystem, Schedule } from "effect"
import { fileURLToPath } from "node:url"
import { Machine } from "../Machine.ts"
import * as Pairs from "../Pairs.ts"
import * as Processes from "../Processes.ts"
import { Stores } from "../Stores.ts"

/** A server that runs. */
export interface Server {
  readonly url: string
  readonly pid: number
}

const fileAt = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The command that starts effex, as a user has it. */
export const EFFEX = fileAt("../../bin/effex")

/** Runs on the same Node as this. */
const NODE = process.execPath

/** Its garbage can be collected by a signal: the same for each server whose memory is compared. */
export const collectable = {
  NODE_OPTIONS: `--expose-gc --import ${fileAt("CollectOnSignal.ts")}`
}

/** The settings that are shipped, but that the limits are set so high that the load does not meet them. */
const HIGH_LIMITS = {
  RATE_LIMIT_READS: "1000000/second",
  RATE_LIMIT_WRITES: "1000000/second"
}

/** An environment for effex that has nothing but where to listen, in a folder of its own. */
const effexEnv = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* Effect.orDie(fs.makeTempDirectoryScoped({ prefix: "effex-bench-data-" }))
  return { PORT: "0", LOG_FORMAT: "json", DATA_DIR: folder, ...HIGH_LIMITS }
})

/** Starts effex on the server's core, with stores of its own, and waits until it knows every rate. */
export const effex = Effect.fnUntraced(function* (env: Readonly<Record<string, string>> = {}) {
  const stores = yield* Stores
  const database = yield* stores.newDatabase
  const server = yield* effexOn({
    DATABASE_URL: database.url,
    REDIS_URL: yield* stores.newRedis,
    ...env
  })
  return { ...server, database }
})

/** As {@link effex}, with what the environment says about stores. */
export const effexOn = Effect.fnUntraced(function* (env: Readonly<Record<string, string>>) {
  const { onServerCore } = yield* Machine
  const base = yield* effexEnv
  const { match, pid } = yield* Processes.start({
    command: [...onServerCore, EFFEX, "serve"],
    env: { ...base, ...env },
    // There, no `.env` of the project is found.
    cwd: base.DATA_DIR,
    ready: /effex listens on (http:\/\/[\d.:]+)/
  })
  const server: Server = { pid, url: match[1] ?? "" }
  yield* knowsAll(server)
  return server
})

const knowsAll = ({ url }: Server) =>
  Effect.tryPromise(async () => {
    const response = await fetch(`${url}/api/v1/rates/all`)
    const { rates = [] }: { rates?: ReadonlyArray<unknown> } = await response.json()
    if (rates.length < Pairs.all.length) throw new Error(`it knows ${rates.length} rates`)
  }).pipe(
    Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 1_000 }),
    Effect.mapError(({ message }) => new Processes.ProcessFailed({ program: url, detail: message }))
  )

/** Starts a peer on the server's core, with stores of its own and every rate. */
export const peer = Effect.fnUntraced(function* (
  name: "raw" | "fastify",
  env: Readonly<Record<string, string>> = {}
) {
  const stores = yield* Stores
  const { onServerCore } = yield* Machine
  const database = yield* stores.newDatabase
  const { match, pid } = yield* Processes.start({
    command: [...onServerCore, NODE, fileAt(`../peers/${name}.ts`)],
    env: {
      NODE_ENV: "production",
      RATES: Pairs.rates,
      DATABASE_URL: database.url,
      REDIS_URL: yield* stores.newRedis,
      ...env
    },
    ready: /listens on (http:\/\/[\d.:]+)/
  })
  return { pid, url: match[1] ?? "" } satisfies Server
})
