import { Effect, FileSystem, Path, Schema } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { fileURLToPath } from "node:url"
import * as Processes from "../Processes.ts"
import type { LoadOptions, RawLoadResult } from "./LoadResult.ts"

const SCRIPT = fileURLToPath(new URL("wrk.lua", import.meta.url))

/** A later response counts as a failure. */
const TIMEOUT_SECONDS = 10

/** Last line of the script's output. */
const Summary = Schema.fromJsonString(
  Schema.Struct({
    requests: Schema.Int,
    micros: Schema.Finite,
    p50: Schema.Finite,
    p99: Schema.Finite,
    failures: Schema.Int
  })
)

/** Runs `wrk` with one thread, because it shares one core. */
export const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "effex-bench-wrk-" })

  const run = Effect.fnUntraced(
    function* ({ connections, headers, requests, seconds, url }: LoadOptions) {
      const file = path.join(folder, "requests.txt")
      const lines = [
        ...Object.entries(headers).map(([name, value]) => `HEADER ${name} ${value}`),
        ...requests.map(
          ({ body = "", isKeyed = false, method, path }) => `${isKeyed ? "KEYED" : method} ${path} ${body}`
        )
      ]
      yield* Effect.orDie(fs.writeFileString(file, lines.join("\n")))
      const options = [
        "-t",
        "1",
        "-c",
        connections,
        "-d",
        `${seconds}s`,
        "--timeout",
        `${TIMEOUT_SECONDS}s`,
        "-s",
        SCRIPT
      ].map(String)
      const output = yield* Processes.output(["wrk", ...options, url, "--", file])
      const summary = yield* Schema.decodeEffect(Summary)(output.trim().split("\n").at(-1) ?? "").pipe(
        Effect.mapError(() => new Processes.ProcessFailed({ program: "wrk", detail: output }))
      )
      return {
        requestsPerSecond: (summary.requests / summary.micros) * 1e6,
        p50: summary.p50 / 1_000,
        p99: summary.p99 / 1_000,
        failures: summary.failures
      } satisfies RawLoadResult
    },
    Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner)
  )

  return { name: "wrk -t1", run }
})
