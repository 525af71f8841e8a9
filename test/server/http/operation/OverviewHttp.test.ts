import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Callers from "../../../support/Callers.ts"
import { get, TestServer } from "../../../support/TestServer.ts"
import { ServerClock } from "../ServerClock.ts"

const SECRET = "FLWSECK_TEST-0123456789abcdef"
const OVERVIEW = "/api/v1/admin/overview"
const ENV = {
  FLUTTERWAVE_SECRET_KEY: SECRET,
  FLUTTERWAVE_BASE_URL: "https://proxy:correct-horse@rates.example",
  STALE_AFTER: "7 minutes",
  FUNDING: "manual"
}

const asAdmin = Effect.map(Callers.user("administrator"), ({ authorization = "" }) => {
  const headers = { authorization, "content-type": "application/json" }
  return {
    read: (path: string) => get(path, { headers }),
    put: (path: string, body: unknown) => get(path, { method: "PUT", body: JSON.stringify(body), headers })
  }
})

const settingsOf = (json: Readonly<Record<string, unknown>>) =>
  new Map(Array.isArray(json["data"]) ? json["data"].map((setting) => [setting.name, setting] as const) : [])

layer(TestServer.layer(ENV), { excludeTestServices: true })("GET /api/v1/admin/settings", (it) => {
  it.effect("returns every setting with its source, and no secret", () =>
    Effect.gen(function* () {
      const { read } = yield* asAdmin
      const response = yield* read("/api/v1/admin/settings")
      const settings = settingsOf(response.json)
      assert.deepInclude(settings.get("STALE_AFTER"), { value: "7 minutes", source: "environment" })
      assert.deepInclude(settings.get("LOOKUP_BUDGET"), {
        value: null,
        default: "1 second",
        source: "default"
      })
      assert.deepInclude(settings.get("FLUTTERWAVE_SECRET_KEY"), {
        value: null,
        secret: true,
        source: "environment"
      })
      assert.deepInclude(settings.get("FLUTTERWAVE_BASE_URL"), { value: "https://rates.example/" })
      assert.notInclude(response.text, SECRET)
      assert.notInclude(response.text, "correct-horse")
    })
  )

  it.effect("names what overrides a setting at run time, and records why", () =>
    Effect.gen(function* () {
      const { put, read } = yield* asAdmin
      const change = yield* put("/api/v1/admin/poller?reason=Month%20end", {
        interval: "3 minutes",
        enabled: true
      })
      assert.strictEqual(change.status, 200)
      const { json: rules } = yield* read("/api/v1/admin/risk/rules")
      yield* put("/api/v1/admin/risk/rules?reason=Holiday", Object(rules["rules"]))
      const settings = settingsOf((yield* read("/api/v1/admin/settings")).json)
      assert.strictEqual(settings.get("POLL_INTERVAL")?.overridden_by, "poller")
      assert.strictEqual(settings.get("RISK_HOUR_COUNT")?.overridden_by, "risk-rules")
      assert.isNull(settings.get("RISK_REVIEW_EXPIRY")?.overridden_by)
      const { json: log } = yield* read("/api/v1/admin/actions")
      const actions = Array.isArray(log["data"]) ? log["data"] : []
      assert.deepStrictEqual(
        actions.map(({ action, reason }) => [action, reason]),
        [
          ["risk.rules.change", "Holiday"],
          ["poller.change", "Month end"]
        ]
      )
    })
  )
})

const serverWithClock = TestServer.layer(ENV).pipe(Layer.provideMerge(ServerClock.layer))

layer(serverWithClock, { excludeTestServices: true })(OVERVIEW, (it) => {
  it.effect(
    "counts what waits, caches the answer for two seconds, and survives a database that is down",
    () =>
      Effect.gen(function* () {
        const { setDatabase } = yield* TestServer
        const { read } = yield* asAdmin
        const { authorization = "" } = yield* Callers.user("user")
        const deposit = yield* get("/api/v1/accounts/wallet/deposit", {
          method: "PATCH",
          body: JSON.stringify({ amount: "12" }),
          headers: { authorization, "content-type": "application/json", "idempotency-key": "d1" }
        })
        assert.strictEqual(deposit.status, 202, deposit.text)
        yield* get("/api/v1/rates?from=USD&to=NGN")
        const clock = yield* ServerClock
        yield* clock.stop
        const { json, text } = yield* read(OVERVIEW)
        assert.deepInclude(json["instance"], { sandbox: false, funding: "manual" })
        assert.deepInclude(Object(json["backlog"]).deposits, { count: 1 })
        assert.deepStrictEqual(Object(json["backlog"]).reviews, { count: 0, oldest_at: null })
        assert.deepInclude(Object(json["poller"]), { enabled: true, last_run: null })
        assert.deepInclude(Object(json["readiness"]).checks.database, { status: "ok" })
        assert.strictEqual((yield* read(OVERVIEW)).text, text)

        yield* setDatabase("down")
        yield* clock.setForward("2 seconds")
        const { json: without, status } = yield* read(OVERVIEW)
        yield* setDatabase("up")
        assert.strictEqual(status, 200)
        assert.isNull(without["backlog"])
        assert.isNull(without["poller"])
        const alerts = Array.isArray(without["alerts"]) ? without["alerts"] : []
        assert.deepInclude(alerts[0], { alert: "EffexDatabaseFails", severity: "critical" })
      })
  )
})
