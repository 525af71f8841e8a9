import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { EndedSessions } from "../../../src/accounts/sessions/EndedSessions.ts"
import { SecurityEvents } from "../../../src/accounts/SecurityEvents.ts"
import { Registration } from "../../../src/accounts/Registration.ts"
import { Sessions } from "../../../src/accounts/sessions/Sessions.ts"
import type { UserId } from "../../../src/domain/accounts/User.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as TestAccounts from "../../support/TestAccounts.ts"

const { DEVICE } = TestAccounts

let names = 0
const open = Effect.gen(function* () {
  const { register } = yield* Registration
  return yield* register(TestAccounts.account(`user-${names++}`), DEVICE)
})

/** Opens another session of a user. */
const openAgain = Effect.fnUntraced(function* (user: UserId) {
  const { transaction } = yield* Database
  const { openWithin } = yield* Sessions
  return yield* transaction(openWithin(user, DEVICE))
})

const refresh = (token: Redacted.Redacted) =>
  Effect.flatMap(Sessions, (sessions) => sessions.refresh(token, DEVICE))

/** Refreshes, and returns the reason of a refusal. */
const refusal = (token: Redacted.Redacted) =>
  Effect.map(Effect.flip(refresh(token)), (error) =>
    error._tag === "SessionEnded" ? error.reason : assert.fail(error._tag)
  )

layer(TestAccounts.layer({ REFRESH_TOKEN_TTL: "1 hour" }))("Sessions", (it) => {
  it.effect("rotate a refresh token, and extend the session", () =>
    Effect.gen(function* () {
      const { refreshToken, session } = yield* open
      yield* TestClock.adjust("59 minutes")
      const next = yield* refresh(refreshToken)
      assert.notStrictEqual(Redacted.value(next.refreshToken), Redacted.value(refreshToken))
      assert.match(Redacted.value(next.refreshToken), /^efr_[\w-]{43}$/)
      assert.strictEqual(next.session.id, session.id)
      yield* TestClock.adjust("59 minutes")
      const last = yield* refresh(next.refreshToken)
      yield* TestClock.adjust("61 minutes")
      assert.strictEqual(yield* refusal(last.refreshToken), "expired")
    })
  )

  it.effect("return one successor to 5 concurrent callers, 60 times", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 60; round++) {
        const { refreshToken } = yield* open.pipe(Effect.withSpan("open"))
        const results = yield* Effect.forEach([1, 2, 3, 4, 5], () => refresh(refreshToken), {
          concurrency: "unbounded"
        })
        assert.strictEqual(new Set(results.map((result) => Redacted.value(result.refreshToken))).size, 1)
      }
    })
  )

  it.effect("end the session when a token is used again after the grace, the newest token too", () =>
    Effect.gen(function* () {
      const { refreshToken, session } = yield* open
      const second = yield* refresh(refreshToken)
      yield* TestClock.adjust("9 seconds")
      const again = yield* refresh(refreshToken)
      assert.strictEqual(Redacted.value(again.refreshToken), Redacted.value(second.refreshToken))
      const third = yield* refresh(second.refreshToken)
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual(yield* refusal(refreshToken), "reuse")
      assert.strictEqual(yield* refusal(third.refreshToken), "reuse")
      const { reasonOf } = yield* EndedSessions
      assert.strictEqual(reasonOf(session.id), "reuse")
      const events = yield* (yield* SecurityEvents).after(session.userId, 0n, 10)
      assert.deepStrictEqual(
        events.map(({ event, session }) => [event, session]),
        [["refresh-token-reused", session.id]]
      )
    })
  )

  it.effect("return the successor again while it is unused", () =>
    Effect.gen(function* () {
      const { refreshToken } = yield* open
      yield* refresh(refreshToken)
      yield* TestClock.adjust("59 minutes")
      const again = yield* refresh(refreshToken)
      yield* refresh(again.refreshToken)
      assert.strictEqual(yield* refusal(refreshToken), "reuse")
    })
  )

  it.effect("end by logout, also during the grace", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { refreshToken } = yield* open
      const next = yield* refresh(refreshToken)
      yield* sessions.endByToken(refreshToken)
      assert.strictEqual(yield* refusal(refreshToken), "logout")
      assert.strictEqual(yield* refusal(next.refreshToken), "logout")
    })
  )

  it.effect("list what is open, and end one or all", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const first = yield* open
      assert.deepStrictEqual(
        (yield* sessions.list(first.user.id)).map(({ id }) => id),
        [first.session.id]
      )
      const other = yield* open
      const foreign = yield* Effect.flip(sessions.end(other.user.id, first.session.id, "ended"))
      assert.strictEqual(foreign._tag, "SessionNotFound")
      for (const id of ["", "x", "' OR 1=1", "00000000-0000-0000-0000-000000000000"])
        assert.strictEqual(
          (yield* Effect.flip(sessions.end(other.user.id, id, "ended")))._tag,
          "SessionNotFound"
        )
      yield* sessions.end(first.user.id, first.session.id, "ended")
      assert.deepStrictEqual(yield* sessions.list(first.user.id), [])
      yield* sessions.endAll(other.user.id, "logout-all")
      assert.strictEqual(yield* refusal(other.refreshToken), "logout-all")
    })
  )

  it.effect("end all except one in one step, with an event for each, also when two ask at once", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const kept = yield* open
      const user = kept.user.id
      const others = yield* Effect.forEach([1, 2, 3], () => openAgain(user))
      const foreign = yield* open
      const before = (yield* (yield* SecurityEvents).after(user, 0n, 100)).length
      yield* Effect.forEach([1, 2], () => sessions.endOthers(user, kept.session.id), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        (yield* sessions.list(user)).map(({ id }) => id),
        [kept.session.id]
      )
      for (const { refreshToken } of others) assert.strictEqual(yield* refusal(refreshToken), "ended")
      yield* refresh(kept.refreshToken)
      yield* refresh(foreign.refreshToken)
      const events = (yield* (yield* SecurityEvents).after(user, 0n, 100)).slice(before)
      assert.deepStrictEqual(
        events.map(({ event, session }) => [event, session]).toSorted(),
        others.map(({ session }) => ["session-ended", session.id]).toSorted()
      )
      const { reasonOf } = yield* EndedSessions
      for (const { session } of others) assert.strictEqual(reasonOf(session.id), "ended")
    })
  )

  it.effect(
    "end at the time of PostgreSQL, so that other nodes learn of it, whatever the clock of this node says",
    () =>
      Effect.gen(function* () {
        const { execute, sql } = yield* Database
        const sessions = yield* Sessions
        // The clock of this node stands in 1970.
        const reused = yield* open
        const second = yield* refresh(reused.refreshToken)
        yield* refresh(second.refreshToken)
        yield* TestClock.adjust("11 seconds")
        assert.strictEqual(yield* refusal(reused.refreshToken), "reuse")
        const ended = yield* open
        yield* sessions.end(ended.user.id, ended.session.id, "ended")
        const left = yield* open
        yield* sessions.endByToken(left.refreshToken)
        const all = yield* open
        yield* sessions.endAll(all.user.id, "logout-all")
        const kept = yield* open
        const other = yield* openAgain(kept.user.id)
        yield* sessions.endOthers(kept.user.id, kept.session.id)
        const otherNode = yield* Layer.build(Layer.fresh(EndedSessions.layerOnDemand))
        const { reasonOf } = Context.get(otherNode, EndedSessions)
        const ids = [reused, ended, left, all, other].map(({ session }) => session.id)
        assert.deepStrictEqual(ids.map(reasonOf), ["reuse", "ended", "logout", "logout-all", "ended"])
        const rows = yield* execute(sql`
        SELECT id FROM session WHERE id IN ${sql.in(ids)} AND revoked_at BETWEEN now() - interval '1 hour' AND now()`)
        assert.strictEqual(rows.length, ids.length)
      })
  )

  it.effect("refuse what is no refresh token", () =>
    Effect.gen(function* () {
      for (const text of ["", "efr_", "x".repeat(100_000), `efr_${"A".repeat(43)}`, "efr_\u0000"])
        assert.strictEqual(yield* refusal(Redacted.make(text)), "unknown")
    })
  )
})
