import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, get, type ServerResponse, TestServer } from "../../../support/TestServer.ts"

const AUTH = "/api/v1/accounts/auth"
const PASSWORD = "correct horse staple 42"

const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  get(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers }
  })

const guess = (username: string) => post(`${AUTH}/login`, { username, password: "wrong password 123" })

const assertLimited = ({ json, status }: ServerResponse) => {
  assert.strictEqual(status, 429)
  assert.strictEqual(json["type"], "urn:effex:problem:rate-limited")
}

layer(TestServer.layer(), { excludeTestServices: true })((it) => {
  describe("Limits of attempts", () => {
    it.effect("refuse the eleventh guess, whether or not the account exists", () =>
      Effect.gen(function* () {
        const username = "guessed-user"
        const registered = yield* post(`${AUTH}/register`, { username, password: PASSWORD })
        assert.strictEqual(registered.status, 201)
        for (const name of [username, "nobody-of-this-name"]) {
          for (const _ of Array.from({ length: 10 }))
            assertProblem(yield* guess(name), 401, "invalid-credentials")
          const refused = yield* guess(name)
          assertLimited(refused)
          const retryAfter = Number(refused.headers.get("retry-after"))
          assert.isAbove(retryAfter, 0)
          assert.isAtMost(retryAfter, 900)
          assert.strictEqual(refused.json["detail"], `Too many attempts; retry in ${retryAfter} s`)
        }
        assertLimited(yield* post(`${AUTH}/login`, { username: username.toUpperCase(), password: PASSWORD }))
      })
    )

    it.effect("do not count changes of the password that succeed", () =>
      Effect.gen(function* () {
        const registered = yield* post(`${AUTH}/register`, { username: "changing-user", password: PASSWORD })
        const authorization = `Bearer ${String(registered.json["access"])}`
        const path = "/api/v1/accounts/me/password"
        const change = (current_password: string, new_password: string) =>
          post(path, { current_password, new_password }, { authorization })
        for (const n of Array.from({ length: 12 }, (_, index) => index)) {
          const current = n === 0 ? PASSWORD : `${PASSWORD}-${n - 1}`
          assert.strictEqual((yield* change(current, `${PASSWORD}-${n}`)).status, 204)
        }
        for (const _ of Array.from({ length: 10 }))
          assertProblem(yield* change("wrong password 123", PASSWORD), 401, "invalid-credentials")
        assertLimited(yield* change(`${PASSWORD}-11`, PASSWORD))
      })
    )
  })
})
