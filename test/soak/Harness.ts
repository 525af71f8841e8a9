import { Context, Effect, Layer } from "effect"
import { fileURLToPath } from "node:url"
import { runProgram } from "../support/ChildProgram.ts"
import * as RedisServer from "../support/RedisServer.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import { DESTINATIONS, PAIR_MARGIN, SOURCES } from "./Currencies.ts"
import * as Exchange from "./Exchange.ts"
import * as Nodes from "./Nodes.ts"
import { POOL_MILLIS } from "./OrderModel.ts"
import * as Postgres from "./Postgres.ts"
import * as Provider from "./Provider.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** Short, so that a soak covers many polls and stale rates. */
export const STALE_AFTER_MILLIS = 10_000
const POLL_INTERVAL_MILLIS = 3000

interface Options {
  readonly seed: number
  readonly nodes: number
  /** Folder of the program under test; by default this repository. */
  readonly program?: string | undefined
}

/** Everything that a soak runs: the nodes, and their dependencies behind fault-injecting proxies. */
export class Harness extends Context.Service<
  Harness,
  {
    readonly postgres: Postgres.Postgres
    readonly redis: RedisServer.RedisServer
    readonly provider: Provider.Provider
    readonly exchange: Exchange.Exchange
    readonly postgresProxy: TcpProxy.TcpProxy
    readonly redisProxy: TcpProxy.TcpProxy
    readonly nodes: ReadonlyArray<Nodes.Node>
    /** Path of the `effex` under test, and its environment. */
    readonly program: string
    readonly env: Readonly<Record<string, string>>
  }
>()("effex/soak/Harness") {
  static readonly layer = (options: Options) => Layer.effect(Harness, make(options))
}

const make = Effect.fnUntraced(function* (options: Options) {
  const postgres = yield* Postgres.start
  const redis = yield* RedisServer.start
  const provider = yield* Provider.listen(options.seed)
  const exchange = yield* Exchange.listen(options.seed)
  const postgresProxy = yield* TcpProxy.open(postgres.target)
  const redisProxy = yield* TcpProxy.open(redis.target)
  const program = `${options.program ?? root}/bin/effex`
  const env = {
    DATABASE_URL: `postgres://effex@127.0.0.1:${postgresProxy.port}/${postgres.database}?sslmode=disable`,
    REDIS_URL: `redis://127.0.0.1:${redisProxy.port}`,
    FLUTTERWAVE_BASE_URL: provider.baseUrl,
    FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-soak",
    RATE_SOURCES: SOURCES.join(),
    RATE_DESTINATIONS: DESTINATIONS.join(),
    CONVERSION_MARGINS: `${PAIR_MARGIN.pair}=${PAIR_MARGIN.margin}`,
    POLL_INTERVAL: `${POLL_INTERVAL_MILLIS} millis`,
    PRICE_POLL_INTERVAL: "10 seconds",
    ...exchange.env,
    AGGREGATION_MAX_WAIT: `${POOL_MILLIS} millis`,
    POLL_SPACING: "0 millis",
    POLL_CONCURRENCY: "6",
    STALE_AFTER: `${STALE_AFTER_MILLIS} millis`,
    LOOKUP_BUDGET: "500 millis",
    // Otherwise repeated wrong rates would be accepted, which the checks report as violations.
    GUARD_CONFIRMATIONS: "off",
    ALLOW_ANONYMOUS_CONVERT: "true",
    // The default with a real provider of rates is `manual`.
    FUNDING: "sandbox",
    RATE_LIMIT_READS: "off",
    RATE_LIMIT_WRITES: "off",
    RATE_LIMIT_REFRESHES: "off",
    MAX_AGE_FLOOR: "0 millis",
    // Each user has an address of its own.
    TRUSTED_PROXIES: "127.0.0.0/8",
    JWT_SIGNING_KEY: Buffer.alloc(32, (options.seed + 1) % 256).toString("base64"),
    MFA_ENCRYPTION_KEY: Buffer.alloc(32, (options.seed + 2) % 256).toString("base64"),
    AUDIT_SIGNING_KEY: Buffer.alloc(32, options.seed % 256).toString("base64")
  }
  for (const { code, decimals, flags } of Exchange.ASSETS) {
    const args = ["assets", "add", code, "--name", code, "--decimals", String(decimals), ...flags]
    const { ended, output } = yield* runProgram(program, args, env)
    if ((yield* ended) !== 0) return yield* Effect.die(new Error(`${code} could not be listed: ${output()}`))
  }
  const nodes = yield* Effect.forEach(
    Array.from({ length: options.nodes }, (_, i) => i + 1),
    (index) => Nodes.start(index, program, env),
    { concurrency: "unbounded" }
  )
  return Harness.of({ postgres, redis, provider, exchange, postgresProxy, redisProxy, nodes, program, env })
})
