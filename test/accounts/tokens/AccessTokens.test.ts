import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { SignJWT, UnsecuredJWT } from "jose"
import { generateKeyPairSync } from "node:crypto"
import { AccessTokenKeys } from "../../../src/accounts/tokens/AccessTokenKeys.ts"
import { AccessTokens } from "../../../src/accounts/tokens/AccessTokens.ts"
import { SessionId } from "../../../src/domain/accounts/Session.ts"
import { UserId, Username } from "../../../src/domain/accounts/User.ts"
import * as TestAccounts from "../../support/TestAccounts.ts"

const USER = {
  id: UserId.make("01980000-0000-7000-8000-000000000001"),
  username: Username.make("alice"),
  role: "user" as const
}
const SESSION = SessionId.make("01980000-0000-7000-9000-000000000001")

const issue = Effect.gen(function* () {
  const { issue } = yield* AccessTokens
  const sessionExpiresAt = DateTime.add(yield* DateTime.now, { days: 30 })
  return Redacted.value((yield* issue({ user: USER, session: SESSION, sessionExpiresAt })).token)
})

const assertRefused = (name: string, token: string) =>
  Effect.gen(function* () {
    const { verify } = yield* AccessTokens
    const error = yield* Effect.flip(verify(token))
    assert.strictEqual(error._tag, "InvalidAccessToken", name)
    if (token.length > 40) assert.notInclude(error.message, token.slice(0, 20), name)
  })

layer(TestAccounts.layer())("AccessTokens", (it) => {
  it.effect("issue a token with every claim, which expires", () =>
    Effect.gen(function* () {
      const { verify, verifySync } = yield* AccessTokens
      const token = yield* issue
      assert.isUndefined(verifySync(token, 0))
      const { role, sid, sub, username } = yield* verify(token)
      assert.deepStrictEqual([sub, sid, username, role], [USER.id, SESSION, "alice", "user"])
      assert.isDefined(verifySync(token, 599_000))
      assert.isUndefined(verifySync(token, 600_000))
      yield* TestClock.adjust("606 seconds")
      yield* assertRefused("expired", token)
    })
  )

  it.effect("refuse forged tokens", () =>
    Effect.gen(function* () {
      const { issueSecondFactor, verifySecondFactor } = yield* AccessTokens
      const { keys } = yield* AccessTokenKeys
      const [key] = keys
      const stranger = generateKeyPairSync("ed25519")
      const now = Math.floor(DateTime.toEpochMillis(yield* DateTime.now) / 1000)
      const valid = {
        iss: "effex",
        aud: "effex-api",
        sub: USER.id,
        sid: SESSION,
        jti: "1",
        iat: now,
        exp: now + 600,
        username: "alice",
        role: "user"
      }
      const header = { alg: "EdDSA", typ: "at+jwt", kid: key.kid }
      const sign = (claims: object, changes: object = {}, by = key.privateKey) =>
        Effect.promise(() =>
          new SignJWT({ ...claims }).setProtectedHeader({ ...header, ...changes }).sign(by)
        )
      const { verify } = yield* AccessTokens
      assert.strictEqual((yield* verify(yield* sign(valid))).sub, USER.id)

      const without = (claim: string) =>
        sign(Object.fromEntries(Object.entries(valid).filter(([name]) => name !== claim)))
      const forged: Record<string, string> = {
        "alg none": new UnsecuredJWT(valid).encode(),
        "another key under our kid": yield* sign(valid, {}, stranger.privateKey),
        "an unknown kid": yield* sign(valid, { kid: "other" }),
        "a jwk in the header": yield* sign(
          valid,
          { jwk: stranger.publicKey.export({ format: "jwk" }) },
          stranger.privateKey
        ),
        "the alg Ed25519": yield* sign(valid, { alg: "Ed25519" }),
        "a refresh token": "efr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "a typ of others": yield* sign(valid, { typ: "JWT" }),
        "an aud of others": yield* sign({ ...valid, aud: "other" }),
        "an iss of others": yield* sign({ ...valid, iss: "other" }),
        "exp in ten years": yield* sign({ ...valid, exp: now + 315_360_000 }),
        "iat in the future": yield* sign({ ...valid, iat: now + 60, exp: now + 660 }),
        "an empty sub": yield* sign({ ...valid, sub: "" }),
        "a sub that is no id": yield* sign({ ...valid, sub: "1" }),
        "a role of others": yield* sign({ ...valid, role: "root" }),
        "an audience list": yield* sign({ ...valid, aud: ["effex-api", "other"] })
      }
      for (const claim of Object.keys(valid)) forged[`no ${claim}`] = yield* without(claim)
      const publicKey = key.publicKey.export({ format: "pem", type: "spki" })
      forged["HS256 with the public key"] = yield* Effect.promise(() =>
        new SignJWT(valid)
          .setProtectedHeader({ ...header, alg: "HS256" })
          .sign(new TextEncoder().encode(String(publicKey)))
      )
      const secondFactor = Redacted.value(yield* issueSecondFactor(USER.id, yield* DateTime.now))
      forged["a second-factor token"] = secondFactor
      const good = yield* sign(valid)
      forged["another signature"] = `${good.slice(0, -10)}AAAAAAAAAA`
      forged["other claims"] = good.replace(
        /\.[^.]+\./,
        `.${Buffer.from(JSON.stringify({ ...valid, role: "admin" })).toString("base64url")}.`
      )
      for (const [name, token] of Object.entries(forged)) yield* assertRefused(name, token)
      for (const text of ["", ".", "..", "ey.ey.ey", "a".repeat(100_000), good + "x".repeat(3000)])
        yield* assertRefused(text.slice(0, 20), text)
      assert.strictEqual((yield* verifySecondFactor(secondFactor)).sub, USER.id)
      assert.strictEqual((yield* Effect.flip(verifySecondFactor(good)))._tag, "InvalidAccessToken")
    })
  )
})

const A = Buffer.alloc(32, 1).toString("base64")
const B = Buffer.alloc(32, 2).toString("base64")

layer(TestAccounts.layer({ JWT_SIGNING_KEY: `${B},${A}` }))("Two keys", (it) => {
  it.effect("are both valid, and the first one signs", () =>
    Effect.gen(function* () {
      const { jwks, verify } = yield* AccessTokens
      const { keys } = yield* AccessTokenKeys
      assert.lengthOf(jwks.keys, 2)
      const [, previous] = keys
      assert.isDefined(previous)
      const token = yield* issue
      const [encoded = ""] = token.split(".")
      const { kid } = JSON.parse(Buffer.from(encoded, "base64url").toString())
      assert.strictEqual(kid, jwks.keys[0]?.kid)
      const claims = yield* verify(token)
      const older = yield* Effect.promise(async () =>
        previous === undefined
          ? ""
          : new SignJWT({ ...claims })
              .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: previous.kid })
              .sign(previous.privateKey)
      )
      assert.strictEqual((yield* verify(older)).sub, USER.id)
    })
  )
})
