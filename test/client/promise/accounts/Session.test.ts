import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { inspect } from "node:util"
import type { TokenStorage } from "../../../../src/client/promise/accounts/TokenStore.ts"
import { connect, type ConnectOptions } from "../../../../src/client/promise/Connect.ts"
import { EffexError, SessionEnded } from "../../../../src/client/promise/EffexError.ts"
import * as ScriptedServer from "../../../support/ScriptedServer.ts"
import { eventually } from "../../../support/Waiters.ts"

const { json, problem, reset } = ScriptedServer

const PASSWORD = "a long enough passphrase"
const user = {
  id: "u-1",
  username: "amara",
  email: null,
  role: "user",
  created_at: "2026-11-30T02:09:52.031Z"
}

const tokens = (n: number, fields: object = {}) => ({
  access: `access-${n}`,
  refresh: `refresh-${n}`,
  token_type: "Bearer",
  expires_in: 600,
  session_id: "s-1",
  ...fields
})

const signedIn = (n: number, fields: object = {}) => json(200, { ...tokens(n, fields), user })

/** A storage like `localStorage`. */
const makeStorage = () => {
  const items = new Map<string, string>()
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => items.set(key, value),
    removeItem: (key: string) => items.delete(key)
  } satisfies TokenStorage & { readonly items: ReadonlyMap<string, string> }
}

/** Makes the stored access token one that has to be renewed. */
const expire = ({ items }: ReturnType<typeof makeStorage>) => {
  for (const [key, text] of items) items.set(key, JSON.stringify({ ...JSON.parse(text), renewAt: 0 }))
}

/** A server whose `login` and `refresh` answer by script, and whose other endpoints answer `rest`. */
const serve = Effect.fnUntraced(function* (
  refreshes: ReadonlyArray<ScriptedServer.Respond>,
  rest: ScriptedServer.Respond = json(200, user)
) {
  let refreshed = 0
  let logins = 0
  const server = yield* ScriptedServer.listen((response, request) => {
    if (request.path.endsWith("/auth/login")) {
      logins++
      return signedIn(1, logins === 1 ? {} : { session_id: `s-${logins}`, access: `access-of-${logins}` })(
        response,
        request
      )
    }
    if (request.path.endsWith("/auth/refresh"))
      return refreshes[Math.min(refreshed++, refreshes.length - 1)]?.(response, request)
    if (request.path.endsWith("/auth/logout")) return response.writeHead(204).end()
    return rest(response, request)
  })
  const to = (path: string) => server.requests.filter((request) => request.path.endsWith(path))
  return { ...server, to, refreshTokens: () => to("/auth/refresh").map(({ body }) => JSON.parse(body)) }
})

const signIn = async (url: string, options: ConnectOptions = {}) => {
  const effex = connect(url, options)
  await effex.accounts.login({ username: "amara", password: PASSWORD })
  return effex
}

const errorOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  assert.instanceOf(error, EffexError)
  return error
}

const authorizations = (requests: ReadonlyArray<ScriptedServer.ReceivedRequest>) =>
  requests.map(({ headers }) => headers.authorization)

describe("connect: the session of a user", () => {
  it.live("sends the access token only where a user is needed", () =>
    Effect.gen(function* () {
      const server = yield* serve([], json(200, { rates: [], username: "amara" }))
      yield* Effect.promise(async () => {
        const effex = await signIn(server.url)
        await effex.rates()
        await effex.accounts.me()
      })
      assert.deepStrictEqual(authorizations(server.requests), [undefined, undefined, "Bearer access-1"])
    }).pipe(Effect.scoped)
  )

  it.live("renews the tokens once for 20 calls at expiry", () =>
    Effect.gen(function* () {
      const server = yield* serve([json(200, tokens(2))])
      const storage = makeStorage()
      yield* Effect.promise(async () => {
        const effex = await signIn(server.url, { session: storage })
        expire(storage)
        await Promise.all(Array.from({ length: 20 }, () => effex.accounts.me()))
        await effex.accounts.me()
      })
      assert.deepStrictEqual(server.refreshTokens(), [{ refresh: "refresh-1" }])
      assert.deepStrictEqual(new Set(authorizations(server.to("/me"))), new Set(["Bearer access-2"]))
      assert.lengthOf(server.to("/me"), 21)
    }).pipe(Effect.scoped)
  )

  it.live("renews the tokens once for two tabs with one storage", () =>
    Effect.gen(function* () {
      const server = yield* serve([
        (response, request) => setTimeout(() => json(200, tokens(2))(response, request), 50)
      ])
      const storage = makeStorage()
      yield* Effect.promise(async () => {
        const first = await signIn(server.url, { session: storage })
        const second = connect(server.url, { session: storage })
        expire(storage)
        await Promise.all([first.accounts.me(), second.accounts.me(), first.accounts.me()])
      })
      assert.deepStrictEqual(server.refreshTokens(), [{ refresh: "refresh-1" }])
      assert.deepStrictEqual(new Set(authorizations(server.to("/me"))), new Set(["Bearer access-2"]))
    }).pipe(Effect.scoped)
  )

  it.live("does not replace newer tokens of a tab by the late response of another", () =>
    Effect.gen(function* () {
      const storage = makeStorage()
      const server = yield* serve([
        (response, request) => {
          // Another tab without locks rotated the token twice before this response arrives.
          for (const key of storage.items.keys()) {
            const newest = { sessionId: "s-1", access: "access-3", refresh: "refresh-3" }
            storage.setItem(key, JSON.stringify({ ...newest, renewAt: Date.now() + 600_000 }))
          }
          json(200, tokens(2))(response, request)
        }
      ])
      yield* Effect.promise(async () => {
        const effex = await signIn(server.url, { session: storage })
        expire(storage)
        await effex.accounts.me()
      })
      assert.deepStrictEqual(authorizations(server.to("/me")), ["Bearer access-3"])
      assert.include([...storage.items.values()].join(), "refresh-3")
    }).pipe(Effect.scoped)
  )

  it.live("repeats a refresh with the same token when its response is lost", () =>
    Effect.gen(function* () {
      const server = yield* serve([reset, problem(503, "store-unavailable", true), json(200, tokens(2))])
      const storage = makeStorage()
      yield* Effect.promise(async () => {
        const effex = await signIn(server.url, { session: storage })
        expire(storage)
        await effex.accounts.me()
      })
      assert.deepStrictEqual(server.refreshTokens(), [
        { refresh: "refresh-1" },
        { refresh: "refresh-1" },
        { refresh: "refresh-1" }
      ])
    }).pipe(Effect.scoped)
  )

  it.live("stays signed in while the server cannot refresh", () =>
    Effect.gen(function* () {
      const limited = problem(429, "rate-limited", true, { "retry-after": "3600" })
      const server = yield* serve([limited, json(200, tokens(2))])
      const storage = makeStorage()
      yield* Effect.promise(async () => {
        const effex = await signIn(server.url, { session: storage })
        expire(storage)
        assert.deepInclude(await errorOf(effex.accounts.me()), { code: "rate-limited", retryable: true })
        assert.strictEqual((await effex.accounts.me()).username, "amara")
      })
    }).pipe(Effect.scoped)
  )

  it.live("sends nothing more after a refused refresh, and reports the end once", () =>
    Effect.gen(function* () {
      const server = yield* serve([problem(401, "session-ended", false)])
      const storage = makeStorage()
      const ends: Array<string> = []
      yield* Effect.promise(async () => {
        const effex = await signIn(server.url, {
          session: storage,
          onSessionEnd: ({ detail }) => ends.push(detail)
        })
        expire(storage)
        const errors = await Promise.all(Array.from({ length: 5 }, () => errorOf(effex.accounts.me())))
        for (const error of errors) assert.instanceOf(error, SessionEnded)
        assert.strictEqual(new Set(errors).size, 5)
        const later = await errorOf(effex.transfers.send({ to: "bola", asset: "USD", amount: "1.00" }))
        assert.instanceOf(later, SessionEnded)
        assert.deepInclude(later, { code: "session-ended", sent: false, detail: "about session-ended" })
        assert.strictEqual(await effex.accounts.isSignedIn(), false)
      })
      assert.lengthOf(server.requests, 2)
      assert.deepStrictEqual(ends, ["about session-ended"])
      assert.isEmpty([...storage.items.keys()])
    }).pipe(Effect.scoped)
  )

  it.live("ends for all tabs when the server ended it, and begins again with a login", () =>
    Effect.gen(function* () {
      const server = yield* serve([], (response, request) =>
        request.headers.authorization === "Bearer access-1"
          ? problem(401, "session-ended", false)(response, request)
          : json(200, user)(response, request)
      )
      const storage = makeStorage()
      yield* Effect.promise(async () => {
        const first = await signIn(server.url, { session: storage })
        const second = connect(server.url, { session: storage })
        assert.instanceOf(await errorOf(first.accounts.me()), SessionEnded)
        assert.instanceOf(await errorOf(second.accounts.me()), SessionEnded)
        assert.lengthOf(server.to("/me"), 1)
        await second.accounts.login({ username: "amara", password: PASSWORD })
        assert.strictEqual((await first.accounts.me()).username, "amara")
      })
    }).pipe(Effect.scoped)
  )

  it.live("renews a token that the server refuses early, once", () =>
    Effect.gen(function* () {
      const server = yield* serve([json(200, tokens(2))], problem(401, "unauthorized", false))
      yield* Effect.promise(async () => {
        const effex = await signIn(server.url)
        assert.deepInclude(await errorOf(effex.accounts.me()), { code: "unauthorized", status: 401 })
      })
      assert.deepStrictEqual(authorizations(server.to("/me")), ["Bearer access-1", "Bearer access-2"])
      assert.lengthOf(server.to("/auth/refresh"), 1)
    }).pipe(Effect.scoped)
  )

  it.live("does not repeat a transfer as another user who signed in meanwhile", () =>
    Effect.gen(function* () {
      const storage = makeStorage()
      const server = yield* serve([], (response, request) => {
        // Another tab signs in as somebody else.
        for (const [key, text] of storage.items) {
          storage.setItem(key, JSON.stringify({ ...JSON.parse(text), sessionId: "s-9", access: "access-9" }))
        }
        problem(503, "store-unavailable", true)(response, request)
      })
      yield* Effect.promise(async () => {
        const effex = await signIn(server.url, { session: storage })
        const error = await errorOf(effex.transfers.send({ to: "bola", asset: "USD", amount: "1.00" }))
        assert.instanceOf(error, SessionEnded)
        assert.isTrue(error.sent)
        assert.include(error.message, `idempotencyKey: "${error.idempotencyKey}"`)
      })
      assert.deepStrictEqual(authorizations(server.to("/transfers")), ["Bearer access-1"])
    }).pipe(Effect.scoped)
  )

  it.live("ends when another tab signs out, and begins again with its next sign-in", () =>
    Effect.gen(function* () {
      const server = yield* serve([])
      const storage = makeStorage()
      const ends: Array<string> = []
      yield* Effect.promise(async () => {
        const first = await signIn(server.url, { session: storage, onSessionEnd: () => ends.push("first") })
        const second = connect(server.url, { session: storage, onSessionEnd: () => ends.push("second") })
        await second.accounts.me()
        await first.accounts.logout()
        const errors = await Promise.all([errorOf(second.accounts.me()), errorOf(second.wallet())])
        for (const error of errors) assert.instanceOf(error, SessionEnded)
        assert.deepStrictEqual(ends, ["second"])
        await first.accounts.login({ username: "amara", password: PASSWORD })
        await second.accounts.me()
      })
      assert.deepStrictEqual(authorizations(server.to("/me")), ["Bearer access-1", "Bearer access-of-2"])
    }).pipe(Effect.scoped)
  )

  it.live("never becomes that of another user unnoticed", () =>
    Effect.gen(function* () {
      const server = yield* serve([], json(200, { ...user, amount: "1.00" }))
      const storage = makeStorage()
      const ends: Array<string> = []
      yield* Effect.promise(async () => {
        const first = await signIn(server.url, {
          session: storage,
          onSessionEnd: ({ detail }) => ends.push(detail)
        })
        await signIn(server.url, { session: storage })
        const calls = [
          first.accounts.me(),
          first.transfers.send({ to: "bola", asset: "USD", amount: "1.00" })
        ]
        for (const call of calls) {
          const error = await errorOf(call)
          assert.instanceOf(error, SessionEnded)
          assert.include(error.message, "Another session was opened")
        }
        assert.lengthOf(server.to("/me"), 0)
        assert.lengthOf(server.to("/transfers"), 0)
        assert.lengthOf(ends, 1)
        await first.accounts.me()
      })
      assert.deepStrictEqual(authorizations(server.to("/me")), ["Bearer access-of-2"])
    }).pipe(Effect.scoped)
  )

  it.live("never becomes that of another user by the cookie", () =>
    Effect.gen(function* () {
      const { refresh: _, ...other } = tokens(2, { session_id: "s-9" })
      const server = yield* serve([json(200, other)], problem(401, "unauthorized", false))
      yield* Effect.promise(async () => {
        const effex = await signIn(server.url, { session: "cookie" })
        const error = await errorOf(effex.transfers.send({ to: "bola", asset: "USD", amount: "1.00" }))
        assert.instanceOf(error, SessionEnded)
      })
      assert.deepStrictEqual(authorizations(server.to("/transfers")), ["Bearer access-1"])
    }).pipe(Effect.scoped)
  )

  it.live("signs out with the newest refresh token", () =>
    Effect.gen(function* () {
      let respond = () => {}
      const server = yield* serve([
        (response, request) => {
          respond = () => json(200, tokens(2))(response, request)
        }
      ])
      const storage = makeStorage()
      const effex = yield* Effect.promise(() => signIn(server.url, { session: storage }))
      expire(storage)
      const call = effex.accounts.me().catch(() => undefined)
      yield* eventually("refresh", () => server.to("/auth/refresh").length === 1 || undefined)
      const logout = effex.accounts.logout()
      respond()
      yield* Effect.promise(async () => {
        await logout
        await call
        assert.instanceOf(await errorOf(effex.accounts.me()), SessionEnded)
        await effex.accounts.logout()
      })
      assert.deepStrictEqual(JSON.parse(server.to("/auth/logout")[0]?.body ?? ""), { refresh: "refresh-2" })
      assert.lengthOf(server.to("/auth/logout"), 1)
      assert.isEmpty([...storage.items.keys()])
    }).pipe(Effect.scoped)
  )

  it.live("stays signed in if signing out fails", () =>
    Effect.gen(function* () {
      const storage = makeStorage()
      const kept = { sessionId: "s-2", access: "a", refresh: "r", renewAt: Date.now() + 60_000 }
      storage.setItem("effex-session:http://127.0.0.1:1", JSON.stringify(kept))
      const effex = connect("http://127.0.0.1:1", { session: storage, timeout: "100 millis" })
      const error = yield* Effect.promise(() => errorOf(effex.accounts.logout()))
      assert.deepInclude(error, { code: "unreachable", retryable: true })
      assert.lengthOf([...storage.items.keys()], 1)
    })
  )

  it.live("uses the cookie of the server's own pages, and never a token of the body", () =>
    Effect.gen(function* () {
      const { refresh: _, ...inCookie } = tokens(2)
      const server = yield* serve([json(200, inCookie), problem(400, "invalid-request", false)])
      yield* Effect.promise(async () => {
        const effex = connect(server.url, { session: "cookie" })
        await effex.accounts.me()
        await effex.accounts.logout()
        assert.strictEqual(await effex.accounts.isSignedIn(), false)
        const ends: Array<unknown> = []
        const other = connect(server.url, { session: "cookie", onSessionEnd: (error) => ends.push(error) })
        assert.strictEqual(await other.accounts.isSignedIn(), false)
        assert.strictEqual(await other.accounts.isSignedIn(), false)
        assert.isEmpty(ends)
        await other.accounts.login({ username: "amara", password: PASSWORD })
      })
      assert.deepStrictEqual(server.refreshTokens(), [{}, {}])
      for (const { body, headers } of server.requests.filter(({ method }) => method === "POST")) {
        assert.strictEqual(headers["effex-csrf"], "1")
        assert.notInclude(body, "refresh")
      }
      const login = JSON.parse(server.to("/auth/login")[0]?.body ?? "")
      assert.deepStrictEqual(login, { username: "amara", password: PASSWORD, cookie: true })
    }).pipe(Effect.scoped)
  )

  it.live("stops one waiting call without stopping the renewal for others", () =>
    Effect.gen(function* () {
      let respond = () => {}
      const server = yield* serve([
        (response, request) => {
          respond = () => json(200, tokens(2))(response, request)
        }
      ])
      const storage = makeStorage()
      const effex = yield* Effect.promise(() => signIn(server.url, { session: storage }))
      expire(storage)
      const controller = yield* Effect.sync(() => new AbortController())
      const aborted = errorOf(effex.accounts.me({ signal: controller.signal }))
      const other = effex.accounts.me()
      yield* eventually("refresh", () => server.to("/auth/refresh").length === 1 || undefined)
      controller.abort()
      assert.deepInclude(yield* Effect.promise(() => aborted), { code: "aborted" })
      respond()
      assert.strictEqual((yield* Effect.promise(() => other)).username, "amara")
    }).pipe(Effect.scoped)
  )

  it.live("never shows tokens or passwords in errors", () =>
    Effect.gen(function* () {
      const required = json(401, {
        code: "mfa-required",
        detail: "A code is required",
        retryable: false,
        mfa_token: "secret-mfa-token"
      })
      const { url } = yield* ScriptedServer.listen(signedIn(1), reset, reset, reset, reset, required)
      yield* Effect.promise(async () => {
        const effex = await signIn(url)
        const credentials = { username: "amara", password: PASSWORD }
        const errors = [await errorOf(effex.accounts.me()), await errorOf(effex.accounts.login(credentials))]
        for (const error of [...errors, effex]) {
          const shown = `${inspect(error, { depth: 20, showHidden: true })}${JSON.stringify(error)}${String(error)}`
          for (const secret of ["access-1", "refresh-1", PASSWORD, "secret-mfa-token"])
            assert.notInclude(shown, secret)
        }
        const wrongCall = Reflect.apply(effex.accounts.login, effex.accounts, ["amara", PASSWORD])
        const misused = await errorOf(wrongCall)
        assert.notInclude(misused.message, PASSWORD)
        const swapped = await errorOf(Reflect.apply(effex.accounts.login, effex.accounts, [{}, PASSWORD]))
        assert.include(swapped.message, "found a string")
        assert.deepInclude(errors[1], { code: "mfa-required" })
        assert.strictEqual(Reflect.get(errors[1] ?? {}, "mfaToken"), "secret-mfa-token")
      })
    }).pipe(Effect.scoped)
  )
})
