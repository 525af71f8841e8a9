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
const register = Effect.fnUntraced(function* (
  username: string,
  headers: Readonly<Record<string, string>>,
  cookie = true
) {
  const response = yield* post("register", { username, password: PASSWORD, cookie }, headers)
  assert.strictEqual(response.status, 201, response.text)
  return { cookies: response.headers.getSetCookie(), refresh: String(response.json["refresh"]) }
})

/** What a browser sends for a cookie that was set. */
const sent = (cookie: string | undefined) => (cookie ?? "").split(";")[0] ?? ""

layer(TestServer.layer({ PUBLIC_URL: "https://fx.example" }), { excludeTestServices: true })(
  "The refresh cookie over HTTPS",
  (it) => {
    const own = { origin: "https://fx.example" }

    it.effect("has the prefix that no other host can set, and is deleted by a logout", () =>
      Effect.gen(function* () {
        const { cookies } = yield* register("cookie-host", own)
        const [former, current] = cookies
        assert.match(
          current ?? "",
          /^__Host-effex-refresh=efr_[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/
        )
        assert.match(
          former ?? "",
          /^__Secure-effex-refresh=; Max-Age=0; Path=\/api\/v1\/accounts\/auth; HttpOnly; Secure;/
        )
        const refreshed = yield* post("refresh", {}, { ...own, cookie: sent(current) })
        assert.strictEqual(refreshed.status, 200, refreshed.text)
        const [rotated, ...others] = refreshed.headers.getSetCookie()
        assert.match(rotated ?? "", /^__Host-effex-refresh=efr_/)
        assert.notStrictEqual(sent(rotated), sent(current))
        assert.deepStrictEqual(others, [])
        const ended = yield* post("logout", {}, { ...own, cookie: sent(rotated) })
        assert.strictEqual(ended.status, 204)
        assert.deepStrictEqual(ended.headers.getSetCookie().map(sent), [
          "__Host-effex-refresh=",
          "__Secure-effex-refresh="
        ])
        assertProblem(yield* post("refresh", {}, { ...own, cookie: sent(rotated) }), 401, "session-ended")
      })
    )

    it.effect(
      "of an earlier version keeps its session signed in, under the name that both versions know",
      () =>
        Effect.gen(function* () {
          const { refresh } = yield* register("cookie-former", own, false)
          const cookie = `__Secure-effex-refresh=${refresh}`
          const refreshed = yield* post("refresh", {}, { ...own, cookie })
          assert.strictEqual(refreshed.status, 200, refreshed.text)
          const cookies = refreshed.headers.getSetCookie()
          assert.lengthOf(cookies, 1)
          assert.match(
            cookies[0] ?? "",
            /^__Secure-effex-refresh=efr_[\w-]{43}; Max-Age=\d+; Path=\/api\/v1\/accounts\/auth; HttpOnly; Secure; SameSite=Strict$/
          )
        })
    )

    it.effect("is preferred to one of the earlier name, which another host of the domain can set", () =>
      Effect.gen(function* () {
        const { cookies } = yield* register("cookie-preferred", own)
        const { refresh } = yield* register("cookie-injected", own, false)
        const cookie = `__Secure-effex-refresh=${refresh}; ${sent(cookies[1])}`
        const refreshed = yield* post("refresh", {}, { ...own, cookie })
        const me = yield* get("/api/v1/accounts/me", {
          headers: { authorization: `Bearer ${String(refreshed.json["access"])}` }
        })
        assert.strictEqual(me.json["username"], "cookie-preferred")
      })
    )

    it.effect("is refused to a page of another site or host of the same domain", () =>
      Effect.gen(function* () {
        const { cookies } = yield* register("cookie-foreign", own)
        const cookie = sent(cookies[1])
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
