import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { generateSync } from "otplib"
import { AttemptLimits } from "../../src/accounts/login/AttemptLimits.ts"
import { SignIn } from "../../src/accounts/login/SignIn.ts"
import { layerSecondFactor, Mfa } from "../../src/accounts/mfa/Mfa.ts"
import { MfaSecrets } from "../../src/accounts/mfa/MfaSecrets.ts"
import { NewUserSetup } from "../../src/accounts/NewUserSetup.ts"
import { Registration } from "../../src/accounts/Registration.ts"
import { SecurityEvents } from "../../src/accounts/SecurityEvents.ts"
import { Sessions } from "../../src/accounts/sessions/Sessions.ts"
import * as TestAccounts from "../support/TestAccounts.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const { DEVICE, PASSWORD } = TestAccounts
const password = Redacted.make(PASSWORD)

const hooks = Layer.mergeAll(AttemptLimits.layerNone, NewUserSetup.layerNone, SecurityEvents.layer)

const node = Mfa.layer.pipe(
  Layer.provideMerge(TestAccounts.node),
  Layer.provideMerge(layerSecondFactor),
  Layer.provideMerge(MfaSecrets.layer),
  Layer.provideMerge(hooks)
)

const database = TestDatabase.layer({
  JWT_SIGNING_KEY: TestConversions.SIGNING_KEY,
  MFA_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString("base64")
})

/** Builds another node on the same database. Returns a function that runs work on it. */
const otherNode = Effect.map(
  Layer.build(Layer.fresh(node)),
  (context) =>
    <A, E>(work: Effect.Effect<A, E, Layer.Success<typeof node>>) =>
      Effect.provideContext(work, context)
)

let names = 0
const register = Effect.gen(function* () {
  const { register } = yield* Registration
  const opened = yield* register(TestAccounts.account(`two-nodes-${names++}`), DEVICE)
  const { id, username } = opened.user
  return { ...opened, mfaUser: { userId: id, username, sessionId: opened.session.id } }
})

const refresh = (token: Redacted.Redacted) =>
  Effect.flatMap(Sessions, (sessions) => sessions.refresh(token, DEVICE))

const signIn = (username: string, code: Redacted.Redacted) =>
  Effect.flatMap(SignIn, (service) => service.signIn({ proof: { username, password }, code, device: DEVICE }))

const codeOf = (secret: Redacted.Redacted) =>
  Effect.map(DateTime.now, (now) =>
    Redacted.make(
      generateSync({ secret: Redacted.value(secret), epoch: Math.floor(DateTime.toEpochMillis(now) / 1000) })
    )
  )

/** Registers a user with a second factor. */
const enabled = Effect.gen(function* () {
  const { confirm, enroll } = yield* Mfa
  const { mfaUser } = yield* register
  const { secret } = yield* enroll(mfaUser, password)
  const recoveryCodes = yield* confirm(mfaUser, yield* codeOf(secret))
  return { username: mfaUser.username, secret, recoveryCodes }
})

/** The outcomes of a sign-in with one code, ten times on each of two nodes at once. */
const signInEverywhere = Effect.fnUntraced(function* (username: string, code: Redacted.Redacted) {
  const onOther = yield* otherNode
  const results = yield* Effect.forEach(
    Array.from({ length: 20 }, (_, n) => n),
    (n) => {
      const attempt = Effect.result(signIn(username, code))
      return n % 2 === 0 ? attempt : onOther(attempt)
    },
    { concurrency: "unbounded" }
  )
  return results.map((result) => (result._tag === "Success" ? "signed in" : result.failure._tag)).toSorted()
})

const ONCE = [...Array.from({ length: 19 }, () => "InvalidCredentials"), "signed in"]

layer(Layer.provideMerge(node, database))("Two nodes on one database", (it) => {
  it.effect("accept a code of the authenticator app once, also 75 seconds later", () =>
    Effect.gen(function* () {
      const { secret, username } = yield* enabled
      const onOther = yield* otherNode
      yield* TestClock.adjust("30 seconds")
      const code = yield* codeOf(secret)
      assert.deepStrictEqual(yield* signInEverywhere(username, code), ONCE)
      yield* TestClock.adjust("75 seconds")
      for (const attempt of [signIn(username, code), onOther(signIn(username, code))])
        assert.strictEqual((yield* Effect.flip(attempt))._tag, "InvalidCredentials")
      yield* onOther(signIn(username, yield* codeOf(secret)))
    })
  )

  it.effect("accept a recovery code once", () =>
    Effect.gen(function* () {
      const { recoveryCodes, username } = yield* enabled
      const [code = Redacted.make("")] = recoveryCodes
      assert.deepStrictEqual(yield* signInEverywhere(username, code), ONCE)
    })
  )

  it.effect("return one successor of a refresh token that two tabs use at once, within 10 seconds too", () =>
    Effect.gen(function* () {
      const onOther = yield* otherNode
      for (let round = 0; round < 30; round++) {
        const { refreshToken } = yield* register
        const tabs = yield* Effect.all([refresh(refreshToken), onOther(refresh(refreshToken))], {
          concurrency: "unbounded"
        })
        yield* TestClock.adjust("9 seconds")
        const late = yield* onOther(refresh(refreshToken))
        const successors = [...tabs, late].map((opened) => Redacted.value(opened.refreshToken))
        assert.strictEqual(new Set(successors).size, 1)
      }
    })
  )

  it.effect("end the session when a used refresh token comes back on the other node after the grace", () =>
    Effect.gen(function* () {
      const onOther = yield* otherNode
      const { refreshToken } = yield* register
      const second = yield* refresh(refreshToken)
      const third = yield* onOther(refresh(second.refreshToken))
      yield* TestClock.adjust("11 seconds")
      const reused = yield* Effect.flip(onOther(refresh(refreshToken)))
      const newest = yield* Effect.flip(refresh(third.refreshToken))
      for (const error of [reused, newest])
        assert.deepInclude(error, { _tag: "SessionEnded", reason: "reuse" })
    })
  )

  it.effect("refuse a refresh token during the grace after a logout on the other node", () =>
    Effect.gen(function* () {
      const onOther = yield* otherNode
      const { refreshToken } = yield* register
      const next = yield* refresh(refreshToken)
      yield* onOther(Effect.flatMap(Sessions, ({ endByToken }) => endByToken(next.refreshToken)))
      for (const token of [refreshToken, next.refreshToken])
        assert.deepInclude(yield* Effect.flip(refresh(token)), { _tag: "SessionEnded", reason: "logout" })
    })
  )
})
