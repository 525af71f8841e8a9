import { Context, Effect, Layer } from "effect"
import { fileURLToPath } from "node:url"
import * as RedisServer from "../support/RedisServer.ts"
import * as TcpProxy from "../support/TcpProxy.ts"
import { DESTINATIONS, OWN_MARGIN, SOURCES } from "./Currencies.ts"
import * as Nodes from "./Nodes.ts"
import * as Postgres from "./Postgres.ts"
import * as Provider from "./Provider.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** When a rate is stale, and how often all are fetched: short, so that a soak sees much of both. */
export const STALE_AFTER_MILLIS = 10_000
const POLL_INTERVAL_MILLIS = 3000

interface Options {
  readonly seed: number
  readonly nodes: number
  /** The folder of the program that is soaked; this repository without it. */
  readonly program?: string | undefined
}

/** Everything that a soak runs: the nodes, and what they stand on, behind doors that can be shut. */
export class Harness extends Context.Service<
  Harness,
  {
    readonly postgres: Postgres.Postgres
    readonly redis: RedisServer.RedisServer
    readonly provider: Provider.Provider
    readonly postgresDoor: TcpProxy.TcpProxy
    readonly redisDoor: TcpProxy.TcpProxy
    readonly nodes: ReadonlyArray<Nodes.Node>
    /** The `effex` that is soaked, and the environment that leads it to all of this. */
    readonly program: string
    readonly env: Readonly<Record<string, string>>
  }
>()("effex/soak/Rig") {
  static readonly layer = (options: Options) => Layer.effect(Harness, make(options))
}

const make = Effect.fnUntraced(function* (options: Options) {
  const postgres = yield* Postgres.start
  const redis = yield* RedisServer.start
  const provider = yield* Provider.listen(options.seed)
  const postgresDoor = yield* TcpProxy.open(postgres.target)
  const redisDoor = yield* TcpProxy.open(redis.target)
  const program = `${options.program ?? root}/bin/effex`
  const env = {
    DATABASE_URL: `postgres://effex@127.0.0.1:${postgresDoor.port}/${postgres.database}?sslmode=disable`,
    REDIS_URL: `redis://127.0.0.1:${redisDoor.port}`,
    FLUTTERWAVE_BASE_URL: provider.baseUrl,
    FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-soak",
    RATE_SOURCES: SOURCES.join(),
    RATE_DESTINATIONS: DESTINATIONS.join(),
    CONVERSION_MARGINS: `${OWN_MARGIN.pair}=${OWN_MARGIN.margin}`,
    POLL_INTERVAL: `${POLL_INTERVAL_MILLIS} millis`,
    POLL_SPACING: "0 millis",
    POLL_CONCURRENCY: "6",
    STALE_AFTER: `${STALE_AFTER_MILLIS} millis`,
    LOOKUP_BUDGET: "500 millis",
    // A wrong level is believed after so many polls of it; the soak's lies must never be.
    GUARD_CONFIRMATIONS: "off",
    ALLOW_ANONYMOUS_CONVERT: "true",
    RATE_LIMIT_READS: "off",
    RATE_LIMIT_WRITES: "off",
    AUDIT_SIGNING_KEY: Buffer.alloc(32, options.seed % 256).toString("base64")
  }
  const nodes = yield* Effect.forEach(
    Array.from({ length: options.nodes }, (_, i) => i + 1),
    (index) => Nodes.start(index, program, env),
    { concurrency: "unbounded" }
  )
  return Harness.of({ postgres, redis, provider, postgresDoor, redisDoor, nodes, program, env })
})
