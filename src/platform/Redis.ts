import { Context, Effect, Layer, Metric, Option, Redacted, Schema } from "effect"
import * as EffectRedis from "effect/persistence/Redis"
import { Redis as Client } from "ioredis"
import { Settings } from "../config/Settings.ts"
import * as Metrics from "./telemetry/Metrics.ts"

/** How long a command may take. A lookup goes on without Redis when it is slower. */
const COMMAND_TIMEOUT_MILLIS = 250

/** No Redis is configured, where one is needed. */
export class RedisNotConfigured extends Schema.TaggedError<RedisNotConfigured>()("RedisNotConfigured", {}) {}

/**
 * The one ioredis client of this process. It connects and reconnects by itself; a command fails at once while there is
 * no connection, and after 250 ms where nothing answers.
 */
export class Redis extends Context.Service<
  Redis,
  {
    readonly client: Client
    /** Runs a command; what goes wrong is a `RedisError`. */
    readonly use: <A>(command: (client: Client) => Promise<A>) => Effect.Effect<A, EffectRedis.RedisError>
  }
>()("effex/platform/Redis") {
  /** The Redis of `REDIS_URL`, also as the `Redis` service of `effect/persistence`. */
  static readonly layer: Layer.Layer<Redis | EffectRedis.Redis, RedisNotConfigured, Settings> =
    Layer.effectContext(Effect.suspend(() => make))
}

const make = Effect.gen(function* () {
  const { redisUrl } = yield* Settings
  if (Option.isNone(redisUrl)) return yield* new RedisNotConfigured()
  const client = yield* open(redisUrl.value, {
    announce: true,
    commandTimeout: COMMAND_TIMEOUT_MILLIS,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2000)
  })
  const use = useOf(client)
  const redis = yield* EffectRedis.make({
    send: sendOf(client),
    connect: Effect.map(openUnscoped(redisUrl.value, { retryStrategy: () => null }), (connection) => ({
      send: sendOf(connection),
      close: Effect.sync(() => connection.disconnect())
    })),
    subscribe: (channel, onMessage) =>
      open(redisUrl.value, {}).pipe(
        Effect.tap((subscriber) => {
          subscriber.on("message", (from: string, message: string) => onMessage({ channel: from, message }))
          return useOf(subscriber)((to) => to.subscribe(channel))
        }),
        Effect.as(Effect.never)
      )
  })
  return Context.make(Redis, { client, use }).pipe(Context.add(EffectRedis.Redis, redis))
})

const useOf =
  (client: Client) =>
  <A>(command: (client: Client) => Promise<A>) =>
    Effect.tryPromise({
      try: () => command(client),
      catch: (cause) => new EffectRedis.RedisError({ cause })
    }).pipe(
      Effect.tapError(() => Metric.update(Metrics.redisFailures, 1)),
      Effect.withSpan("Redis", { kind: "client", attributes: { "db.system.name": "redis" } })
    )

const sendOf =
  (client: Client): EffectRedis.Redis["Service"]["send"] =>
  <A>(command: string, ...args: ReadonlyArray<string>) =>
    useOf(client)((to) => to.call(command, ...args) as Promise<A>)

const openUnscoped = Effect.fnUntraced(function* (
  url: Redacted.Redacted,
  options: {
    readonly commandTimeout?: number
    readonly retryStrategy?: (attempt: number) => number | null
    /** Whether it is the one that tells the log when Redis goes and comes. */
    readonly announce?: boolean
  }
) {
  const log = Effect.runForkWith(yield* Effect.context<never>())
  const { announce = false, ...rest } = options
  const client = new Client(Redacted.value(url), {
    ...rest,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    keepAlive: 10_000
  })
  let reachable = true
  client.on("ready", () => {
    if (!reachable && announce) {
      log(Effect.andThen(Metric.update(Metrics.redisRecoveries, 1), Effect.logInfo("Redis is back")))
    }
    reachable = true
  })
  client.on("error", (error: Error) => {
    if (reachable && announce) log(Effect.logWarning(`Redis cannot be reached: ${error.message}`))
    reachable = false
  })
  yield* awaitReady(client)
  return client
})

/** Waits for the first connection, but not for long: effex works without Redis. */
const awaitReady = (client: Client) =>
  Effect.callback<void>((resume) => {
    client.once("ready", () => resume(Effect.void))
  }).pipe(Effect.timeoutOption("2 seconds"))

const open = (...args: Parameters<typeof openUnscoped>) =>
  Effect.acquireRelease(openUnscoped(...args), (client) => Effect.sync(() => client.disconnect()))
