import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Registration } from "../../../src/accounts/Registration.ts"
import { SessionCleanup } from "../../../src/accounts/sessions/SessionCleanup.ts"
import { Sessions } from "../../../src/accounts/sessions/Sessions.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as TestAccounts from "../../support/TestAccounts.ts"

const counts = Effect.gen(function* () {
  const { execute, sql } = yield* Database
  const rows = yield* execute(sql<{ sessions: number; tokens: number }>`
    SELECT (SELECT count(*)::int FROM session) AS sessions, (SELECT count(*)::int FROM refresh_token) AS tokens`)
  return { ...rows[0] }
})

layer(SessionCleanup.layer.pipe(Layer.provideMerge(TestAccounts.layer({ REFRESH_TOKEN_TTL: "1 hour" }))))(
  "SessionCleanup",
  (it) => {
    it.effect("deletes sessions a week after they expired, with their tokens, in batches on two nodes", () =>
      Effect.gen(function* () {
        const { execute, sql } = yield* Database
        const { deleteBatch } = yield* SessionCleanup
        const sessions = yield* Sessions
        const { refreshToken, user } = yield* (yield* Registration).register(
          TestAccounts.account("amara"),
          TestAccounts.DEVICE
        )
        const rotated = yield* sessions.refresh(refreshToken, TestAccounts.DEVICE)
        yield* execute(sql`
        INSERT INTO session (id, user_id, created_at, last_used_at, expires_at, second_factor, address, user_agent)
        SELECT gen_random_uuid(), user_id, created_at, last_used_at, expires_at, false, '', ''
        FROM session, generate_series(1, 1200)`)
        assert.deepStrictEqual(yield* counts, { sessions: 1201, tokens: 2 })
        yield* TestClock.adjust("169 hours")
        assert.strictEqual(yield* deleteBatch, 0)
        yield* sessions.endAll(user.id, "logout-all")
        const next = yield* (yield* Registration).register(TestAccounts.account("kofi"), TestAccounts.DEVICE)
        yield* TestClock.adjust("1 minute")
        const both = yield* Effect.all([deleteBatch, deleteBatch], { concurrency: 2 })
        assert.isAtMost(Math.max(...both), 500)
        assert.strictEqual((yield* counts).sessions, 1202 - both[0] - both[1])
        yield* Effect.repeat(deleteBatch, { until: (deleted) => deleted === 0 })
        assert.deepStrictEqual(yield* counts, { sessions: 1, tokens: 1 })
        const gone = yield* Effect.flip(sessions.refresh(rotated.refreshToken, TestAccounts.DEVICE))
        assert.deepInclude(gone, { _tag: "SessionEnded", reason: "unknown" })
        yield* sessions.refresh(next.refreshToken, TestAccounts.DEVICE)
      })
    )
  }
)
