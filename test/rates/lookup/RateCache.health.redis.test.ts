import { assert, describe, it } from "@effect/vitest"
import { Context, DateTime, Effect, Layer, Option } from "effect"
import type { Scope } from "effect"
import { Redis } from "../../../src/platform/Redis.ts"
import { RedisKeys } from "../../../src/platform/RedisKeys.ts"
import { RateCache } from "../../../src/rates/lookup/RateCache.ts"
import * as RedisServer from "../../support/RedisServer.ts"
import { rate, USD_NGN } from "../../support/SampleRates.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import * as TestSettings from "../../support/TestSettings.ts"

const start = (url: string) =>
  Effect.map(
    Layer.build(
      RateCache.layerRedis.pipe(
        Layer.provide(Layer.merge(Redis.layer, RedisKeys.layerOf("db1"))),
        Layer.provide(TestSettings.layer({ REDIS_URL: url })),
        Layer.fresh
      )
    ),
    (context) => Context.get(context, RateCache)
  )

const test = (
  name: string,
  body: (redis: RedisServer.RedisServer) => Effect.Effect<void, unknown, Scope.Scope>
) => it.live(name, () => Effect.scoped(Effect.flatMap(RedisServer.start, body)))

/** Faults of a Redis that answers, with the command that ends each. */
const FAULTS = [
  {
    fault: "is a read-only replica",
    begin: ["REPLICAOF", "127.0.0.1", "1"],
    end: ["REPLICAOF", "NO", "ONE"],
    reason: "read-only",
    detail: "it is a read-only replica"
  },
  {
    fault: "is out of memory",
    begin: ["CONFIG", "SET", "maxmemory", "1"],
    end: ["CONFIG", "SET", "maxmemory", "0"],
    reason: "out-of-memory",
    detail: "its memory is full"
  },
  {
    fault: "permits no scripts",
    begin: ["ACL", "SETUSER", "effex", "-evalsha"],
    end: ["ACL", "SETUSER", "effex", "+evalsha"],
    reason: "no-permission",
    detail: "its user lacks a permission"
  },
  {
    fault: "permits no writes in scripts",
    begin: ["ACL", "SETUSER", "effex", "-set"],
    end: ["ACL", "SETUSER", "effex", "+set"],
    reason: "no-permission",
    detail: "its user lacks a permission"
  },
  {
    fault: "has too few replicas",
    begin: ["CONFIG", "SET", "min-replicas-to-write", "1"],
    end: ["CONFIG", "SET", "min-replicas-to-write", "0"],
    reason: "persistence",
    detail: "it has too few replicas"
  }
] as const

describe.skipIf(!TestRedis.isAvailable)("RateCache.health", () => {
  for (const { begin, detail, end, fault, reason } of FAULTS) {
    test(`reports a Redis that ${fault}, and its recovery`, ({ call, url }) =>
      Effect.gen(function* () {
        yield* call("ACL", "SETUSER", "effex", "on", ">secret", "~*", "&*", "+@all")
        const cache = yield* start(url.replace("//", "//effex:secret@"))
        const first = { ...rate(USD_NGN, 1), observedAt: yield* DateTime.now }
        yield* cache.put(first)
        assert.deepStrictEqual(yield* cache.health, { status: "ok" })
        const [command, ...args] = begin
        yield* call(command, ...args)
        const second = { ...rate(USD_NGN, 2), observedAt: yield* DateTime.now }
        yield* cache.put(second)
        assert.strictEqual(Option.getOrThrow(cache.peek(USD_NGN)).id, second.id)
        // A read-only Redis is reconnected to, and is down meanwhile.
        const during = yield* cache.health.pipe(
          Effect.repeat({ until: ({ status }) => status === "degraded" })
        )
        assert.strictEqual(during.refused, reason)
        assert.include(during.detail, detail)
        assert.strictEqual(Option.getOrThrow(yield* cache.get(USD_NGN)).id, first.id)
        const [endCommand, ...endArgs] = end
        yield* call(endCommand, ...endArgs)
        // Permissions are checked for each command, so that only the same one can show the recovery.
        if (reason === "no-permission") yield* cache.put(second)
        yield* cache.health.pipe(Effect.repeat({ until: ({ status }) => status === "ok" }))
        yield* cache.put(second)
        assert.strictEqual(Option.getOrThrow(yield* cache.get(USD_NGN)).id, second.id)
      }))
  }
})
