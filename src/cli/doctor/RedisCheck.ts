import { Effect, Option, Schedule } from "effect"
import { Settings } from "../../config/Settings.ts"
import { Redis } from "../../platform/Redis.ts"
import { failed, type Finding, ok, reasonOf, warning } from "./Finding.ts"

/** Streams came with this one. */
const OLDEST_VERSION = 5

/** Whether Redis can be used, where there is one. */
export const examine = Effect.gen(function* () {
  const { redisUrl } = yield* Settings
  if (Option.isNone(redisUrl)) return [ok("redis", "none: cache, streams and limits live in each process")]
  return yield* ask.pipe(
    Effect.provide(Redis.layer),
    Effect.catchTag("RedisError", ({ cause }) =>
      Effect.succeed([
        failed(
          "redis",
          `it does not answer: ${reasonOf(cause)}`,
          "Look at REDIS_URL, its password too, and at whether the server runs; effex goes on without it, each node by itself"
        )
      ])
    )
  )
})

/** A machine that is busy may need more than the little time that a lookup has for Redis. */
const AGAIN = { schedule: Schedule.spaced("300 millis"), times: 5 }

const ask = Effect.gen(function* () {
  const { use } = yield* Redis
  const text = yield* Effect.retry(
    use((client) => client.info()),
    AGAIN
  )
  const info = new Map(
    text.split("\r\n").map((line) => [line.replace(/:.*/s, ""), line.replace(/^[^:]*:/, "")])
  )
  return judge((name) => info.get(name) ?? "")
})

const judge = (info: (name: string) => string): ReadonlyArray<Finding> => {
  const version = info("redis_version")
  const found = `Redis ${version}`
  if (Number.parseInt(version, 10) < OLDEST_VERSION)
    return [failed("redis", found, `Use Redis ${OLDEST_VERSION} or newer, or Valkey`)]
  if (info("role") !== "master")
    return [failed("redis", `${found}, a replica that takes no writes`, "Have REDIS_URL lead to the primary")]
  const policy = info("maxmemory_policy")
  const findings = [
    ...(policy.startsWith("allkeys")
      ? [
          warning(
            "redis memory",
            `maxmemory-policy ${policy} may throw away the stream of changes, and every reader begins anew then`,
            "Set maxmemory-policy to volatile-ttl: rates have a TTL, and the stream has none"
          )
        ]
      : []),
    ...(policy === "noeviction" && info("maxmemory") !== "0"
      ? [
          warning(
            "redis memory",
            `maxmemory-policy ${policy}: once it is full, it takes no rate and no change any more`,
            "Set maxmemory-policy to volatile-ttl, or give it memory enough"
          )
        ]
      : []),
    ...(info("rdb_last_bgsave_status") === "err"
      ? [
          warning(
            "redis persistence",
            "its last snapshot failed, and it may refuse writes because of that",
            "Look at its log and its disk; effex needs nothing of it to be kept"
          )
        ]
      : [])
  ]
  return [ok("redis", `${found}, maxmemory-policy ${policy}`), ...findings]
}
