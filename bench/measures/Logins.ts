import { Effect, Schedule, Schema } from "effect"
import { fileURLToPath } from "node:url"
import { NICE_INCREMENT } from "../../src/accounts/HashingThreads.ts"
import { InvalidRound } from "../load/InvalidRound.ts"
import { interleave } from "../InterleavedRounds.ts"
import { Plan } from "../Plan.ts"
import * as Processes from "../Processes.ts"
import type { Figure, Report } from "../Report.ts"
import * as Servers from "../servers/Servers.ts"
import { ratioIn, type Rounds, spreadIn, spreadOf } from "../Statistics.ts"

/** Concurrent sign-ins. */
const LOGINS = 100
/** Lookups per second, meanwhile. */
const LOOKUP_RATE = 100
/** Clients normally have a machine of their own, so that of the sign-ins runs only while nothing else needs its CPU. */
const WHEN_IDLE = ["chrt", "--idle", "0"]
/** Priority of the threads of effex that hash. */
const PRIORITY_OF_HASHES = ["nice", "-n", String(NICE_INCREMENT)]

const CLIENT = fileURLToPath(new URL("../logins/Client.ts", import.meta.url))

const ClientResult = Schema.fromJsonString(
  Schema.Struct({
    count: Schema.Int,
    failures: Schema.Int,
    perSecond: Schema.Finite,
    p50: Schema.Finite,
    p99: Schema.Finite
  })
)
const decodeResult = Schema.decodeEffect(ClientResult)

const runClient = Effect.fnUntraced(function* (
  { url }: Servers.Server,
  mode: "register" | "lookups" | "logins" | "hashes",
  prefix: ReadonlyArray<string> = []
) {
  const { seconds } = yield* Plan
  const output = yield* Processes.output([...prefix, process.execPath, CLIENT], {
    env: {
      PATH: process.env["PATH"],
      SERVER: url,
      MODE: mode,
      SECONDS: String(seconds),
      LOGINS: String(LOGINS),
      RATE: String(LOOKUP_RATE)
    }
  })
  const result = yield* decodeResult(output.trim()).pipe(
    Effect.mapError(() => new Processes.ProcessFailed({ program: CLIENT, detail: output.slice(-2_000) }))
  )
  return result.failures === 0 ? result : yield* new InvalidRound({ url, failures: result.failures })
})

/** Longest delay of the event loop that the server measured in the last 10 seconds, in milliseconds. */
const longestDelay = ({ url }: Servers.Server) =>
  Effect.promise(async () => {
    const text = await (await fetch(`${url}/metrics`)).text()
    const [, seconds] = /^nodejs_eventloop_delay_seconds\{statistic="max"\} (\S+)$/m.exec(text) ?? []
    return Number(seconds) * 1000
  })

interface Window {
  readonly lookups: Schema.Schema.Type<typeof ClientResult>
  readonly logins: Schema.Schema.Type<typeof ClientResult> | undefined
  readonly maxBytes: number
  readonly delayMillis: number
}

/** Measures lookups, the memory and the event loop of a server beside nothing else, sign-ins, or hashes of another program. */
const measure = Effect.fnUntraced(function* (server: Servers.Server, beside: "idle" | "logins" | "hashes") {
  let maxBytes = 0
  const sampleMemory = Processes.residentBytes(server.pid).pipe(
    Effect.map((bytes) => {
      maxBytes = Math.max(maxBytes, bytes)
    }),
    Effect.repeat(Schedule.spaced("100 millis"))
  )
  const clients = Effect.all(
    {
      lookups: runClient(server, "lookups"),
      logins:
        beside === "idle"
          ? Effect.undefined
          : runClient(server, beside, beside === "logins" ? WHEN_IDLE : PRIORITY_OF_HASHES)
    },
    { concurrency: "unbounded" }
  )
  const results = yield* Effect.raceFirst(
    clients,
    Effect.flatMap(sampleMemory, () => Effect.never)
  )
  const window: Window = { ...results, maxBytes, delayMillis: yield* longestDelay(server) }
  return window
})

/** Measures what users notice while {@link LOGINS} others sign in at once, each with a hash of Argon2id. */
export const logins = Effect.gen(function* () {
  const server = yield* Servers.effex({ TRUSTED_PROXIES: "127.0.0.0/8" }, "all")
  yield* runClient(server, "register")
  // Memory and code that the first sign-ins need do not count.
  yield* measure(server, "logins")
  const rounds: Rounds<"idle" | "logins" | "hashes", Window> = yield* interleave("logins", {
    idle: measure(server, "idle"),
    logins: measure(server, "logins"),
    hashes: measure(server, "hashes")
  })
  const workload = `${LOGINS} sign-ins at once, again and again`
  const lookups = `${LOOKUP_RATE} lookups/s`
  const figure = (
    name: "idle" | "logins",
    quantity: string,
    unit: string,
    value: (window: Window) => number
  ): Figure => ({
    workload: name === "idle" ? lookups : `${lookups}, ${workload}`,
    server: "effex",
    quantity,
    unit,
    result: spreadIn(rounds, name, value)
  })
  const report: Report = {
    rows: [
      {
        workload,
        measure: "p99 of lookups relative to that without sign-ins",
        target: { atMost: 2 },
        result: ratioIn(rounds, "logins", "idle", (window) => window.lookups.p99)
      },
      {
        workload: "another program that hashes passwords, at the priority of those of effex",
        measure: "p99 of lookups relative to that without it",
        result: ratioIn(rounds, "hashes", "idle", (window) => window.lookups.p99)
      },
      {
        workload,
        measure: "memory in addition to that without sign-ins",
        unit: "MB",
        target: { atMost: 100 },
        result: spreadOf(rounds.map(({ idle, logins }) => (logins.maxBytes - idle.maxBytes) / 1e6))
      },
      {
        workload,
        measure: "longest delay of the event loop",
        unit: "ms",
        target: { atMost: 50 },
        result: spreadIn(rounds, "logins", ({ delayMillis }) => delayMillis)
      }
    ],
    figures: [
      ...(["idle", "logins"] as const).flatMap((name) => [
        figure(name, "p50 of lookups", "ms", (window) => window.lookups.p50),
        figure(name, "p99 of lookups", "ms", (window) => window.lookups.p99)
      ]),
      figure("logins", "sign-ins", "/s", ({ logins }) => logins?.perSecond ?? Number.NaN),
      figure("logins", "p50 of sign-ins", "ms", ({ logins }) => logins?.p50 ?? Number.NaN)
    ],
    notes: [
      "The server has all cores. Its clients, PostgreSQL and Redis share the others, as in all measures; on two cores, lookups also wait for them.",
      "The other program shows what one busy core costs without sign-ins."
    ]
  }
  return report
})
