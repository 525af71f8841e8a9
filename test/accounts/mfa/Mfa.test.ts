import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { generateSync } from "otplib"
import { layerSecondFactor, Mfa } from "../../../src/accounts/mfa/Mfa.ts"
import { MfaSecrets } from "../../../src/accounts/mfa/MfaSecrets.ts"
import { AttemptLimits } from "../../../src/accounts/login/AttemptLimits.ts"
import { NewUserSetup } from "../../../src/accounts/NewUserSetup.ts"
import { Registration } from "../../../src/accounts/Registration.ts"
import { SecurityEvents } from "../../../src/accounts/SecurityEvents.ts"
import { Sessions } from "../../../src/accounts/sessions/Sessions.ts"
import { SignIn } from "../../../src/accounts/login/SignIn.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as TestAccounts from "../../support/TestAccounts.ts"
import * as TestConversions from "../../support/TestConversions.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

const { DEVICE, PASSWORD } = TestAccounts
const password = Redacted.make(PASSWORD)

const hooks = Layer.mergeAll(AttemptLimits.layerNone, NewUserSetup.layerNone, SecurityEvents.layer)
const KEYS = [1, 2].map((byte) => Buffer.alloc(32, byte).toString("base64"))

const layerOf = (keys: string) =>
  Mfa.layer.pipe(
    Layer.provideMerge(TestAccounts.node),
    Layer.provideMerge(layerSecondFactor),
    Layer.provideMerge(MfaSecrets.layer),
    Layer.provideMerge(hooks),
    Layer.provideMerge(
      TestDatabase.layer({ JWT_SIGNING_KEY: TestConversions.SIGNING_KEY, MFA_ENCRYPTION_KEY: keys })
    )
  )

let users = 0
const register = Effect.gen(function* () {
  const { register } = yield* Registration
  const { session, user } = yield* register(TestAccounts.account(`mfa-user-${users++}`), DEVICE)
  return { userId: user.id, username: user.username, sessionId: session.id }
})

const codeOf = (secret: Redacted.Redacted) =>
  Effect.map(DateTime.now, (now) =>
    Redacted.make(
      generateSync({ secret: Redacted.value(secret), epoch: Math.floor(DateTime.toEpochMillis(now) / 1000) })
    )
  )

/** Registers a user with a second factor. The code of the current step is used up. */
const enabled = Effect.gen(function* () {
  const mfa = yield* Mfa
  const user = yield* register
  const { secret } = yield* mfa.enroll(user, password)
  const recoveryCodes = yield* mfa.confirm(user, yield* codeOf(secret))
  return { user, secret, recoveryCodes }
})

const nextStep = TestClock.adjust("30 seconds")

const signIn = (username: string, code?: Redacted.Redacted) =>
  Effect.flatMap(SignIn, ({ signIn }) => signIn({ proof: { username, password }, code, device: DEVICE }))

layer(layerOf(KEYS[0] ?? ""))("Mfa", (it) => {
  it.effect("is in effect once a code confirms it, and ends every other session", () =>
    Effect.gen(function* () {
      const mfa = yield* Mfa
      const { list } = yield* Sessions
      const user = yield* register
      yield* signIn(user.username)
      const { secret, uri } = yield* mfa.enroll(user, password)
      assert.include(Redacted.value(uri), Redacted.value(secret))
      assert.deepStrictEqual(yield* mfa.status(user.userId), { enabled: false, recoveryCodes: 0 })
      yield* signIn(user.username)
      const wrong = yield* Effect.flip(mfa.confirm(user, Redacted.make("000000")))
      assert.strictEqual(wrong._tag, "InvalidMfaCode")
      assert.lengthOf(yield* mfa.confirm(user, yield* codeOf(secret)), 10)
      assert.deepStrictEqual(yield* mfa.status(user.userId), { enabled: true, recoveryCodes: 10 })
      assert.deepStrictEqual(
        (yield* list(user.userId)).map(({ id }) => id),
        [user.sessionId]
      )
      assert.strictEqual((yield* Effect.flip(mfa.enroll(user, password)))._tag, "MfaAlreadyEnabled")
    })
  )

  it.effect("replaces a secret that was not confirmed", () =>
    Effect.gen(function* () {
      const mfa = yield* Mfa
      const user = yield* register
      const first = yield* mfa.enroll(user, password)
      const second = yield* mfa.enroll(user, password)
      const stale = yield* Effect.flip(mfa.confirm(user, yield* codeOf(first.secret)))
      assert.strictEqual(stale._tag, "InvalidMfaCode")
      assert.lengthOf(yield* mfa.confirm(user, yield* codeOf(second.secret)), 10)
    })
  )

  it.effect("requires a code for a sign-in, by password or by the token of the first attempt", () =>
    Effect.gen(function* () {
      const { secret, user } = yield* enabled
      yield* nextStep
      const required = yield* Effect.flip(signIn(user.username))
      if (required._tag !== "SecondFactorRequired") return assert.fail(required._tag)
      const { signIn: signInWith } = yield* SignIn
      const opened = yield* signInWith({
        proof: { secondFactorToken: required.token },
        code: yield* codeOf(secret),
        device: DEVICE
      })
      assert.isTrue(opened.session.secondFactor)
      yield* nextStep
      assert.isTrue((yield* signIn(user.username, yield* codeOf(secret))).session.secondFactor)
    })
  )

  it.effect("accepts each code once, also the one that confirmed it", () =>
    Effect.gen(function* () {
      const { secret, user } = yield* enabled
      const confirming = yield* codeOf(secret)
      assert.strictEqual((yield* Effect.flip(signIn(user.username, confirming)))._tag, "InvalidCredentials")
      yield* nextStep
      const code = yield* codeOf(secret)
      const results = yield* Effect.forEach(
        Array.from({ length: 10 }),
        () => Effect.result(signIn(user.username, code)),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(
        results.filter(({ _tag }) => _tag === "Success"),
        1
      )
      // Within the tolerance of the next step, it is used up still.
      yield* nextStep
      assert.strictEqual((yield* Effect.flip(signIn(user.username, code)))._tag, "InvalidCredentials")
    })
  )

  it.effect("accepts each recovery code once, however it is typed, and tells the user", () =>
    Effect.gen(function* () {
      const { recoveryCodes, user } = yield* enabled
      const [first = Redacted.make(""), second = Redacted.make("")] = recoveryCodes
      assert.match(Redacted.value(first), /^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/)
      const typed = Redacted.make(` ${Redacted.value(first).toUpperCase().replaceAll("-", " ")} `)
      yield* signIn(user.username, typed)
      const events = yield* (yield* SecurityEvents).page(user.userId, undefined, 2)
      assert.deepStrictEqual(
        events.map(({ event }) => event),
        ["signed-in", "recovery-code-used"]
      )
      assert.strictEqual((yield* Effect.flip(signIn(user.username, first)))._tag, "InvalidCredentials")
      const results = yield* Effect.forEach(
        Array.from({ length: 5 }),
        () => Effect.result(signIn(user.username, second)),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(
        results.filter(({ _tag }) => _tag === "Success"),
        1
      )
      assert.strictEqual((yield* (yield* Mfa).status(user.userId)).recoveryCodes, 8)
    })
  )

  it.effect("has no recovery codes before it is confirmed", () =>
    Effect.gen(function* () {
      const mfa = yield* Mfa
      const user = yield* register
      const notEnabled = Effect.fnUntraced(function* () {
        const proof = { password, code: Redacted.make("123456") }
        assert.strictEqual((yield* Effect.flip(mfa.renewRecoveryCodes(user, proof)))._tag, "MfaNotEnabled")
        assert.strictEqual((yield* mfa.status(user.userId)).recoveryCodes, 0)
      })
      yield* notEnabled()
      const { secret } = yield* mfa.enroll(user, password)
      yield* notEnabled()
      // A code of the secret does not help until it has confirmed the secret.
      const proof = { password, code: yield* codeOf(secret) }
      assert.strictEqual((yield* Effect.flip(mfa.renewRecoveryCodes(user, proof)))._tag, "MfaNotEnabled")
    })
  )

  it.effect("is disabled, and its recovery codes renewed, with password and code only", () =>
    Effect.gen(function* () {
      const mfa = yield* Mfa
      const { recoveryCodes, secret, user } = yield* enabled
      const [old = Redacted.make("")] = recoveryCodes
      yield* nextStep
      const code = yield* codeOf(secret)
      const wrongPassword = { password: Redacted.make("not the password"), code }
      const wrongCode = { password, code: Redacted.make("123") }
      for (const proof of [wrongPassword, wrongCode]) {
        assert.strictEqual((yield* Effect.flip(mfa.disable(user, proof)))._tag, "InvalidCredentials")
        assert.strictEqual(
          (yield* Effect.flip(mfa.renewRecoveryCodes(user, proof)))._tag,
          "InvalidCredentials"
        )
      }
      const renewed = yield* mfa.renewRecoveryCodes(user, { password, code })
      assert.lengthOf(renewed, 10)
      assert.strictEqual((yield* Effect.flip(signIn(user.username, old)))._tag, "InvalidCredentials")
      yield* mfa.disable(user, { password, code: renewed[0] ?? old })
      assert.isFalse((yield* signIn(user.username)).session.secondFactor)
      const proof = { password, code }
      assert.strictEqual((yield* Effect.flip(mfa.disable(user, proof)))._tag, "MfaNotEnabled")
    })
  )

  it.effect("leaves no session without a second factor when a sign-in races with its confirmation", () =>
    Effect.gen(function* () {
      const mfa = yield* Mfa
      const { list } = yield* Sessions
      for (let round = 0; round < 10; round++) {
        const user = yield* register
        const { secret } = yield* mfa.enroll(user, password)
        const code = yield* codeOf(secret)
        const signIns = Array.from({ length: 4 }, () => Effect.result(signIn(user.username)))
        yield* Effect.all([...signIns.slice(2), mfa.confirm(user, code), ...signIns.slice(0, 2)], {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(
          (yield* list(user.userId)).map(({ id }) => id),
          [user.sessionId]
        )
      }
    })
  )

  it.effect("stores no secret and no code in clear text", () =>
    Effect.gen(function* () {
      const { recoveryCodes, secret } = yield* enabled
      const { execute, sql } = yield* Database
      const rows = yield* execute(sql<{ text: string }>`
        SELECT encode(secret, 'escape') || key_id AS text FROM mfa
        UNION ALL SELECT encode(hash, 'escape') FROM recovery_code`)
      const text = rows.map((row) => row.text).join("\n")
      for (const clear of [secret, ...recoveryCodes]) assert.notInclude(text, Redacted.value(clear))
    })
  )
})

layer(layerOf(KEYS.join()))("MfaSecrets", (it) => {
  const SECRET = new TextEncoder().encode("12345678901234567890")
  const encryptWith = (keys: string, userId: Parameters<MfaSecrets["Service"]["encrypt"]>[0]) =>
    Effect.flatMap(MfaSecrets, ({ encrypt }) => encrypt(userId, SECRET)).pipe(
      Effect.provide(Layer.fresh(layerOf(keys)))
    )

  it.effect("decrypts with the previous key, for the same user only", () =>
    Effect.gen(function* () {
      const { decrypt, isCurrent } = yield* MfaSecrets
      const { userId } = yield* register
      const { userId: other } = yield* register
      const previous = yield* encryptWith(KEYS[1] ?? "", userId)
      assert.isFalse(isCurrent(previous))
      assert.deepStrictEqual(Uint8Array.from(yield* decrypt(userId, previous)), SECRET)
      const moved = yield* Effect.flip(decrypt(other, previous))
      assert.strictEqual(moved._tag, "UnreadableSecret")
      const changed = {
        ...previous,
        bytes: Uint8Array.from(previous.bytes, (byte, i) => (i === 30 ? byte ^ 1 : byte))
      }
      assert.strictEqual((yield* Effect.flip(decrypt(userId, changed)))._tag, "UnreadableSecret")
    })
  )

  it.effect("encrypts a secret of the previous key again when it is used", () =>
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const { isCurrent } = yield* MfaSecrets
      const { secret, user } = yield* enabled
      const { keyId, bytes } = yield* encryptWith(KEYS[1] ?? "", user.userId)
      assert.isFalse(isCurrent({ keyId, bytes }))
      yield* execute(sql`UPDATE mfa SET secret = ${bytes}, key_id = ${keyId} WHERE user_id = ${user.userId}`)
      yield* nextStep
      const known = Redacted.make("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
      assert.notStrictEqual(Redacted.value(secret), Redacted.value(known))
      yield* signIn(user.username, yield* codeOf(known))
      const [row] = yield* execute(sql<{ keyId: string }>`
        SELECT key_id FROM mfa WHERE user_id = ${user.userId}`)
      assert.isTrue(isCurrent({ keyId: row?.keyId ?? "", bytes }))
    })
  )
})
