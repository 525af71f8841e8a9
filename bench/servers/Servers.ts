import { Effect, FileSystem, Schedule } from "effect"
import { fileURLToPath } from "node:url"
import { Machine } from "../Machine.ts"
import * as Pairs from "../Pairs.ts"
import * as Processes from "../Processes.ts"
import { Stores } from "../Stores.ts"

/** A running server. */
export interface Server {
  readonly url: string
  readonly pid: number
}

const fileAt = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The command that users start effex with. */
export const EFFEX = fileAt("../../bin/effex")

/** Peers run on the Node version of this process. */
const NODE = process.execPath

/** Environment of servers whose memory is compared: a signal collects their garbage. */
export const collectable = {
  NODE_OPTIONS: `--expose-gc --import ${fileAt("CollectOnSignal.ts")}`
}

/** Rate limits that the load does not reach. All other settings have their defaults. */
const HIGH_LIMITS = {
  RATE_LIMIT_READS: "1000000/second",
  RATE_LIMIT_WRITES: "1000000/second"
}

/** Environment of effex with a data folder of its own. */
const makeEnvironment = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* Effect.orDie(fs.makeTempDirectoryScoped({ prefix: "effex-bench-data-" }))
  return { PORT: "0", LOG_FORMAT: "json", DATA_DIR: folder, ...HIGH_LIMITS }
})

/** Starts effex on the server's core, or on all, with its own databases, and waits until it has every rate. */
export const effex = Effect.fnUntraced(function* (
  env: Readonly<Record<string, string>> = {},
  cores: "server" | "all" = "server"
) {
  const stores = yield* Stores
  const database = yield* stores.createDatabase
  const { onAllCores, onServerCore } = yield* Machine
  const server = yield* startEffex(
    {
      DATABASE_URL: database.url,
      REDIS_URL: yield* stores.createRedis,
      ...env
    },
    cores === "all" ? onAllCores : onServerCore
  )
  return { ...server, database }
})

const startEffex = Effect.fnUntraced(function* (
  env: Readonly<Record<string, string>>,
  prefix: ReadonlyArray<string>
) {
  const base = yield* makeEnvironment
  const { match, pid } = yield* Processes.start({
    command: [...prefix, EFFEX, "serve"],
    env: { ...base, ...env },
    // Keeps effex from reading the project's `.env`.
    cwd: base.DATA_DIR,
    ready: /effex is listening on (http:\/\/[\d.:]+)/
  })
  const server: Server = { pid, url: match[1] ?? "" }
  yield* waitForRates(server)
  return server
})

const waitForRates = ({ url }: Server) =>
  Effect.tryPromise(async () => {
    const response = await fetch(`${url}/api/v1/rates/all`)
    const { rates = [] }: { rates?: ReadonlyArray<unknown> } = await response.json()
    if (rates.length < Pairs.all.length) throw new Error(`has only ${rates.length} rates`)
  }).pipe(
    Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 1_000 }),
    Effect.mapError(({ message }) => new Processes.ProcessFailed({ program: url, detail: message }))
  )

/** Starts a peer on the server's core with its own databases and every rate. */
export const peer = Effect.fnUntraced(function* (
  name: "raw" | "fastify",
  env: Readonly<Record<string, string>> = {}
) {
  const stores = yield* Stores
  const { onServerCore } = yield* Machine
  const database = yield* stores.createDatabase
  const { match, pid } = yield* Processes.start({
    command: [...onServerCore, NODE, fileAt(`../peers/${name}.ts`)],
    env: {
      NODE_ENV: "production",
      RATES: Pairs.rates,
      DATABASE_URL: database.url,
      REDIS_URL: yield* stores.createRedis,
      ...env
    },
    ready: /is listening on (http:\/\/[\d.:]+)/
  })
  return { pid, url: match[1] ?? "" } satisfies Server
})
