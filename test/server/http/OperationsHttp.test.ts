import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ALL_METRICS } from "../../../src/platform/metrics/AllMetrics.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import { assertProblem, get, SECRETS, TestServer } from "../../support/TestServer.ts"

const onePair = { RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN" }
const LOOKUP = "/api/v1/rates?from=USD&to=NGN"
const live = { excludeTestServices: true }

/** Asks for the readiness, and returns how old the oldest rate is; all else must be as expected. */
const ready = (status: number, expected: unknown) =>
  Effect.map(get("/health/ready"), (answer) => {
    assert.strictEqual(answer.status, status, answer.text)
    assert.strictEqual(answer.headers.get("content-type"), "application/json")
    let age = Number.NaN
    const told = answer.text.replace(/(?<="oldest_age_seconds":)\d+/, (seconds) => {
      age = Number(seconds)
      return "0"
    })
    assert.strictEqual(told, JSON.stringify(expected))
    return age
  })

const well = {
  status: "ok",
  checks: {
    database: { status: "ok" },
    redis: { status: "off" },
    provider: { name: "flutterwave", status: "ok" },
    rates: { status: "ok", known: 1, expected: 1, oldest_age_seconds: 0 },
    providers: [{ name: "flutterwave", status: "ok" }]
  }
}

layer(
  TestServer.layer({ ...onePair, FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1", STALE_AFTER: "3 seconds" }),
  live
)("The health checks", (it) => {
  it.effect("say that the process runs", () =>
    Effect.gen(function* () {
      for (const path of ["/health/live", "/health/live/"]) {
        const answer = yield* get(path)
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.text, '{"status":"ok"}')
      }
    })
  )

  it.effect("say that a node without any rate is down", () =>
    ready(503, {
      status: "down",
      checks: {
        ...well.checks,
        rates: { status: "down", known: 0, expected: 1, oldest_age_seconds: null }
      }
    })
  )

  it.effect("say that a node with every rate is well", () =>
    Effect.gen(function* () {
      yield* get(LOOKUP)
      yield* ready(200, well)
    })
  )

  it.effect("say that a node without its database serves what it remembers", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      for (const state of ["down", "broken"] as const) {
        yield* server.setDatabase(state)
        yield* ready(200, {
          status: "degraded",
          checks: { ...well.checks, database: { status: "down", detail: "It does not answer" } }
        })
      }
      yield* server.setDatabase("well")
      yield* ready(200, well)
    })
  )

  it.effect("say that a node with old rates is degraded, and that a refresh heals it", () =>
    Effect.gen(function* () {
      yield* Effect.sleep("3100 millis")
      const old = yield* ready(200, {
        status: "degraded",
        checks: { ...well.checks, rates: { ...well.checks.rates, status: "degraded" } }
      })
      assert.isAtLeast(old, 3)
      yield* get(LOOKUP)
      assert.isBelow(yield* ready(200, well), 3)
    })
  )
})

layer(TestServer.layer({ RATE_SOURCES: "USD,EUR", RATE_DESTINATIONS: "NGN,KES" }), live)(
  "The check of the provider",
  (it) => {
    const sandbox = {
      name: "sandbox",
      status: "ok",
      detail: "Its rates are made up: set FLUTTERWAVE_SECRET_KEY"
    }

    const readyWith = (provider: unknown, known: number) =>
      ready(200, {
        status: "degraded",
        checks: {
          ...well.checks,
          provider,
          rates: { status: "degraded", known, expected: 4, oldest_age_seconds: 0 },
          providers: [provider]
        }
      })

    it.effect("says that the sandbox makes its rates up", () =>
      Effect.gen(function* () {
        yield* get(LOOKUP)
        yield* readyWith(sandbox, 1)
      })
    )

    it.effect("is degraded once the provider fails again and again, until it answers", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.answer(failing)
        for (const pair of ["from=USD&to=KES", "from=EUR&to=NGN"]) yield* get(`/api/v1/rates?${pair}`)
        yield* readyWith(sandbox, 1)
        yield* get("/api/v1/rates?from=EUR&to=KES")
        yield* readyWith({ name: "sandbox", status: "degraded", detail: "no response (gone)" }, 1)
        yield* provider.answer(rate("1500"))
        // A pair that could not be refreshed is left alone for a second.
        yield* Effect.sleep("1100 millis")
        yield* get("/api/v1/rates?from=EUR&to=KES")
        const { json } = yield* get("/health/ready")
        assert.deepNestedInclude(json, { "checks.provider.status": "ok", "checks.rates.known": 2 })
      })
    )
  }
)

layer(TestServer.layer({ ...onePair, STALE_AFTER: "2 seconds" }), live)("GET /metrics", (it) => {
  const read = Effect.map(get("/metrics"), (answer) => {
    assert.strictEqual(answer.status, 200)
    assert.strictEqual(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
    const samples = answer.text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    for (const line of samples) assert.match(line, /^[a-z_]+(\{.*\})? [\d.e+-]+$/)
    return new Map(
      samples.map((line) => {
        const space = line.lastIndexOf(" ")
        return [line.slice(0, space), Number(line.slice(space + 1))] as const
      })
    )
  })

  it.effect("counts lookups by where their rate came from", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const before = yield* read
      yield* get(LOOKUP)
      yield* get(LOOKUP)
      yield* get(LOOKUP, { headers: { "if-none-match": "*" } })
      yield* get("/api/rates/?source_currency=USD&destination_currency=NGN")
      yield* provider.answer(failing)
      yield* Effect.sleep("2100 millis")
      yield* get(LOOKUP)
      const after = yield* read
      const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)
      assert.strictEqual(grown('effex_rate_lookups_total{source="provider"}'), 1)
      assert.strictEqual(grown('effex_rate_lookups_total{source="memory"}'), 4)
      assert.strictEqual(grown("effex_rate_stale_lookups_total"), 1)
      assert.strictEqual(after.get("effex_rates_known"), 1)
      assert.isAtLeast(after.get("effex_rate_oldest_age_seconds") ?? 0, 2)
    })
  )

  it.effect("names nothing that is not defined, and explains what it names", () =>
    Effect.gen(function* () {
      const { text } = yield* get("/metrics")
      const defined = new Map(ALL_METRICS.map(({ description, id }) => [id, description]))
      const names = Array.from(
        text.matchAll(/^# TYPE (\S+) (counter|gauge|histogram)$/gm),
        ([, name]) => name
      )
      assert.includeMembers(names, ["effex_rate_lookups_total", "effex_rates_known"])
      for (const name of names.filter((name) => name?.startsWith("effex_")))
        assert.include(
          text,
          `# HELP ${name} ${defined.get(name ?? "") ?? assert.fail(`${name} is not defined`)}\n`
        )
    })
  )

  it.effect("tells those who ask at once the same, and takes the trouble once", () =>
    Effect.gen(function* () {
      const asked = Array.from({ length: 30 }, () => get("/metrics"))
      const answers = yield* Effect.all(asked, { concurrency: "unbounded" })
      assert.isTrue(answers.every(({ status }) => status === 200))
      assert.isBelow(new Set(answers.map(({ text }) => text)).size, asked.length)
    })
  )

  it.effect("is answered without the database as well", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      yield* server.setDatabase("broken")
      assert.strictEqual((yield* read).get("effex_rates_known"), 1)
      yield* server.setDatabase("well")
    })
  )
})

layer(TestServer.layer(), live)("The pages", (it) => {
  it.effect("are HTML that needs nothing from outside", () =>
    Effect.gen(function* () {
      for (const path of ["/docs", "/docs/", "/api/v1/swagger/", "/api/v1/swagger", "/api/v1/redoc/"]) {
        const { headers, status, text } = yield* get(path)
        assert.strictEqual(status, 200)
        assert.match(headers.get("content-type") ?? "", /^text\/html/)
        assert.match(text, /^<!doctype html>/i)
        assert.include(text, "/api/v1/rates/{rate_id}")
        const tags = text.replaceAll(/(<(script|style)[^>]*>).*?<\/\2>/gs, "$1")
        assert.notMatch(tags, /<script[^>]+src|<link|<iframe|<img|https?:\/\//)
        // Scalar brings its fonts from its makers' server, unless it is told not to.
        if (!path.includes("swagger")) assert.include(text, '"withDefaultFonts":false')
        assert.strictEqual(
          headers.get("content-security-policy"),
          "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
        )
        assert.strictEqual(headers.get("x-frame-options"), "DENY")
      }
    })
  )

  it.effect("stand where nothing else does", () =>
    Effect.gen(function* () {
      for (const path of ["/", "/doc", "/docs/x", "/api", "/api/v1", "/api/v1/rates/a/b", "/favicon.ico"]) {
        const { instance } = assertProblem(yield* get(path), 404, "not-found")
        assert.strictEqual(instance, path)
      }
    })
  )

  it.effect("take no other methods", () =>
    Effect.gen(function* () {
      for (const path of [
        "/docs",
        "/metrics",
        "/openapi.json",
        "/health/live",
        LOOKUP,
        "/api/v1/currencies/"
      ]) {
        for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
          const answer = yield* get(path, { method })
          assertProblem(answer, 405, "method-not-allowed")
          assert.strictEqual(answer.headers.get("allow"), "GET, HEAD, OPTIONS")
        }
      }
    })
  )
})

layer(TestServer.layer(), live)("A node without its database", (it) => {
  const UNKNOWN_ID = "01980000-0000-7000-8000-000000000000"

  it.effect("answers 503 about what it does not know", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const provider = yield* TestProvider
      yield* server.setDatabase("down")
      for (const path of [
        LOOKUP,
        "/api/v1/rates/all",
        "/api/v1/rates/all?base=USD",
        `/api/v1/rates/${UNKNOWN_ID}`
      ])
        assertProblem(yield* get(path), 503, "store-unavailable")
      assert.strictEqual(yield* provider.calls, 0)
      assert.strictEqual((yield* get("/api/v1/currencies")).status, 200)
      assert.strictEqual((yield* get("/health/live")).status, 200)
      yield* server.setDatabase("well")
    })
  )

  it.effect("answers what it remembers as before, and heals by itself", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const before = yield* get(LOOKUP)
      const all = yield* get("/api/v1/rates/all")
      yield* server.setDatabase("down")
      const during = yield* get(LOOKUP)
      assert.strictEqual(during.text, before.text)
      assert.strictEqual(during.headers.get("x-rate-source"), "memory")
      assert.strictEqual((yield* get("/api/v1/rates/all")).text, all.text)
      assertProblem(yield* get("/api/v1/rates?from=USD&to=KES"), 503, "store-unavailable")
      yield* server.setDatabase("well")
      assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=KES")).status, 200)
    })
  )

  it.effect("tells nothing of what broke but a trace_id, which the log has as well", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      yield* server.setDatabase("broken")
      const answer = yield* get("/api/v1/rates?from=USD&to=GHS")
      yield* server.setDatabase("well")
      assert.strictEqual(answer.status, 500)
      const { trace_id } = answer.json
      assert.strictEqual(
        answer.text,
        `{"type":"urn:effex:problem:internal","title":"Internal server error","status":500,"instance":"/api/v1/rates","code":"internal","retryable":true,"trace_id":"${trace_id}"}`
      )
      assert.strictEqual(answer.headers.get("retry-after"), "1")
      const logged = server.log.filter((line) => line.includes(String(trace_id)))
      assert.strictEqual(logged.length, 1)
      assert.include(logged[0], "Unexpected failure")
      assert.include(logged[0], SECRETS.slice(0, 20))
    })
  )
})
