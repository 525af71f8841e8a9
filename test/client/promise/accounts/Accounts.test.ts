import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { generateSync } from "otplib"
import { UserAdministration } from "../../../../src/accounts/UserAdministration.ts"
import { connect, type ConnectOptions } from "../../../../src/client/promise/Connect.ts"
import { EffexError, MfaRequired, SessionEnded } from "../../../../src/client/promise/EffexError.ts"
import { UserId } from "../../../../src/domain/accounts/User.ts"
import * as Callers from "../../../support/Callers.ts"
import { TestServer } from "../../../support/TestServer.ts"

const PASSWORD = "a long enough passphrase"

const errorOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  assert.instanceOf(error, EffexError)
  return error
}

const codeOf = (secret: string) => generateSync({ secret, epoch: Math.floor(Date.now() / 1000) })

const makeStorage = () => {
  const items = new Map<string, string>()
  return {
    items,
    getItem: async (key: string) => items.get(key) ?? null,
    setItem: async (key: string, value: string) => void items.set(key, value),
    removeItem: async (key: string) => void items.delete(key)
  }
}

/** A runtime without Web Locks, such as Node.js 22. */
const withoutLocks = Effect.acquireRelease(
  Effect.sync(() => {
    const own = Object.getOwnPropertyDescriptor(navigator, "locks")
    Object.defineProperty(navigator, "locks", { value: undefined, configurable: true })
    return own
  }),
  (own) =>
    Effect.sync(() => {
      Reflect.deleteProperty(navigator, "locks")
      if (own !== undefined) Object.defineProperty(navigator, "locks", own)
    })
)

layer(TestServer.layer(), { excludeTestServices: true })("accounts of connect, against a server", (it) => {
  const connectTo = (options: ConnectOptions = {}) =>
    Effect.map(TestServer, ({ url }) => connect(url, options))

  it.effect("sign up, change the account, sign in on two devices, and sign out", () =>
    Effect.gen(function* () {
      const laptop = yield* connectTo()
      const phone = yield* connectTo()
      yield* Effect.promise(async () => {
        const registered = await laptop.accounts.register({ username: "Amara", password: PASSWORD })
        assert.deepInclude(registered, { username: "amara", email: null, role: "user" })
        assert.instanceOf(registered.createdAt, Date)
        const other = { username: "amara", password: `${PASSWORD}!` }
        assert.deepInclude(await errorOf(phone.accounts.register(other)), {
          code: "username-taken",
          status: 409
        })
        assert.deepInclude(await errorOf(phone.accounts.login(other)), { code: "invalid-credentials" })
        assert.deepStrictEqual(await phone.accounts.login({ ...other, password: PASSWORD }), registered)
        const changed = await phone.accounts.update({ email: "amara@example.org" })
        assert.strictEqual(changed.email, "amara@example.org")
        assert.deepStrictEqual(await laptop.accounts.me(), changed)
        assert.strictEqual((await laptop.accounts.update({ email: null })).email, null)

        const sessions = await laptop.accounts.sessions()
        assert.deepStrictEqual(
          sessions.map(({ current }) => current),
          [false, true]
        )
        assert.instanceOf(sessions[0]?.expiresAt, Date)
        await laptop.accounts.endSession(sessions[0]?.id ?? "")
        const ended = await errorOf(phone.accounts.me())
        assert.instanceOf(ended, SessionEnded)
        assert.deepInclude(ended, { status: 401 })
        assert.match(ended.traceId ?? "", /^[0-9a-f]{32}$/)
        assert.strictEqual(await phone.accounts.isSignedIn(), false)
        assert.strictEqual(await laptop.accounts.isSignedIn(), true)
        const unknown = await errorOf(laptop.accounts.endSession(sessions[0]?.id ?? ""))
        assert.strictEqual(unknown.code, "not-found")

        await phone.accounts.login({ username: "amara", password: PASSWORD })
        await laptop.accounts.logoutOthers()
        assert.instanceOf(await errorOf(phone.accounts.me()), SessionEnded)
        assert.deepStrictEqual(
          (await laptop.accounts.sessions()).map(({ current }) => current),
          [true]
        )

        await phone.accounts.login({ username: "amara", password: PASSWORD })
        const wrong = { currentPassword: "something else", newPassword: "another passphrase" }
        const refused = await errorOf(laptop.accounts.changePassword(wrong))
        assert.strictEqual(refused.code, "invalid-credentials")
        await laptop.accounts.changePassword({ ...wrong, currentPassword: PASSWORD })
        assert.instanceOf(await errorOf(phone.accounts.me()), SessionEnded)
        await phone.accounts.login({ username: "amara", password: "another passphrase" })
        await phone.accounts.logout()
        assert.instanceOf(await errorOf(phone.accounts.me()), SessionEnded)
        await phone.accounts.login({ username: "amara", password: "another passphrase" })
        await phone.accounts.logoutAll()
        assert.instanceOf(await errorOf(phone.accounts.me()), SessionEnded)
        assert.instanceOf(await errorOf(laptop.accounts.me()), SessionEnded)
      })
    })
  )

  it.effect("require, use, renew and remove a second factor", () =>
    Effect.gen(function* () {
      const effex = yield* connectTo()
      const phone = yield* connectTo()
      const { accounts } = effex
      const credentials = { username: "bola", password: PASSWORD }
      yield* Effect.promise(async () => {
        await accounts.register(credentials)
        assert.deepStrictEqual(await accounts.mfa.status(), { enabled: false, recoveryCodes: 0 })
        const { otpauthUri, secret } = await accounts.mfa.enroll({ password: PASSWORD })
        assert.include(otpauthUri, `secret=${secret}`)
        const codes = await accounts.mfa.confirm({ code: codeOf(secret) })
        assert.lengthOf(codes, 10)
        assert.deepStrictEqual(await accounts.mfa.status(), { enabled: true, recoveryCodes: 10 })

        const required = await errorOf(phone.accounts.login(credentials))
        assert.instanceOf(required, MfaRequired)
        const code = codes[0] ?? ""
        assert.strictEqual(
          (await phone.accounts.login({ mfaToken: required.mfaToken, code })).username,
          "bola"
        )
        const used = await errorOf(phone.accounts.login({ ...credentials, code }))
        assert.strictEqual(used.code, "invalid-credentials")
        // A failed login leaves the session as it was.
        assert.strictEqual((await phone.accounts.me()).username, "bola")

        const proof = { password: PASSWORD, code: codes[1] ?? "" }
        const renewed = await accounts.mfa.renewRecoveryCodes(proof)
        assert.lengthOf(new Set([...codes, ...renewed]), 20)
        assert.instanceOf(await errorOf(phone.accounts.me()), SessionEnded)
        await phone.accounts.login({ ...credentials, code: renewed[0] ?? "" })
        await accounts.mfa.disable({ password: PASSWORD, code: renewed[1] ?? "" })
        await phone.accounts.login(credentials)
        assert.strictEqual((await errorOf(accounts.mfa.confirm({ code: "000000" }))).code, "mfa-state")
      })
    })
  )

  it.effect("keep a session over a restart, and survive a lost response of a refresh", () =>
    Effect.gen(function* () {
      const storage = makeStorage()
      const before = yield* connectTo({ session: storage })
      const after = yield* connectTo({ session: storage })
      yield* Effect.promise(async () => {
        await before.accounts.register({ username: "chidi", password: PASSWORD })
        const [[key = "", first = ""] = []] = [...storage.items]
        const expired = JSON.stringify({ ...JSON.parse(first), renewAt: 0 })
        storage.items.set(key, expired)
        assert.strictEqual((await after.accounts.me()).username, "chidi")
        const rotated = JSON.parse(storage.items.get(key) ?? "")
        assert.notStrictEqual(rotated.refresh, JSON.parse(first).refresh)
        // As if the process had ended before the response arrived.
        storage.items.set(key, expired)
        assert.strictEqual((await before.accounts.me()).username, "chidi")
        assert.strictEqual(JSON.parse(storage.items.get(key) ?? "").refresh, rotated.refresh)
      })
    })
  )

  it.effect("survive two renewals at a time where there are no locks between tabs", () =>
    Effect.gen(function* () {
      const storage = makeStorage()
      const tabs = [yield* connectTo({ session: storage }), yield* connectTo({ session: storage })]
      yield* withoutLocks
      yield* Effect.promise(async () => {
        await tabs[0]?.accounts.register({ username: "ebele", password: PASSWORD })
        for (let round = 0; round < 3; round++) {
          for (const [key, text] of storage.items)
            storage.items.set(key, JSON.stringify({ ...JSON.parse(text), renewAt: 0 }))
          const users = await Promise.all(tabs.map(({ accounts }) => accounts.me()))
          assert.deepStrictEqual(
            users.map(({ username }) => username),
            ["ebele", "ebele"]
          )
        }
      })
    }).pipe(Effect.scoped)
  )

  it.effect("end when an administrator locks the account, also for a refresh", () =>
    Effect.gen(function* () {
      const ends: Array<SessionEnded> = []
      const effex = yield* connectTo({ onSessionEnd: (error) => ends.push(error) })
      const storage = makeStorage()
      const other = yield* connectTo({ session: storage })
      const credentials = { username: "dayo", password: PASSWORD }
      const { id } = yield* Effect.promise(async () => {
        await effex.accounts.register(credentials)
        return other.accounts.login(credentials)
      })
      const { lock } = yield* UserAdministration
      yield* lock({ user: UserId.make(id), principal: "cli:test", reason: "Reported as stolen" })
      yield* Effect.promise(async () => {
        const ended = await errorOf(effex.accounts.me())
        assert.instanceOf(ended, SessionEnded)
        assert.match(ended.detail, /locked/)
        assert.deepStrictEqual(
          ends.map(({ detail }) => detail),
          [ended.detail]
        )
        for (const [key, text] of storage.items)
          storage.items.set(key, JSON.stringify({ ...JSON.parse(text), renewAt: 0 }))
        assert.instanceOf(await errorOf(other.accounts.me()), SessionEnded)
        assert.isEmpty([...storage.items])
        assert.deepInclude(await errorOf(effex.accounts.login(credentials)), {
          code: "account-locked",
          status: 403
        })
      })
    })
  )

  it.effect("are refused to an API key", () =>
    Effect.gen(function* () {
      const { authorization } = yield* Callers.withScopes("wallets")
      const apiKey = authorization.replace("Bearer ", "")
      const { url } = yield* TestServer
      yield* Effect.promise(async () => {
        assert.instanceOf(await errorOf(connect(url, { apiKey }).accounts.me()), SessionEnded)
        assert.throws(() => connect(url, { onBehalfOf: "01a2" }), /onBehalfOf needs an apiKey/)
        assert.throws(
          () => connect(url, { session: Object("local") }),
          /session must be "cookie", or a storage/
        )
      })
    })
  )
})
