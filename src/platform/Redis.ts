import { Context, Effect, Layer, Metric, Option, Redacted, Schema } from "effect"
import * as EffectRedis from "effect/persistence/Redis"
import { Redis as Client } from "ioredis"
import { Settings } from "../config/Settings.ts"
import * as RedisMetrics from "./metrics/RedisMetrics.ts"

/** Timeout of a command. Slower lookups continue without Redis. */
const COMMAND_TIMEOUT_MILLIS = 250

/** `REDIS_URL` is not set. */
export class RedisNotConfigured extends Schema.TaggedError<RedisNotConfigured>()("RedisNotConfigured", {}) {
  override get message(): string {
    return "REDIS_URL is not set"
  }
}

const useOf =
  (client: Client) =>
  <A>(command: (client: Client) => Promise<A>) =>
    Effect.tryPromise({
      try: () => command(client),
      catch: (cause) => new EffectRedis.RedisError({ cause })
    }).pipe(
      Effect.tapError(() => Metric.update(RedisMetrics.failures, 1)),
      Effect.withSpan("Redis", { kind: "client", attributes: { "db.system.name": "redis" } })
    )

const sendOf =
  (client: Client): EffectRedis.Redis["Service"]["send"] =>
  <A>(command: string, ...args: ReadonlyArray<string>) =>
    useOf(client)((client) => client.call(command, ...args) as Promise<A>)

const openUnscoped = Effect.fnUntraced(function* (
  url: Redacted.Redacted,
  options: {
    readonly commandTimeout?: number
    readonly retryStrategy?: (attempt: number) => number | null
    /** Logs when the connection is lost and re-established. */
    readonly logConnection?: boolean
  }
) {
  const log = Effect.runForkWith(yield* Effect.context<never>())
  const { logConnection = false, ...clientOptions } = options
  const client = new Client(Redacted.value(url), {
    ...clientOptions,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    keepAlive: 10_000
  })
  let isConnected = true
  client.on("ready", () => {
    if (!isConnected && logConnection) {
      log(Effect.andThen(Metric.update(RedisMetrics.reconnects, 1), Effect.logInfo("Reconnected to Redis")))
    }
    isConnected = true
  })
  client.on("error", (error: Error) => {
    if (isConnected && logConnection) log(Effect.logWarning(`Redis is unavailable: ${error.message}`))
    isConnected = false
  })
  yield* awaitReady(client)
  return client
})

/** Waits up to two seconds for the first connection: effex works without Redis. */
const awaitReady = (client: Client) =>
  Effect.callback<void>((resume) => {
    client.once("ready", () => resume(Effect.void))
  }).pipe(Effect.timeoutOption("2 seconds"))

const open = (...args: Parameters<typeof openUnscoped>) =>
  Effect.acquireRelease(openUnscoped(...args), (client) => Effect.sync(() => client.disconnect()))

const make = Effect.gen(function* () {
  const { redisUrl } = yield* Settings
  if (Option.isNone(redisUrl)) return yield* new RedisNotConfigured()
  const client = yield* open(redisUrl.value, {
    logConnection: true,
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
          subscriber.on("message", (channel: string, message: string) => onMessage({ channel, message }))
          return useOf(subscriber)((client) => client.subscribe(channel))
        }),
        Effect.as(Effect.never)
      )
  })
  return Context.make(Redis, { client, use }).pipe(Context.add(EffectRedis.Redis, redis))
})

/**
 * The ioredis client of this process. It reconnects automatically. A command fails at once while disconnected, and after
 * 250 ms without a response.
 */
export class Redis extends Context.Service<
  Redis,
  {
    readonly client: Client
    /** Runs a command; any failure becomes a `RedisError`. */
    readonly use: <A>(command: (client: Client) => Promise<A>) => Effect.Effect<A, EffectRedis.RedisError>
  }
>()("effex/platform/Redis") {
  /** Connects to `REDIS_URL`. Also provides the `Redis` service of `effect/persistence`. */
  static readonly layer: Layer.Layer<Redis | EffectRedis.Redis, RedisNotConfigured, Settings> =
    Layer.effectContext(make)
}
