import { Effect, FileSystem, type Option, Schedule, Schema, Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { Scope } from "../../src/domain/access/ApiKey.ts"
import * as Sandbox from "../../src/providers/sandbox/Sandbox.ts"
import * as Seed from "./Seed.ts"

const program = fileURLToPath(new URL("../../bin/effex", import.meta.url))

/** The server did not start or does not respond. */
export class TargetUnavailable extends Schema.TaggedError<TargetUnavailable>()("TargetUnavailable", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** A server under test, and its state beyond its responses. */
export interface Target {
  readonly url: string
  /** API key that most requests send. */
  readonly key: string | undefined
  /** Errors in its log. */
  readonly errors: Effect.Effect<ReadonlyArray<string>>
  readonly isRunning: Effect.Effect<boolean>
  /** Its last lines of output. */
  readonly lastOutput: Effect.Effect<string>
  /** Resident memory in MiB; none if it cannot be measured. */
  readonly memory: Effect.Effect<Option.Option<number>>
}

/**
 * True for a line of the log that reports a defect. The fuzzer is an administrator too, who ends deposits before the sandbox does; that
 * the sandbox then disagrees is what the log must say.
 */
export const isError = (line: string): boolean =>
  /Unexpected failure|"level":"(ERROR|FATAL)"/.test(line) &&
  !line.includes("than the administrator who ended it")

/** Host and port of a server. */
export const addressOf = ({ url }: Pick<Target, "url">) => {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) || 80 }
}

/** A running server that was not started here. */
export const existing = (url: string, key: string | undefined): Target => ({
  url: url.replace(/\/+$/, ""),
  key,
  errors: Effect.succeed([]),
  isRunning: Effect.succeed(true),
  lastOutput: Effect.succeed(""),
  memory: Effect.succeedNone
})

/** Assets with a price of the sandbox. */
const ASSETS = [
  ["BTC", { kind: "crypto", name: "Bitcoin", decimals: 8, exchange_symbol: "BTC/USD" }],
  ["ETH", { kind: "crypto", name: "Ether", decimals: 18, exchange_symbol: "ETH/USD" }],
  ["AAPL", { kind: "stock", name: "Apple", decimals: 9 }],
  // The asset of the documented examples.
  ["ABAN", { kind: "crypto", name: "ABAN", decimals: 8, exchange_symbol: "ABAN/USD" }]
] as const

/** Pairs whose rates jump, so that the quarantine is not empty. */
const JUMPING_PAIRS = ["NGN", "KES", "GHS", "ZAR", "EGP", "UGX"].flatMap((to) => [`USD:${to}`, `EUR:${to}`])

/** Runs `effex serve` in its own process, with a sandbox provider and an empty database, for the lifetime of the scope. */
export const start = Effect.gen(function* () {
  const files = yield* FileSystem.FileSystem
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
  const { HOME, PATH } = process.env
  const env = {
    HOME,
    PATH,
    // A small heap turns a memory leak into a crash, so that it cannot be mistaken for slow garbage collection.
    NODE_OPTIONS: "--max-old-space-size=256",
    PORT: "0",
    LOG_FORMAT: "json",
    DATA_DIR: yield* files.makeTempDirectoryScoped({ prefix: "effex-fuzz-" }),
    FLUTTERWAVE_BASE_URL: sandbox.baseUrl,
    FLUTTERWAVE_SECRET_KEY: "key",
    FUNDING: "sandbox",
    PRICE_PROVIDERS: "sandbox",
    EXCHANGE: "sandbox",
    // Some transfers and withdrawals are held for review.
    RISK_REVIEW_VALUE: "300",
    POLL_INTERVAL: "5 seconds",
    POLL_SPACING: "0 millis",
    RATE_LIMIT_READS: "off",
    RATE_LIMIT_WRITES: "off",
    RATE_LIMIT_REFRESHES: "off",
    // Each request comes from an address of its own, so that sign-in is not limited.
    TRUSTED_PROXIES: "127.0.0.0/8"
  }
  const server = yield* spawner.spawn(
    ChildProcess.make(program, ["serve"], { env, forceKillAfter: "20 seconds" })
  )
  let output = ""
  const lastLines: Array<string> = []
  const errors: Array<string> = []
  yield* server.all.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) =>
      Effect.sync(() => {
        if (output.length < 20_000) output += `${line}\n`
        lastLines.push(line.slice(0, 500))
        if (lastLines.length > 5) lastLines.shift()
        if (isError(line)) errors.push(line)
      })
    ),
    Effect.ignore,
    Effect.forkScoped
  )
  const url = yield* Effect.suspend(() => {
    const [, found] = /effex is listening on (http:\/\/[\d.:]+)/.exec(output) ?? []
    return found === undefined ? Effect.fail("not listening yet") : Effect.succeed(found)
  }).pipe(
    Effect.retry(Schedule.upTo(Schedule.spaced("50 millis"), { duration: "3 minutes" })),
    Effect.mapError(() => new TargetUnavailable({ detail: `effex did not start: ${output}` }))
  )
  const scopes = Scope.literals.flatMap((scope) => ["--scope", scope])
  const created = yield* spawner.string(
    ChildProcess.make(program, ["keys", "create", "--name", "fuzz", ...scopes], { env })
  )
  const key = created.trim()
  yield* listAssets(url, key)
  yield* reviewLargeMovements(url, key)
  yield* leaveOrdersOpen(/takes faults at (http:[\w.:/]+)/.exec(output)?.[1] ?? "")
  yield* sandbox
    .injectFault({ fault: "jump", pairs: JUMPING_PAIRS, times: JUMPING_PAIRS.length })
    .pipe(Effect.delay("5 seconds"), Effect.repeat(Schedule.spaced("5 seconds")), Effect.forkScoped)
  const target: Target = {
    url,
    key,
    errors: Effect.sync(() => [...errors]),
    isRunning: Effect.orElseSucceed(server.isRunning, () => false),
    lastOutput: Effect.sync(() => lastLines.join("\n  ")),
    memory: memoryOf(server.pid)
  }
  return target
})

/** Leaves the orders of one asset open at the exchange, so that there are batches to retry. */
const leaveOrdersOpen = (faultsUrl: string) =>
  HttpClientRequest.put(faultsUrl).pipe(
    HttpClientRequest.bodyJsonUnsafe({ provider: "alpaca", fault: "no-fill", symbols: ["ETH/USD"] }),
    HttpClient.execute,
    Effect.filterOrFail(({ status }) => status < 300),
    Effect.mapError(() => new TargetUnavailable({ detail: "The exchange takes no faults" }))
  )

/** Holds movements for review that would be denied otherwise. */
const reviewLargeMovements = Effect.fnUntraced(
  function* (url: string, key: string) {
    const path = `${url}/api/v1/admin/risk/rules`
    const { json } = yield* HttpClient.execute(
      HttpClientRequest.get(path).pipe(HttpClientRequest.bearerToken(key))
    )
    const { rules } = yield* Schema.decodeUnknownEffect(RiskRules)(yield* json)
    const limit = { ...rules.asset_velocity, outcome: "review", hour_value: Seed.REVIEWED_VALUE }
    yield* HttpClientRequest.put(path).pipe(
      HttpClientRequest.bearerToken(key),
      HttpClientRequest.bodyJsonUnsafe({ ...rules, asset_velocity: limit }),
      HttpClient.execute,
      Effect.filterOrFail(({ status }) => status < 300)
    )
  },
  Effect.mapError(() => new TargetUnavailable({ detail: "The risk rules could not be changed" }))
)

const RiskRules = Schema.Struct({
  rules: Schema.StructWithRest(
    Schema.Struct({ asset_velocity: Schema.Record(Schema.String, Schema.Unknown) }),
    [Schema.Record(Schema.String, Schema.Unknown)]
  )
})

/** Lists assets that orders can be placed for. */
export const listAssets = (url: string, key: string) =>
  Effect.forEach(
    ASSETS,
    ([code, asset]) =>
      HttpClientRequest.put(`${url}/api/v1/admin/assets/${code}`).pipe(
        HttpClientRequest.bearerToken(key),
        HttpClientRequest.bodyJsonUnsafe(asset),
        HttpClient.execute,
        Effect.filterOrFail(({ status }) => status < 300),
        Effect.mapError(() => new TargetUnavailable({ detail: `${code} could not be listed` }))
      ),
    { discard: true }
  )

/** Resident memory of a process on Linux, in MiB. */
const memoryOf = (pid: number) =>
  Effect.tryPromise(() => readFile(`/proc/${pid}/status`, "utf8")).pipe(
    Effect.map((text) => Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024)),
    Effect.option
  )
