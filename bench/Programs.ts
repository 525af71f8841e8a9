import { Effect, FileSystem, Schema } from "effect"
import { fileURLToPath } from "node:url"
import { Machine } from "./Machine.ts"
import { Plan } from "./Plan.ts"
import * as Processes from "./Processes.ts"
import { type BenchDatabase, Stores } from "./Stores.ts"

/**
 * Runs a program of the benchmark, and decodes the last line of its output. It has the core of the server, and PostgreSQL the
 * others. With `all`, both have all cores.
 */
export const run = Effect.fnUntraced(function* <A>(
  name: string,
  schema: Schema.Codec<A, unknown>,
  { url }: BenchDatabase,
  env: Readonly<Record<string, string>> = {},
  cores: "server" | "all" = "server"
) {
  const { connections, seconds } = yield* Plan
  const { onAllCores, onServerCore, withAllCores } = yield* Machine
  const { postgresPid } = yield* Stores
  const fs = yield* FileSystem.FileSystem
  const folder = yield* Effect.orDie(fs.makeTempDirectoryScoped({ prefix: "effex-bench-program-" }))
  const program = fileURLToPath(new URL(`${name}.ts`, import.meta.url))
  if (cores === "all") yield* withAllCores(postgresPid)
  const prefix = cores === "all" ? onAllCores : onServerCore
  const output = yield* Processes.output([...prefix, process.execPath, program], {
    // Keeps effex from reading the project's `.env`.
    cwd: folder,
    env: {
      HOME: process.env["HOME"],
      PATH: process.env["PATH"],
      DATABASE_URL: url,
      DATA_DIR: folder,
      CALLERS: String(connections),
      SECONDS: String(seconds),
      POSTGRES_PID: String(postgresPid),
      ...env
    }
  })
  return yield* Schema.decodeEffect(Schema.fromJsonString(schema))(
    output.trim().split("\n").at(-1) ?? ""
  ).pipe(Effect.mapError(() => new Processes.ProcessFailed({ program: name, detail: output.slice(-2_000) })))
}, Effect.scoped)
