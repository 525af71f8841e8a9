import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { AdminActions } from "../../src/accounts/AdminActions.ts"
import { EndedSessions } from "../../src/accounts/sessions/EndedSessions.ts"
import { Registration } from "../../src/accounts/Registration.ts"
import { SignIn } from "../../src/accounts/login/SignIn.ts"
import { SecurityEvents } from "../../src/accounts/SecurityEvents.ts"
import { UserAdministration } from "../../src/accounts/UserAdministration.ts"
import { Users } from "../../src/accounts/Users.ts"
import type { Role } from "../../src/domain/accounts/User.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as TestAccounts from "../support/TestAccounts.ts"

const { DEVICE, PASSWORD } = TestAccounts

let names = 0
const create = Effect.fnUntraced(function* (role: Role = "user") {
  const { create } = yield* UserAdministration
  return yield* create(TestAccounts.account(`managed-${names++}`), role, "cli:test")
})

const signIn = (username: string) =>
  Effect.flatMap(SignIn, (service) =>
    service.signIn({
      proof: { username, password: Redacted.make(PASSWORD) },
      code: undefined,
      device: DEVICE
    })
  )

const orderOf = (user: { readonly id: TestUserId }, reason = "a reason") => ({
  user: user.id,
  principal: "cli:test",
  reason
})
type TestUserId = Effect.Success<ReturnType<typeof create>>["id"]

const recorded = Effect.fnUntraced(function* (subject: string) {
  const { execute, sql } = yield* Database
  return yield* execute(sql<{ action: string; principal: string; reason: string | null }>`
    SELECT action, principal, reason FROM admin_action WHERE subject = ${subject} ORDER BY id`)
})

const addSecondFactor = Effect.fnUntraced(function* ({ id }: { readonly id: TestUserId }) {
  const { execute, sql } = yield* Database
  yield* execute(sql`
    INSERT INTO mfa (user_id, secret, key_id, created_at, confirmed_at)
    VALUES (${id}, ${Buffer.alloc(32)}, 'test', now(), now())`)
})

layer(
  UserAdministration.layer.pipe(
    Layer.provideMerge(AdminActions.layer),
    Layer.provideMerge(TestAccounts.layer())
  )
)("UserAdministration", (it) => {
  it.effect("ends the access of a locked user, and records who locked and why", () =>
    Effect.gen(function* () {
      const { lock, unlock } = yield* UserAdministration
      const user = yield* create()
      const { session } = yield* signIn(user.username)
      const locked = yield* lock(orderOf(user, "stolen laptop"))
      assert.isTrue(Option.isSome(locked.lockedAt))
      assert.strictEqual((yield* EndedSessions).reasonOf(session.id), "lock")
      assert.strictEqual((yield* Effect.flip(signIn(user.username)))._tag, "AccountLocked")
      const again = yield* lock(orderOf(user, "still stolen"))
      assert.deepStrictEqual(again.lockedAt, locked.lockedAt)
      const unlocked = yield* unlock(orderOf(user, "found"))
      assert.isTrue(Option.isNone(unlocked.lockedAt))
      yield* signIn(user.username)
      assert.deepStrictEqual(
        (yield* recorded(user.id)).map(({ action, principal, reason }) => [action, principal, reason]),
        [
          ["user.create", "cli:test", null],
          ["user.lock", "cli:test", "stolen laptop"],
          ["user.lock", "cli:test", "still stolen"],
          ["user.unlock", "cli:test", "found"]
        ]
      )
    })
  )

  it.effect("ends all sessions for a role, a second factor, a password and on demand", () =>
    Effect.gen(function* () {
      const { endSessions, resetMfa, resetPassword, setRole } = yield* UserAdministration
      const ended = yield* EndedSessions
      const user = yield* create()
      const order = orderOf(user)
      const cases = [
        ["role", setRole(order, "admin")],
        ["mfa", resetMfa(order)],
        ["administrator", endSessions(order)],
        ["password", resetPassword(order, Redacted.make(`${PASSWORD} 2`))]
      ] as const
      for (const [reason, action] of cases) {
        const { session } = yield* signIn(user.username)
        if (reason === "mfa") yield* addSecondFactor(user)
        yield* action
        assert.strictEqual(ended.reasonOf(session.id), reason)
      }
      assert.deepStrictEqual(
        (yield* recorded(user.id)).map(({ action }) => action),
        ["user.create", "user.role", "user.reset-mfa", "user.end-sessions", "user.reset-password"]
      )
    })
  )

  it.effect("changes, ends and reports nothing if there is nothing to change, and records it", () =>
    Effect.gen(function* () {
      const { endSessions, lock, resetMfa, setRole, unlock } = yield* UserAdministration
      const user = yield* create()
      const order = orderOf(user)
      const { session } = yield* signIn(user.username)
      for (const action of [resetMfa(order), unlock(order), setRole(order, "user")]) yield* action
      assert.isUndefined((yield* EndedSessions).reasonOf(session.id))
      yield* lock(order)
      yield* lock(order)
      yield* endSessions(order)
      const events = yield* (yield* SecurityEvents).page(user.id, undefined, 10)
      assert.deepStrictEqual(
        events.map(({ event }) => event),
        ["locked", "signed-in"]
      )
      const { list } = yield* AdminActions
      const actions = yield* list({ subject: user.id, before: undefined, limit: 10 })
      assert.deepStrictEqual(
        actions.map(({ action, details }) => [action, details["sessions_ended"]]),
        [
          ["user.end-sessions", 0],
          ["user.lock", 0],
          ["user.lock", 1],
          ["user.role", 0],
          ["user.unlock", 0],
          ["user.reset-mfa", 0],
          ["user.create", undefined]
        ]
      )
    })
  )

  it.effect(
    "refuses to lock an administrator's own account, change its role or reset its second factor",
    () =>
      Effect.gen(function* () {
        const { endSessions, lock, resetMfa, setRole } = yield* UserAdministration
        const administrator = yield* create("admin")
        yield* create("admin")
        yield* addSecondFactor(administrator)
        const order = { ...orderOf(administrator), principal: `user:${administrator.id}` }
        for (const action of [lock(order), setRole(order, "user"), resetMfa(order)])
          assert.strictEqual((yield* Effect.flip(action))._tag, "OwnAccount")
        assert.deepStrictEqual(yield* (yield* Users).byId(administrator.id), Option.some(administrator))
        yield* endSessions(order)
        assert.deepStrictEqual(
          (yield* recorded(administrator.id)).map(({ action }) => action),
          ["user.create", "user.end-sessions"]
        )
      })
  )

  it.effect("leaves one of the two last administrators who remove each other at the same time", () =>
    Effect.gen(function* () {
      const { list, lock, setRole } = yield* UserAdministration
      for (const remove of [
        (user: { readonly id: TestUserId }) => setRole(orderOf(user), "user"),
        (user: { readonly id: TestUserId }) => lock(orderOf(user))
      ]) {
        const two = [yield* create("admin"), yield* create("admin")]
        const all = yield* list({ prefix: "", after: undefined, limit: 1000 })
        const others = all.filter(
          ({ id, lockedAt, role }) =>
            role === "admin" && Option.isNone(lockedAt) && !two.some((user) => user.id === id)
        )
        for (const user of others) yield* setRole(orderOf(user), "user")
        const results = yield* Effect.forEach(two, (user) => Effect.result(remove(user)), {
          concurrency: "unbounded"
        })
        const failures = results.flatMap((result) => (result._tag === "Failure" ? [result.failure._tag] : []))
        assert.deepStrictEqual(failures, ["LastAdministrator"])
        for (const user of two) {
          const actions = (yield* recorded(user.id)).map(({ action }) => action)
          const now = yield* (yield* Users).byId(user.id)
          const isRemoved = Option.exists(
            now,
            ({ lockedAt, role }) => role === "user" || Option.isSome(lockedAt)
          )
          // What was refused is not recorded.
          assert.strictEqual(actions.length, isRemoved ? 2 : 1)
        }
      }
    })
  )

  it.effect("changes nothing if the action cannot be recorded", () =>
    Effect.gen(function* () {
      const { create: createUser, lock, resetPassword } = yield* UserAdministration
      const user = yield* create()
      const { session } = yield* signIn(user.username)
      const order = { ...orderOf(user), principal: "" }
      yield* Effect.exit(lock(order))
      yield* Effect.exit(resetPassword(order, Redacted.make(`${PASSWORD} 2`)))
      assert.isUndefined((yield* EndedSessions).reasonOf(session.id))
      yield* signIn(user.username)
      yield* Effect.exit(createUser(TestAccounts.account("never-created"), "admin", ""))
      assert.isTrue(Option.isNone(yield* (yield* Users).byUsername("never-created")))
    })
  )

  it.effect("finds users by the beginning of their names, page by page", () =>
    Effect.gen(function* () {
      const { list } = yield* UserAdministration
      const { create } = yield* Registration
      for (const name of ["page_a", "page_b", "page-c", "pagex"])
        yield* create(TestAccounts.account(name), "user")
      const some = yield* list({ prefix: "PAGE_", after: undefined, limit: 9 })
      assert.deepStrictEqual(
        some.map(({ username }) => username),
        ["page_a", "page_b"]
      )
      const first = yield* list({ prefix: "page", after: undefined, limit: 3 })
      const rest = yield* list({ prefix: "page", after: first.at(-1)?.username, limit: 3 })
      assert.deepStrictEqual(
        [...first, ...rest].map(({ username }) => username),
        ["page-c", "page_a", "page_b", "pagex"]
      )
      assert.deepStrictEqual(yield* list({ prefix: "%", after: undefined, limit: 3 }), [])
    })
  )
})
