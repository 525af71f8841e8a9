import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ALL_METRICS } from "../../../src/platform/metrics/AllMetrics.ts"
import { PREVIOUS_NAMES } from "../../../src/platform/metrics/PreviousMetricNames.ts"
import { failing, TestProvider } from "../../support/TestProvider.ts"
import { get, TestServer } from "../../support/TestServer.ts"
import { ServerClock, setForward } from "./ServerClock.ts"

const LOOKUP = "/api/v1/rates?from=USD&to=NGN"
const live = { excludeTestServices: true }

layer(
  TestServer.layer({ RATE_SOURCES: "USD", RATE_DESTINATIONS: "NGN", STALE_AFTER: "1 minute" }).pipe(
    Layer.provideMerge(ServerClock.layer)
  ),
  live
)("GET /metrics", (it) => {
  const scrape = Effect.map(get("/metrics"), (response) => {
    assert.strictEqual(response.status, 200)
    assert.strictEqual(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
    const samples = response.text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    for (const line of samples) assert.match(line, /^[a-z_]+(\{.*\})? [\d.e+-]+$/)
    return new Map(
      samples.map((line) => {
        const space = line.lastIndexOf(" ")
        return [line.slice(0, space), Number(line.slice(space + 1))] as const
      })
    )
  })

  it.effect("counts lookups by source", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const before = yield* scrape
      yield* get(LOOKUP)
      yield* get(LOOKUP)
      yield* get(LOOKUP, { headers: { "if-none-match": "*" } })
      yield* get("/api/rates/?source_currency=USD&destination_currency=NGN")
      yield* provider.respondWith(failing)
      yield* setForward("61 seconds")
      yield* get(LOOKUP)
      const after = yield* scrape
      const increase = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)
      assert.strictEqual(increase('effex_rate_lookups_total{source="provider"}'), 1)
      assert.strictEqual(increase('effex_rate_lookups_total{source="memory"}'), 4)
      assert.strictEqual(increase("effex_rate_stale_lookups_total"), 1)
      assert.strictEqual(after.get("effex_rates_known"), 1)
      assert.isAtLeast(after.get("effex_rate_oldest_age_seconds") ?? 0, 61)
    })
  )

  it.effect("exports only defined metrics, with their descriptions", () =>
    Effect.gen(function* () {
      const { text } = yield* get("/metrics")
      const defined = new Map(ALL_METRICS.map(({ description, id }) => [id, description]))
      for (const [name, previous] of PREVIOUS_NAMES) defined.set(previous, `Deprecated: use ${name}`)
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

  it.effect("shares one export between concurrent scrapes", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      // Otherwise an export may end before the next request arrives. It waits for the database for a second.
      yield* server.setDatabase("stalled")
      const requests = Array.from({ length: 30 }, () => get("/metrics"))
      const responses = yield* Effect.all(requests, { concurrency: "unbounded" })
      yield* server.setDatabase("up")
      assert.isTrue(responses.every(({ status }) => status === 200))
      assert.isBelow(new Set(responses.map(({ text }) => text)).size, requests.length)
    })
  )

  it.effect("responds without the database", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      yield* server.setDatabase("broken")
      assert.strictEqual((yield* scrape).get("effex_rates_known"), 1)
      yield* server.setDatabase("up")
    })
  )
})
