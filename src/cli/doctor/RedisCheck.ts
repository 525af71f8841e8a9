import { Effect, Option, Schedule } from "effect"
import { Settings } from "../../config/Settings.ts"
import { Redis } from "../../platform/Redis.ts"
import { rootMessage } from "../../platform/RootCause.ts"
import { failed, type CheckResult, ok, warning } from "./CheckResult.ts"

/** The first version with streams. */
const MIN_VERSION = 5

/** Checks that Redis is usable, if one is configured. */
export const run = Effect.gen(function* () {
  const { redisUrl } = yield* Settings
  if (Option.isNone(redisUrl))
    return [ok("redis", "not configured: each process has its own cache, streams and limits")]
  return yield* checkServer.pipe(
    Effect.provide(Redis.layer),
    Effect.catchTag("RedisError", ({ cause }) =>
      Effect.succeed([
        failed(
          "redis",
          `no response: ${rootMessage(cause)}`,
          "Check REDIS_URL and its password, and that the server is running; without Redis, effex works, but nodes do not share caches or streams"
        )
      ])
    )
  )
})

/** Retries, because the command timeout for lookups is too short for a busy machine. */
const RETRIES = { schedule: Schedule.spaced("300 millis"), times: 5 }

const checkServer = Effect.gen(function* () {
  const { use } = yield* Redis
  const text = yield* Effect.retry(
    use((client) => client.info()),
    RETRIES
  )
  const info = new Map(
    text.split("\r\n").map((line) => [line.replace(/:.*/s, ""), line.replace(/^[^:]*:/, "")])
  )
  return checkInfo((name) => info.get(name) ?? "")
})

const checkInfo = (info: (name: string) => string): ReadonlyArray<CheckResult> => {
  const version = info("redis_version")
  const found = `Redis ${version}`
  if (Number.parseInt(version, 10) < MIN_VERSION)
    return [failed("redis", found, `Use Redis ${MIN_VERSION} or newer, or Valkey`)]
  if (info("role") !== "master")
    return [failed("redis", `${found}; it is a read-only replica`, "Point REDIS_URL to the primary")]
  const policy = info("maxmemory_policy")
  const results = [
    ...(policy.startsWith("allkeys")
      ? [
          warning(
            "redis memory",
            `maxmemory-policy ${policy} can evict the stream of changes, and then every subscriber restarts from a snapshot`,
            "Set maxmemory-policy to volatile-ttl: rates have a TTL, the stream has none"
          )
        ]
      : []),
    ...(policy === "noeviction" && info("maxmemory") !== "0"
      ? [
          warning(
            "redis memory",
            `maxmemory-policy ${policy}: once memory is full, Redis rejects new rates and changes`,
            "Set maxmemory-policy to volatile-ttl, or raise maxmemory"
          )
        ]
      : []),
    ...(info("rdb_last_bgsave_status") === "err"
      ? [
          warning(
            "redis persistence",
            "the last snapshot failed, and Redis may reject writes",
            "Check the log and the disk of Redis; effex itself does not need persistence"
          )
        ]
      : [])
  ]
  return [ok("redis", `${found}, maxmemory-policy ${policy}`), ...results]
}
