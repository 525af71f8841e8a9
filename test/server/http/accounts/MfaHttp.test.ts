import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { generateSync } from "otplib"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"

const AUTH = "/api/v1/accounts/auth"
const password = "correct horse staple 42"

const post = (path: string, body: unknown, access?: string) =>
  get(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: {
      "content-type": "application/json",
      ...(access === undefined ? {} : { authorization: `Bearer ${access}` })
    }
  })

/** Returns the code of a step: 0 is the current one. */
const codeOf = (secret: string, step: number) =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    generateSync({ secret, epoch: Math.floor(now / 1000) + step * 30 })
  )

const textsOf = (value: unknown) => (Array.isArray(value) ? value.map(String) : [])

layer(TestServer.layer({ FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }), { excludeTestServices: true })((it) => {
  describe("/api/v1/accounts/auth/mfa", () => {
    it.effect("enrolls, confirms, signs in with recovery codes, renews them, and disables", () =>
      Effect.gen(function* () {
        const username = "second-factor"
        const registered = yield* post(`${AUTH}/register`, { username, password })
        const access = String(registered.json["access"])
        const wrong = yield* post(`${AUTH}/mfa/enroll`, { password: "not the password" }, access)
        assertProblem(wrong, 401, "invalid-credentials")
        assertProblem(yield* post(`${AUTH}/mfa/confirm`, { code: "123456" }, access), 409, "mfa-state")

        const enrolled = yield* post(`${AUTH}/mfa/enroll`, { password }, access)
        assert.strictEqual(enrolled.status, 200, enrolled.text)
        assert.strictEqual(enrolled.headers.get("cache-control"), "no-store")
        const secret = String(enrolled.json["secret"])
        assert.include(String(enrolled.json["otpauth_uri"]), `secret=${secret}`)
        for (const code of ["", "1", "abcdef", "1234567"])
          assertProblem(yield* post(`${AUTH}/mfa/confirm`, { code }, access), 401, "invalid-credentials")
        // The code of the step before is right also if the step ends meanwhile.
        const confirmed = yield* post(`${AUTH}/mfa/confirm`, { code: yield* codeOf(secret, 0) }, access)
        assert.strictEqual(confirmed.status, 200, confirmed.text)
        const [first, second, third] = textsOf(confirmed.json["recovery_codes"])
        const status = yield* get(`${AUTH}/mfa/`, { headers: { authorization: `Bearer ${access}` } })
        assert.deepStrictEqual(status.json, { enabled: true, recovery_codes: 10 })

        const login = (fields: object) => post(`${AUTH}/login`, fields)
        const required = yield* login({ username, password })
        const { mfa_token: mfaToken, ...problem } = required.json
        assertProblem({ ...required, json: problem }, 401, "mfa-required")
        assertProblem(yield* login({ mfa_token: mfaToken, code: "000-000" }), 401, "invalid-credentials")
        const signedIn = yield* login({ mfa_token: mfaToken, code: first })
        assert.strictEqual(signedIn.status, 200, signedIn.text)
        assertProblem(yield* login({ username, password, code: first }), 401, "invalid-credentials")

        const renewed = yield* post(`${AUTH}/mfa/recovery-codes`, { password, code: second }, access)
        const [fourth] = textsOf(renewed.json["recovery_codes"])
        // It ended the other session.
        const me = yield* get("/api/v1/accounts/me", {
          headers: { authorization: `Bearer ${String(signedIn.json["access"])}` }
        })
        assertProblem(me, 401, "session-ended")
        assertProblem(
          yield* post(`${AUTH}/mfa/disable`, { password, code: third }, access),
          401,
          "invalid-credentials"
        )
        assert.strictEqual(
          (yield* post(`${AUTH}/mfa/disable`, { password, code: fourth }, access)).status,
          204
        )
        assert.strictEqual((yield* login({ username, password })).status, 200)
      })
    )
  })
})
