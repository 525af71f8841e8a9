import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Database } from "../../../../src/platform/postgres/Database.ts"
import * as OpenTransaction from "../../../support/OpenTransaction.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"

const AUTH = "/api/v1/accounts/auth"
const PASSWORD = "correct horse staple 42"

const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  get(path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers }
  })

const bearer = (tokens: { readonly access: string }) => ({ authorization: `Bearer ${tokens.access}` })

const tokensOf = ({ json }: { readonly json: Readonly<Record<string, unknown>> }) => ({
  access: String(json["access"]),
  refresh: String(json["refresh"]),
  session: String(json["session_id"])
})

let names = 0
const register = Effect.gen(function* () {
  const username = `http-user-${names++}`
  const response = yield* post(`${AUTH}/register`, { username, password: PASSWORD })
  assert.strictEqual(response.status, 201, response.text)
  return { username, ...tokensOf(response) }
})

const login = (username: string, password = PASSWORD) => post(`${AUTH}/login`, { username, password })

const me = (tokens: { readonly access: string }) => get("/api/v1/accounts/me", { headers: bearer(tokens) })

layer(TestServer.layer({ FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }), { excludeTestServices: true })((it) => {
  describe("/api/v1/accounts", () => {
    it.effect("registers, signs in on two devices, refreshes, and signs out", () =>
      Effect.gen(function* () {
        const first = yield* register
        const profile = yield* me(first)
        assert.deepInclude(profile.json, { username: first.username, email: null, role: "user" })
        const second = tokensOf(yield* login(first.username.toUpperCase()))
        const listed = yield* get("/api/v1/accounts/sessions/", { headers: bearer(second) })
        const data = listed.json["data"]
        assert.deepStrictEqual(Array.isArray(data) ? data.map(({ current, id }) => [id, current]) : [], [
          [second.session, true],
          [first.session, false]
        ])
        const refreshed = yield* post(`${AUTH}/refresh`, { refresh: first.refresh })
        assert.strictEqual(refreshed.status, 200, refreshed.text)
        const loggedOut = yield* post(`${AUTH}/logout`, { refresh: tokensOf(refreshed).refresh })
        assert.strictEqual(loggedOut.status, 204)
        assertProblem(yield* me(first), 401, "session-ended")
        assertProblem(yield* post(`${AUTH}/refresh`, { refresh: first.refresh }), 401, "session-ended")
        assert.strictEqual((yield* me(second)).status, 200)
      })
    )

    it.effect("never says which part of a login was wrong", () =>
      Effect.gen(function* () {
        const { username } = yield* register
        const wrong = yield* login(username, "wrong password 123")
        const unknown = yield* login("nobody-of-this-name", "wrong password 123")
        const strange = yield* login("Ünknown Näme", PASSWORD)
        for (const response of [wrong, unknown, strange]) {
          assertProblem(response, 401, "invalid-credentials")
          assert.strictEqual(response.json["detail"], wrong.json["detail"])
        }
        assertProblem(
          yield* post(`${AUTH}/register`, { username, password: PASSWORD }),
          409,
          "username-taken"
        )
      })
    )

    it.effect("ends every other session when the password changes", () =>
      Effect.gen(function* () {
        const first = yield* register
        const second = tokensOf(yield* login(first.username))
        const path = "/api/v1/accounts/me/password"
        const body = { current_password: PASSWORD, new_password: "another horse staple 43" }
        assertProblem(
          yield* post(path, { ...body, current_password: "x" }, bearer(second)),
          401,
          "invalid-credentials"
        )
        assertProblem(
          yield* post(path, { ...body, new_password: "x" }, bearer(second)),
          400,
          "invalid-request"
        )
        assert.strictEqual((yield* post(path, body, bearer(second))).status, 204)
        assertProblem(yield* me(first), 401, "session-ended")
        assert.strictEqual((yield* me(second)).status, 200)
        assertProblem(yield* login(first.username), 401, "invalid-credentials")
        assert.strictEqual((yield* login(first.username, body.new_password)).status, 200)
      })
    )

    it.effect("ends one session, or all", () =>
      Effect.gen(function* () {
        const first = yield* register
        const second = tokensOf(yield* login(first.username))
        const other = yield* register
        const end = (session: string, by: { readonly access: string }) =>
          get(`/api/v1/accounts/sessions/${session}`, { method: "DELETE", headers: bearer(by) })
        assertProblem(yield* end(first.session, other), 404, "not-found")
        assert.strictEqual((yield* end(first.session, second)).status, 204)
        assertProblem(yield* me(first), 401, "session-ended")
        const third = tokensOf(yield* login(first.username))
        const fourth = tokensOf(yield* login(first.username))
        for (let attempt = 1; attempt <= 2; attempt++)
          assert.strictEqual((yield* post(`${AUTH}/logout-others`, "", bearer(second))).status, 204)
        for (const ended of [third, fourth]) assertProblem(yield* me(ended), 401, "session-ended")
        assert.strictEqual((yield* me(second)).status, 200)
        assert.strictEqual((yield* post(`${AUTH}/logout-all`, "", bearer(second))).status, 204)
        assertProblem(yield* me(second), 401, "session-ended")
        assert.strictEqual((yield* me(other)).status, 200)
      })
    )

    it.effect("changes the email address", () =>
      Effect.gen(function* () {
        const user = yield* register
        const patch = (body: unknown) =>
          get("/api/v1/accounts/me", {
            method: "PATCH",
            body: JSON.stringify(body),
            headers: bearer(user)
          })
        assert.strictEqual((yield* patch({ email: "a@b.example" })).json["email"], "a@b.example")
        assertProblem(yield* patch({ email: "no address" }), 400, "invalid-request")
        assertProblem(yield* patch({ role: "admin" }), 400, "invalid-request")
        assert.strictEqual((yield* patch({ email: null })).json["email"], null)
      })
    )

    it.effect("keeps the refresh token in a cookie, which only pages of this server can use", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { username } = yield* register
        const own = { origin: url, "effex-csrf": "1" }
        const body = { username, password: PASSWORD, cookie: true }
        assertProblem(yield* post(`${AUTH}/login`, body), 403, "forbidden")
        assertProblem(
          yield* post(`${AUTH}/login`, body, { ...own, origin: "https://evil.example" }),
          403,
          "forbidden"
        )
        assertProblem(yield* post(`${AUTH}/login`, body, { origin: url }), 403, "forbidden")
        const signedIn = yield* post(`${AUTH}/login`, body, own)
        assert.notProperty(signedIn.json, "refresh")
        const set = signedIn.headers.get("set-cookie") ?? ""
        assert.match(
          set,
          /^effex-refresh=efr_[\w-]{43}; Max-Age=\d+; Path=\/api\/v1\/accounts\/auth; HttpOnly; Secure; SameSite=Strict$/
        )
        const [cookie = ""] = set.split(";")
        assertProblem(yield* post(`${AUTH}/refresh`, {}, { cookie }), 403, "forbidden")
        const refreshed = yield* post(`${AUTH}/refresh`, {}, { cookie, ...own })
        assert.strictEqual(refreshed.status, 200, refreshed.text)
        assert.notProperty(refreshed.json, "refresh")
        const access = tokensOf(signedIn)
        // A cookie is no access: with a bad bearer, a good one does not help.
        const headers = { cookie, ...own, authorization: "Bearer nonsense" }
        assertProblem(yield* get("/api/v1/accounts/me", { headers }), 401, "unauthorized")
        assertProblem(yield* get("/api/v1/accounts/me", { headers: { cookie, ...own } }), 401, "unauthorized")
        assert.strictEqual((yield* post(`${AUTH}/logout`, {}, { cookie, ...own })).status, 204)
        assertProblem(yield* me(access), 401, "session-ended")
      })
    )

    it.effect("reveals no password and no token in problems, logs and rows", () =>
      Effect.gen(function* () {
        const { log } = yield* TestServer
        const user = yield* register
        const secret = "Zq7-secret-password-Zq7"
        const problems = [
          yield* post(`${AUTH}/register`, { username: "x y", password: secret }),
          yield* post(`${AUTH}/register`, { username: "valid-name", password: [secret] }),
          yield* post(`${AUTH}/register`, { username: secret, password: secret }),
          yield* post(`${AUTH}/login`, { username: secret, password: secret }),
          yield* post(`${AUTH}/login`, `{"password":"${secret}"`),
          yield* post(`${AUTH}/login`, { username: 1, password: secret.repeat(400) }),
          yield* post(`${AUTH}/refresh`, { refresh: `efr_${secret}` }),
          yield* post(`${AUTH}/refresh`, { refresh: user.refresh.slice(0, -1) })
        ]
        for (const { status, text } of problems) {
          assert.oneOf(status, [400, 401])
          assert.notInclude(text, secret)
          assert.notInclude(text, user.refresh.slice(0, -1))
        }
        const { execute, sql } = yield* Database
        for (const table of ["app_user", "credential", "session", "refresh_token", "admin_action"]) {
          const rows = yield* execute(
            sql<{ row: string }>`SELECT to_jsonb(t)::text AS row FROM ${sql(table)} t`
          )
          for (const { row } of rows) {
            for (const text of [PASSWORD, secret, user.refresh.slice(4), user.access])
              assert.notInclude(row, text)
          }
        }
        for (const line of log) {
          for (const text of [PASSWORD, secret, user.refresh, user.access]) assert.notInclude(line, text)
        }
      })
    )

    it.effect("keeps serving signed-in users, and refuses sign-in with 503, while the database is down", () =>
      Effect.gen(function* () {
        const { setDatabase } = yield* TestServer
        const user = yield* register
        yield* setDatabase("down")
        assertProblem(yield* login(user.username), 503, "store-unavailable")
        assertProblem(yield* me(user), 503, "store-unavailable")
        const rates = yield* get("/api/v1/rates?from=USD&to=NGN", { headers: bearer(user) })
        assert.notInclude([401, 500], rates.status, rates.text)
      }).pipe(Effect.ensuring(Effect.flatMap(TestServer, ({ setDatabase }) => setDatabase("up"))))
    )

    it.effect("says that a sign-in waits for another change of the user, and can be retried", () =>
      Effect.gen(function* () {
        const { sql } = yield* Database
        const { username } = yield* register
        const refused = yield* OpenTransaction.during(
          sql`SELECT id FROM app_user WHERE username = ${username} FOR UPDATE`,
          login(username)
        )
        assert.include(assertProblem(refused, 503, "store-unavailable"), {
          title: "The database cannot answer the request now",
          detail: "Another request is changing the same data; retry later",
          retryable: true
        })
        assert.strictEqual(refused.headers.get("retry-after"), "1")
        assert.strictEqual((yield* login(username)).status, 200)
      })
    )

    it.effect("publishes the public keys", () =>
      Effect.gen(function* () {
        const { json } = yield* get("/.well-known/jwks.json")
        const [key] = Array.isArray(json["keys"]) ? json["keys"] : []
        assert.sameMembers(Object.keys(key), ["kty", "crv", "x", "kid", "use", "alg"])
      })
    )
  })
})
