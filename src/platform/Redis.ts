import { Context, Effect, Layer, Metric, Option, Redacted, Schema } from "effect"
import * as EffectRedis from "effect/persistence/Redis"
import { Redis as Client } from "ioredis"
import { Settings } from "../config/Settings.ts"
import * as RedisMetrics from "./metrics/RedisMetrics.ts"
import * as RedisRefusals from "./RedisRefusals.ts"

/** Timeout of a command. Slower lookups continue without Redis. */
const COMMAND_TIMEOUT_MILLIS = 250
/** After a failover, the connection may still lead to the old primary. It is replaced at most once in this time. */
const READ_ONLY_RECONNECT_INTERVAL_MILLIS = 10_000

/** `REDIS_URL` is not set. */
export class RedisNotConfigured extends Schema.TaggedError<RedisNotConfigured>()("RedisNotConfigured", {}) {
  override get message(): string {
    return "REDIS_URL is not set"
  }
}

/** Errors of clients that are disconnected. The `cause` says why; a command only fails because they are. */
const connectionErrors = new WeakMap<Client, Error>()

const useOf =
  (client: Client) =>
  <A>(command: (client: Client) => Promise<A>) =>
    Effect.tryPromise({
      try: () => command(client),
      catch: (cause) => new EffectRedis.RedisError({ cause: connectionErrors.get(client) ?? cause })
    }).pipe(
      Effect.tapError(() => Metric.update(RedisMetrics.failures, 1)),
      Effect.withSpan("Redis", { kind: "client", attributes: { "db.system.name": "redis" } })
    )

type OnOutcome = (command: string, args: ReadonlyArray<string>, error: unknown) => Effect.Effect<void>

const sendOf =
  (client: Client, onOutcome: OnOutcome): EffectRedis.Redis["Service"]["send"] =>
  <A>(command: string, ...args: ReadonlyArray<string>) =>
    useOf(client)((client) => client.call(command, ...args) as Promise<A>).pipe(
      Effect.tap(() => onOutcome(command, args, undefined)),
      Effect.tapError(({ cause }) => onOutcome(command, args, cause))
    )

/** Keeps the refusals of Redis, and logs when it starts and stops to refuse commands. */
const recordTo =
  (refusals: RedisRefusals.RedisRefusals): OnOutcome =>
  (command, args, error) =>
    Effect.suspend(() => {
      const change = refusals.record(command, args, error)
      if (change === undefined) return Effect.void
      return change === null
        ? Effect.logInfo("Redis accepts all commands again")
        : Effect.logWarning(`Redis refuses ${command}: ${change.reply}`)
    })

/** Returns true if a refused write is a reason to reconnect: a proxy or DNS may lead to the new primary by now. */
const makeReconnectOnError = () => {
  let reconnectedAt = -Infinity
  return ({ message }: Error) => {
    const now = performance.now()
    if (!message.startsWith("READONLY") || now - reconnectedAt < READ_ONLY_RECONNECT_INTERVAL_MILLIS)
      return false
    reconnectedAt = now
    return true
  }
}

const openUnscoped = Effect.fnUntraced(function* (
  url: Redacted.Redacted,
  options: {
    readonly commandTimeout?: number
    readonly retryStrategy?: (attempt: number) => number | null
    readonly reconnectOnError?: (error: Error) => boolean
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
    connectionErrors.delete(client)
    if (!isConnected && logConnection) {
      log(Effect.andThen(Metric.update(RedisMetrics.reconnects, 1), Effect.logInfo("Reconnected to Redis")))
    }
    isConnected = true
  })
  client.on("error", (error: Error) => {
    connectionErrors.set(client, new Error("Redis is disconnected", { cause: error }))
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
  const refusals = RedisRefusals.make()
  const record = recordTo(refusals)
  const client = yield* open(redisUrl.value, {
    logConnection: true,
    reconnectOnError: makeReconnectOnError(),
    commandTimeout: COMMAND_TIMEOUT_MILLIS,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2000)
  })
  const use = useOf(client)
  const redis = yield* EffectRedis.make({
    send: sendOf(client, record),
    connect: Effect.map(openUnscoped(redisUrl.value, { retryStrategy: () => null }), (connection) => ({
      send: sendOf(connection, record),
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
  return Context.make(Redis, { client, use, refusals: refusals.current }).pipe(
    Context.add(EffectRedis.Redis, redis)
  )
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
    /** Commands that Redis refused when they were last sent, in spite of a working connection. */
    readonly refusals: () => ReadonlyArray<RedisRefusals.Refusal>
  }
>()("effex/platform/Redis") {
  /** Connects to `REDIS_URL`. Also provides the `Redis` service of `effect/persistence`. */
  static readonly layer: Layer.Layer<Redis | EffectRedis.Redis, RedisNotConfigured, Settings> =
    Layer.effectContext(make)
}
