import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Callers from "../../../support/Callers.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"

const KEYS = "/api/v1/admin/keys"

const as = (authorization: string | undefined) => (path: string, body?: unknown) =>
  get(path, {
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) }
  })

const newKey = { name: "shop", scopes: ["convert"], lifetime: "90 days", reason: "New shop" }

layer(TestServer.layer({ FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }), { excludeTestServices: true })(
  KEYS,
  (it) => {
    it.effect("creates a key that works until it is revoked, and records both actions", () =>
      Effect.gen(function* () {
        const { authorization } = yield* Callers.user("administrator")
        const admin = as(authorization)
        const { json: created, status } = yield* admin(KEYS, newKey)
        assert.strictEqual(status, 201)
        assert.match(String(created["key"]), /^efx_live_[0-9A-Za-z]{36}$/)
        assert.deepInclude(created, { name: "shop", scopes: ["convert"], mode: "live", revoked_at: null })
        assert.strictEqual(
          Date.parse(String(created["expires_at"])) - Date.parse(String(created["created_at"])),
          90 * 86_400_000
        )

        const shop = as(`Bearer ${String(created["key"])}`)
        const conversion = { amount: "5", from_currency: "USD", to_currency: "NGN" }
        assert.strictEqual((yield* shop("/api/v1/convert", conversion)).status, 200)

        const id = String(created["id"])
        const { json: revoked } = yield* admin(`${KEYS}/${id}/revoke`, { reason: "Closed" })
        assert.deepInclude(revoked, { id, ends_with: String(created["key"]).slice(-4) })
        assert.isString(revoked["revoked_at"])
        const listed = yield* admin(KEYS)
        assert.notInclude(listed.text, String(created["key"]))
        const again = yield* admin(`${KEYS}/${id}/revoke`, { reason: "Closed again" })
        assert.strictEqual(again.json["revoked_at"], revoked["revoked_at"])

        const { json: log } = yield* admin(`/api/v1/admin/actions?subject=${id}`)
        const actions = Array.isArray(log["data"]) ? log["data"] : []
        assert.deepStrictEqual(
          actions.map(({ action, reason }) => [action, reason]),
          [
            ["key.revoke", "Closed again"],
            ["key.revoke", "Closed"],
            ["key.create", "New shop"]
          ]
        )
        assert.deepStrictEqual(actions.at(-1)?.details, {
          name: "shop",
          scopes: ["convert"],
          lifetime: "90 days"
        })
      })
    )

    it.effect("pages through the keys, newest first", () =>
      Effect.gen(function* () {
        const admin = as((yield* Callers.user("administrator")).authorization)
        for (const name of ["one", "two", "three"]) yield* admin(KEYS, { ...newKey, name })
        const names: Array<unknown> = []
        let path = `${KEYS}?page_size=2`
        for (let pages = 0; pages < 2; pages++) {
          const { json } = yield* admin(path)
          const rows = Array.isArray(json["data"]) ? json["data"] : []
          names.push(...rows.map(({ name }) => name))
          path = `${KEYS}?page_size=2&cursor=${String(json["next"])}`
        }
        assert.deepStrictEqual(names.slice(0, 3), ["three", "two", "one"])
        assertProblem(yield* admin(`${KEYS}?cursor=nonsense`), 400, "invalid-request")
      })
    )

    it.effect("lets API keys list and revoke keys, and only signed-in administrators create them", () =>
      Effect.gen(function* () {
        const key = yield* Callers.withScopes("admin")
        const program = as(key.authorization)
        assert.strictEqual((yield* program(KEYS)).status, 200)
        const refused = assertProblem(yield* program(KEYS, newKey), 403, "forbidden")
        assert.include(String(refused["detail"]), "sign in")
        const other = yield* Callers.withScopes("convert")
        assert.strictEqual((yield* program(`${KEYS}/${other.id}/revoke`, { reason: "Leaked" })).status, 200)
        assertProblem(yield* as((yield* Callers.user("user")).authorization)(KEYS), 403, "forbidden")
      })
    )

    it.effect("rejects keys without a name, a scope or a reason, unknown fields and unknown ids", () =>
      Effect.gen(function* () {
        const admin = as((yield* Callers.user("administrator")).authorization)
        for (const wrong of [
          { ...newKey, name: "" },
          { ...newKey, name: " " },
          { ...newKey, name: "shop\u202e" },
          { ...newKey, reason: "why\u202e" },
          { ...newKey, scopes: [] },
          { ...newKey, scopes: ["everything"] },
          { ...newKey, lifetime: "soon" },
          { ...newKey, lifetme: "1 day" },
          { ...newKey, reason: " " }
        ])
          assertProblem(yield* admin(KEYS, wrong), 400, "invalid-request")
        assertProblem(yield* admin(`${KEYS}/key_000000000000/revoke`, { reason: "x" }), 404, "not-found")
        assertProblem(yield* admin(`${KEYS}/nonsense/revoke`, { reason: "x" }), 404, "not-found")
        const { json: log } = yield* admin("/api/v1/admin/actions?subject=key_000000000000")
        assert.deepStrictEqual(log["data"], [])
      })
    )
  }
)
