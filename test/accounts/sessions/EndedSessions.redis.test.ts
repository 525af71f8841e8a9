import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { EndedSessions } from "../../../src/accounts/sessions/EndedSessions.ts"
import { SessionId } from "../../../src/domain/accounts/Session.ts"
import { Redis } from "../../../src/platform/Redis.ts"
import { RedisKeys } from "../../../src/platform/RedisKeys.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import * as TwoServers from "../../support/TwoServers.ts"
import { eventuallyFrom } from "../../support/Waiters.ts"

const DATABASE = 13
const ID = SessionId.make("01980000-0000-7000-8000-000000000001")

/** Starts a node. The session of the test is not in PostgreSQL, so that only Redis can carry it. */
const start = (databaseUrl: string, redisUrl: string) =>
  EndedSessions.layerRedis.pipe(
    Layer.provide([Redis.layer, RedisKeys.layerOf("db1"), Database.layer]),
    Layer.provide(TestSettings.layer({ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl })),
    Layer.fresh,
    Layer.build,
    Effect.flatMap((context) => Effect.provideContext(EndedSessions, context))
  )

describe.skipIf(!TestRedis.isAvailable)("EndedSessions over Redis", () => {
  it.live("announces a session to other nodes, once per listener, and ignores what it cannot read", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.database(DATABASE)
      const databaseUrl = yield* TestDatabase.create
      const [first, second] = [yield* start(databaseUrl, redis.url), yield* start(databaseUrl, redis.url)]
      const channel = "effex:db1:ended-sessions"
      yield* eventuallyFrom(
        "two subscribers",
        Effect.map(redis.call("PUBSUB", "NUMSUB", channel), (reply) =>
          Array.isArray(reply) && Number(reply[1]) === 2 ? true : undefined
        )
      )
      yield* redis.call("PUBLISH", channel, "not JSON")
      yield* redis.call("PUBLISH", channel, JSON.stringify([{ id: ID, reason: "unknown reason" }]))
      let calls = 0
      const heard = Effect.callback<void>((resume) => {
        second.onEnd(ID, () => {
          calls++
          resume(Effect.void)
        })
      })
      assert.isUndefined(second.reasonOf(ID))
      yield* Effect.all([heard, first.publish([{ id: ID, reason: "lock" }])], { concurrency: "unbounded" })
      assert.strictEqual(second.reasonOf(ID), "lock")
      assert.strictEqual(first.reasonOf(ID), "lock")
      yield* first.publish([{ id: ID, reason: "lock" }])
      assert.strictEqual(calls, 1)
    }).pipe(Effect.scoped)
  )

  it.live("end the connections and the access token of a session that signs out on another node", () =>
    Effect.gen(function* () {
      const { url } = yield* TestRedis.database(DATABASE)
      yield* TwoServers.signOutElsewhere({ REDIS_URL: url })
    }).pipe(Effect.scoped)
  )
})
