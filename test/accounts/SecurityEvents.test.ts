import { assert, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SignIn } from "../../src/accounts/login/SignIn.ts"
import { Credentials } from "../../src/accounts/Credentials.ts"
import { Registration } from "../../src/accounts/Registration.ts"
import { SecurityEvents } from "../../src/accounts/SecurityEvents.ts"
import { Sessions } from "../../src/accounts/sessions/Sessions.ts"
import type { UserId } from "../../src/domain/accounts/User.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as TestAccounts from "../support/TestAccounts.ts"

const { DEVICE, PASSWORD } = TestAccounts
const password = Redacted.make(PASSWORD)

const register = (username: string) =>
  Effect.flatMap(Registration, ({ register }) => register(TestAccounts.account(username), DEVICE))

const signIn = (username: string) =>
  Effect.flatMap(SignIn, ({ signIn }) =>
    signIn({ proof: { username, password }, code: undefined, device: DEVICE })
  )

const eventsOf = (user: UserId) =>
  Effect.map(
    Effect.flatMap(SecurityEvents, ({ after }) => after(user, 0n, 100)),
    (events) => events.map(({ event, number, session }) => [number, event, session] as const)
  )

layer(TestAccounts.layer(), { excludeTestServices: true })("Security events", (it) => {
  it.effect("record sign-in, sign-out and a changed password, with the session", () =>
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { user } = yield* register("amara")
      const first = yield* signIn("amara")
      const second = yield* signIn("amara")
      const third = yield* signIn("amara")
      yield* sessions.endByToken(first.refreshToken)
      yield* sessions.end(user.id, second.session.id, "ended")
      yield* (yield* Credentials).change({
        user: user.id,
        current: password,
        next: Redacted.make("another long passphrase"),
        keep: third.session.id
      })
      yield* sessions.endAll(user.id, "logout-all")
      yield* sessions.endAll(user.id, "logout-all")
      assert.deepStrictEqual(yield* eventsOf(user.id), [
        [1n, "signed-in", first.session.id],
        [2n, "signed-in", second.session.id],
        [3n, "signed-in", third.session.id],
        [4n, "signed-out", first.session.id],
        [5n, "session-ended", second.session.id],
        [6n, "password-changed", third.session.id],
        [7n, "signed-out", null]
      ])
    })
  )

  it.effect("are numbered without gaps for each user, also by concurrent sign-ins", () =>
    Effect.gen(function* () {
      const { user } = yield* register("bola")
      const other = yield* register("chidi")
      yield* Effect.all(
        Array.from({ length: 12 }, (_, i) => signIn(i % 3 === 0 ? "chidi" : "bola")),
        { concurrency: 12, discard: true }
      )
      const numbers = (id: UserId) => Effect.map(eventsOf(id), (events) => events.map(([number]) => number))
      assert.deepStrictEqual(yield* numbers(user.id), [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n])
      assert.deepStrictEqual(yield* numbers(other.user.id), [1n, 2n, 3n, 4n])
    })
  )

  it.effect("do not exist without the change that they report", () =>
    Effect.gen(function* () {
      const { record } = yield* SecurityEvents
      const { execute, sql } = yield* Database
      const { user } = yield* register("dayo")
      const heard: Array<UserId> = []
      yield* (yield* SecurityEvents).listen((id) => heard.push(id))
      const rolledBack = Effect.andThen(
        record(user.id, { event: "locked" }),
        Effect.fail("rolled back" as const)
      )
      const outcome = yield* Effect.flip(sql.withTransaction(rolledBack))
      assert.strictEqual(outcome, "rolled back")
      assert.deepStrictEqual([yield* eventsOf(user.id), heard], [[], []])
      yield* execute(sql.withTransaction(record(user.id, { event: "unlocked" })))
      assert.deepStrictEqual([yield* eventsOf(user.id), heard], [[[1n, "unlocked", null]], [user.id]])
    })
  )

  it.effect("are immutable", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      for (const change of [sql`UPDATE security_event SET event = 'locked'`, sql`DELETE FROM security_event`])
        assert.strictEqual((yield* Effect.flip(change))._tag, "SqlError")
    })
  )
})
