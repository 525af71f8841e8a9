import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { generateSync } from "otplib"
import * as Callers from "../../../support/Callers.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"

const AUTH = "/api/v1/accounts/auth"
const password = "correct horse staple 42"

const post = (path: string, body: unknown, authorization?: string) =>
  get(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) }
  })

const login = (username: string, code?: string) => post(`${AUTH}/login`, { username, password, code })

const bearerOf = ({ json }: { readonly json: Readonly<Record<string, unknown>> }) =>
  `Bearer ${String(json["access"])}`

const codeOf = (secret: string) =>
  Effect.map(Clock.currentTimeMillis, (now) => generateSync({ secret, epoch: Math.floor(now / 1000) }))

/** Enables the second factor of a session. Returns the secret, which has used up its current code, and the recovery codes. */
const enable = Effect.fnUntraced(function* (authorization: string) {
  const enrolled = yield* post(`${AUTH}/mfa/enroll`, { password }, authorization)
  assert.strictEqual(enrolled.status, 200, enrolled.text)
  const secret = String(enrolled.json["secret"])
  const confirmed = yield* post(`${AUTH}/mfa/confirm`, { code: yield* codeOf(secret) }, authorization)
  assert.strictEqual(confirmed.status, 200, confirmed.text)
  const codes = confirmed.json["recovery_codes"]
  return { secret, recoveryCodes: Array.isArray(codes) ? codes.map(String) : [] }
})

layer(TestServer.layer(), { excludeTestServices: true })((it) => {
  describe("A second factor that an administrator resets", () => {
    it.effect("is not required any more, and its codes and recovery codes are worthless", () =>
      Effect.gen(function* () {
        const { authorization: admin } = yield* Callers.user("administrator")
        const username = "lost-phone"
        const registered = yield* post(`${AUTH}/register`, { username, password })
        const session = bearerOf(registered)
        const lost = yield* enable(session)
        const [code, second] = lost.recoveryCodes
        assert.strictEqual((yield* login(username, code)).status, 200)
        assert.strictEqual((yield* login(username)).json["code"], "mfa-required")

        const { id } = (yield* get("/api/v1/accounts/me", { headers: { authorization: session } })).json
        const reset = yield* post(
          `/api/v1/admin/users/${String(id)}/reset-mfa`,
          { reason: "Lost phone and codes, ticket 82" },
          admin
        )
        assert.strictEqual(reset.status, 200, reset.text)
        const me = yield* get("/api/v1/accounts/me", { headers: { authorization: session } })
        assertProblem(me, 401, "session-ended")

        const signedIn = yield* login(username)
        assert.strictEqual(signedIn.status, 200, signedIn.text)
        const status = yield* get(`${AUTH}/mfa`, { headers: { authorization: bearerOf(signedIn) } })
        assert.deepStrictEqual(status.json, { enabled: false, recovery_codes: 0 })

        const renewed = yield* enable(bearerOf(signedIn))
        assert.notStrictEqual(renewed.secret, lost.secret)
        for (const old of [yield* codeOf(lost.secret), second])
          assertProblem(yield* login(username, old), 401, "invalid-credentials")
        assert.strictEqual((yield* login(username, renewed.recoveryCodes[0])).status, 200)

        const events = yield* get("/api/v1/accounts/security-events?page_size=100", {
          headers: { authorization: bearerOf(signedIn) }
        })
        const names = Array.isArray(events.json["data"]) ? events.json["data"].map(({ event }) => event) : []
        assert.deepStrictEqual(
          names.filter((name) => name.startsWith("mfa")),
          ["mfa-enabled", "mfa-disabled", "mfa-enabled"]
        )
        const log = yield* get(`/api/v1/admin/actions?subject=${String(id)}`, {
          headers: { authorization: admin ?? "" }
        })
        const [action] = Array.isArray(log.json["data"]) ? log.json["data"] : []
        assert.deepInclude(action, { action: "user.reset-mfa", reason: "Lost phone and codes, ticket 82" })
        assert.deepInclude(action.details, { had_second_factor: true })
      })
    )

    for (const factor of ["no", "an unconfirmed"] as const)
      it.effect(`is not reported, and ends no session, when the user has ${factor} second factor`, () =>
        Effect.gen(function* () {
          const { authorization: admin } = yield* Callers.user("administrator")
          const username = `reset-${factor.slice(-4).trim()}`
          const registered = yield* post(`${AUTH}/register`, { username, password })
          if (factor === "an unconfirmed") {
            const enrolled = yield* post(`${AUTH}/mfa/enroll`, { password }, bearerOf(registered))
            assert.strictEqual(enrolled.status, 200, enrolled.text)
          }
          const { user } = registered.json
          const id = typeof user === "object" && user !== null && "id" in user ? String(user.id) : ""
          const reset = yield* post(`/api/v1/admin/users/${id}/reset-mfa`, { reason: "A mistake" }, admin)
          assert.strictEqual(reset.status, 200, reset.text)
          const events = yield* get("/api/v1/accounts/security-events", {
            headers: { authorization: bearerOf(registered) }
          })
          assert.strictEqual(events.status, 200, events.text)
          assert.notInclude(events.text, "mfa-disabled")
          const log = yield* get(`/api/v1/admin/actions?subject=${id}`, {
            headers: { authorization: admin ?? "" }
          })
          const [action] = Array.isArray(log.json["data"]) ? log.json["data"] : []
          assert.deepInclude(action.details, { had_second_factor: false, sessions_ended: 0 })
        })
      )
  })
})
