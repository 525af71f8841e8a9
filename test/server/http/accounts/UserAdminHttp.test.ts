import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Callers from "../../../support/Callers.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"

const PASSWORD = "correct horse staple 42"
const ADMIN = "/api/v1/admin"
const NOBODY = "01980000-0000-7000-8000-000000000000"

const post = (path: string, body: unknown, authorization?: string) =>
  get(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) }
  })

const as = (authorization: string | undefined) => (path: string, body?: unknown) =>
  body === undefined
    ? get(ADMIN + path, authorization === undefined ? {} : { headers: { authorization } })
    : post(ADMIN + path, body, authorization)

let names = 0
const register = Effect.gen(function* () {
  const username = `subject-${String(names++).padStart(2, "0")}`
  const { json } = yield* post("/api/v1/accounts/auth/register", { username, password: PASSWORD })
  const me = yield* get("/api/v1/accounts/me", {
    headers: { authorization: `Bearer ${String(json["access"])}` }
  })
  return { id: String(me.json["id"]), username, authorization: `Bearer ${String(json["access"])}` }
})

const dataOf = ({ json }: { readonly json: Readonly<Record<string, unknown>> }) => {
  const data = json["data"]
  return Array.isArray(data) ? data : []
}

const me = (authorization: string) => get("/api/v1/accounts/me", { headers: { authorization } })

const signIn = (username: string) => post("/api/v1/accounts/auth/login", { username, password: PASSWORD })

layer(TestServer.layer(), { excludeTestServices: true })((it) => {
  describe("/api/v1/admin/users of a server with the sandbox", () => {
    it.effect("ends the access of a locked user, and records who locked and why", () =>
      Effect.gen(function* () {
        const administrator = yield* Callers.user("administrator")
        const admin = as(administrator.authorization)
        const user = yield* register
        const locked = yield* admin(`/users/${user.id}/lock`, { reason: "stolen laptop" })
        assert.strictEqual(locked.status, 200, locked.text)
        assert.deepInclude(locked.json, { id: user.id, username: user.username, role: "user" })
        assert.isString(locked.json["locked_at"])
        assertProblem(yield* me(user.authorization), 401, "session-ended")
        assertProblem(yield* signIn(user.username), 403, "account-locked")
        assert.deepStrictEqual((yield* admin(`/users/${user.id}/`)).json, locked.json)
        const unlocked = yield* admin(`/users/${user.id}/unlock/`, { reason: "found" })
        assert.deepInclude(unlocked.json, { locked_at: null })
        assert.strictEqual((yield* signIn(user.username)).status, 200)

        const log = yield* admin(`/actions?subject=${user.id}&page_size=1`)
        assert.strictEqual(log.headers.get("cache-control"), "no-store")
        assert.deepInclude(dataOf(log)[0], { action: "user.unlock", reason: "found", subject: user.id })
        const older = yield* admin(`/actions/?subject=${user.id}&cursor=${String(log.json["next"])}`)
        assert.strictEqual(dataOf(older).length, 1)
        const [action] = dataOf(older)
        assert.deepInclude(action, {
          action: "user.lock",
          reason: "stolen laptop",
          details: { sessions_ended: 1 }
        })
        assert.match(String(action.principal), /^user:[0-9a-f-]{36}$/)
        assert.isNull(older.json["next"])
      })
    )

    it.effect("ends sessions, and changes the role, with an API key too", () =>
      Effect.gen(function* () {
        const key = yield* Callers.withScopes("admin")
        const admin = as(key.authorization)
        const user = yield* register
        const actions = [
          ["end-sessions", { reason: "one" }, "user.end-sessions"],
          ["role", { reason: "two", role: "admin" }, "user.role"]
        ] as const
        for (const [path, body] of actions) {
          const { json } = yield* signIn(user.username)
          const done = yield* admin(`/users/${user.id}/${path}`, body)
          assert.strictEqual(done.status, 200, done.text)
          assertProblem(yield* me(`Bearer ${String(json["access"])}`), 401, "session-ended")
        }
        assert.deepInclude((yield* admin(`/users/${user.id}`)).json, { role: "admin" })
        assert.deepStrictEqual(
          dataOf(yield* admin(`/actions?subject=${user.id}`)).map(({ action, principal, reason }) => [
            action,
            principal,
            reason
          ]),
          actions.map(([, { reason }, action]) => [action, key.id, reason]).toReversed()
        )
      })
    )

    it.effect("refuses administrators who act on their own account, except to end its sessions", () =>
      Effect.gen(function* () {
        yield* Callers.user("administrator")
        const { authorization } = yield* Callers.user("administrator")
        const admin = as(authorization)
        const own = String((yield* me(authorization ?? "")).json["id"])
        for (const [path, body] of [
          ["lock", {}],
          ["role", { role: "user" }],
          ["reset-mfa", {}]
        ] as const) {
          const refused = yield* admin(`/users/${own}/${path}`, { reason: "x", ...body })
          assertProblem(refused, 403, "forbidden")
          assert.include(refused.text, "another administrator must")
        }
        assert.deepInclude((yield* admin(`/users/${own}`)).json, { role: "admin", locked_at: null })
        assert.strictEqual((yield* admin(`/users/${own}/end-sessions`, { reason: "x" })).status, 200)
        assertProblem(yield* admin(`/users/${own}`), 401, "session-ended")
      })
    )

    it.effect("refuses to lock or demote the last administrator", () =>
      Effect.gen(function* () {
        const key = yield* Callers.withScopes("admin")
        const admin = as(key.authorization)
        yield* Callers.user("administrator")
        const administrators = dataOf(yield* admin("/users?page_size=1000")).filter(
          ({ role }) => role === "admin"
        )
        const last = administrators.pop()
        for (const { id } of administrators)
          assert.strictEqual((yield* admin(`/users/${id}/role`, { role: "user", reason: "x" })).status, 200)
        assertProblem(yield* admin(`/users/${last.id}/lock`, { reason: "x" }), 409, "last-administrator")
        assertProblem(
          yield* admin(`/users/${last.id}/role`, { role: "user", reason: "x" }),
          409,
          "last-administrator"
        )
        assert.deepInclude((yield* admin(`/users/${last.id}`)).json, { role: "admin", locked_at: null })
      })
    )

    it.effect("finds users by the beginning of their names, page by page", () =>
      Effect.gen(function* () {
        const admin = as((yield* Callers.withScopes("admin")).authorization)
        const users = [yield* register, yield* register, yield* register]
        const all = users.map(({ username }) => username)
        const first = yield* admin("/users?prefix=SUBJECT-&page_size=1000")
        assert.includeMembers(
          dataOf(first).map(({ username }) => username),
          all
        )
        const page = yield* admin(`/users/?prefix=${all[0]?.slice(0, -1)}&page_size=2`)
        assert.strictEqual(dataOf(page).length, 2)
        const next = yield* admin(
          `/users?prefix=${all[0]?.slice(0, -1)}&page_size=2&cursor=${String(page.json["next"])}`
        )
        assert.isTrue(dataOf(next)[0].username > dataOf(page)[1].username)
        assert.deepStrictEqual(dataOf(yield* admin("/users?prefix=%25")), [])
        assertProblem(yield* admin("/users?cursor=nonsense"), 400, "invalid-request")
        assertProblem(yield* admin("/actions?cursor=nonsense"), 400, "invalid-request")
      })
    )

    it.effect("rejects control characters in a query, which PostgreSQL does not store", () =>
      Effect.gen(function* () {
        const administrator = yield* Callers.user("administrator")
        const admin = as(administrator.authorization)
        for (const path of ["/users?prefix=%00", "/users?prefix=a%00b", "/actions?subject=%00"])
          assertProblem(yield* admin(path), 400, "invalid-request")
      })
    )

    it.effect("requires an administrator, a reason, and a user who exists", () =>
      Effect.gen(function* () {
        const user = yield* register
        const path = `/users/${user.id}/lock`
        const body = { reason: "x" }
        assertProblem(yield* as(undefined)("/users"), 401, "unauthorized")
        assertProblem(yield* as(undefined)(path, body), 401, "unauthorized")
        assertProblem(yield* as(user.authorization)(path, body), 403, "forbidden")
        assertProblem(
          yield* as((yield* Callers.withScopes("convert")).authorization)(path, body),
          403,
          "forbidden"
        )
        const admin = as((yield* Callers.withScopes("admin")).authorization)
        for (const wrong of [{}, { reason: "" }, { reason: "  " }, { reason: "x".repeat(1001) }])
          assertProblem(yield* admin(path, wrong), 400, "invalid-request")
        assertProblem(
          yield* admin(`/users/${user.id}/role`, { ...body, role: "root" }),
          400,
          "invalid-request"
        )
        for (const id of [NOBODY, "nobody"]) {
          assertProblem(yield* admin(`/users/${id}/lock`, body), 404, "not-found")
          assertProblem(yield* admin(`/users/${id}`), 404, "not-found")
        }
        assert.strictEqual((yield* me(user.authorization)).status, 200)
      })
    )
  })
})
