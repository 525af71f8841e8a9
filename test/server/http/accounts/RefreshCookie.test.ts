import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"

const AUTH = "/api/v1/accounts/auth"
const PASSWORD = "correct horse staple 42"

const post = (path: string, body: unknown, headers: Readonly<Record<string, string>>) =>
  get(`${AUTH}/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", "effex-csrf": "1", ...headers }
  })

/** Creates a user, and returns the cookies that the response sets. */
const register = Effect.fnUntraced(function* (username: string, headers: Readonly<Record<string, string>>) {
  const response = yield* post("register", { username, password: PASSWORD, cookie: true }, headers)
  assert.strictEqual(response.status, 201, response.text)
  return response.headers.getSetCookie()
})

/** What a browser sends for a cookie that was set. */
const sent = (cookie: string | undefined) => (cookie ?? "").split(";")[0] ?? ""

layer(TestServer.layer({ PUBLIC_URL: "https://fx.example" }), { excludeTestServices: true })(
  "The refresh cookie over HTTPS",
  (it) => {
    const own = { origin: "https://fx.example" }

    it.effect("has the prefix that no other host can set, and is deleted by a logout", () =>
      Effect.gen(function* () {
        const cookies = yield* register("cookie-host", own)
        const [current, ...more] = cookies
        assert.match(
          current ?? "",
          /^__Host-effex-refresh=efr_[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/
        )
        assert.deepStrictEqual(more, [])
        const refreshed = yield* post("refresh", {}, { ...own, cookie: sent(current) })
        assert.strictEqual(refreshed.status, 200, refreshed.text)
        const [rotated, ...others] = refreshed.headers.getSetCookie()
        assert.match(rotated ?? "", /^__Host-effex-refresh=efr_/)
        assert.notStrictEqual(sent(rotated), sent(current))
        assert.deepStrictEqual(others, [])
        const ended = yield* post("logout", {}, { ...own, cookie: sent(rotated) })
        assert.strictEqual(ended.status, 204)
        assert.deepStrictEqual(ended.headers.getSetCookie().map(sent), ["__Host-effex-refresh="])
        assertProblem(yield* post("refresh", {}, { ...own, cookie: sent(rotated) }), 401, "session-ended")
      })
    )

    it.effect("is refused to a page of another site or host of the same domain", () =>
      Effect.gen(function* () {
        const cookies = yield* register("cookie-foreign", own)
        const cookie = sent(cookies[0])
        for (const site of ["same-site", "cross-site", "none"])
          assertProblem(
            yield* post("refresh", {}, { ...own, cookie, "sec-fetch-site": site }),
            403,
            "forbidden"
          )
        for (const origin of ["https://other.fx.example", "http://fx.example", "null"])
          assertProblem(yield* post("refresh", {}, { origin, cookie }), 403, "forbidden")
        const refreshed = yield* post("refresh", {}, { ...own, cookie, "sec-fetch-site": "same-origin" })
        assert.strictEqual(refreshed.status, 200, refreshed.text)
      })
    )
  }
)
