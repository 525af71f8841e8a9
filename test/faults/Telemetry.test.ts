import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Effex from "../support/Effex.ts"
import * as TestCollector from "../support/TestCollector.ts"

const TRACE = "0af7651916cd43dd8448eb211c80319c"
const SPAN = "b7ad6b7169203331"
const LOOKUP = "/api/v1/rates?from=USD&to=NGN"

const Span = Schema.Struct({
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optionalKey(Schema.String),
  name: Schema.String
})
const Traces = Schema.Struct({
  resourceSpans: Schema.Array(
    Schema.Struct({ scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) })) })
  )
})
const decodeTraces = Schema.decodeSync(Schema.fromJsonString(Traces))

const spansOf = ({ exports }: TestCollector.TestCollector) =>
  exports
    .filter(({ path }) => path === "/v1/traces")
    .flatMap(({ body }) => decodeTraces(body).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)

/** A server without polling, so that its spans belong to requests. */
const serve = Effect.fnUntraced(function* (env: Readonly<Record<string, string>> = {}) {
  const collector = yield* TestCollector.listen
  const { env: base } = yield* Effex.makeSandbox({ POLL_INTERVAL: "off", ...TestCollector.envOf(collector) })
  return { collector, server: yield* Effex.serve({ ...base, ...env }) }
})

const request = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, { headers })
    return { status: response.status, id: response.headers.get("x-request-id"), text: await response.text() }
  })

const TIMEOUT = 120_000

describe("An OpenTelemetry collector", () => {
  it.live(
    "receives the trace of a request down to the provider and the database, metrics and logs",
    () =>
      Effect.gen(function* () {
        const { collector, server } = yield* serve()
        const response = yield* request(server.url + LOOKUP, { traceparent: `00-${TRACE}-${SPAN}-01` })
        assert.strictEqual(response.status, 200)
        assert.strictEqual(response.id, TRACE)

        const isComplete = () => spansOf(collector).some(({ name }) => name === "GET /api/v1/rates")
        yield* TestCollector.awaitText(() => String(isComplete()), /true/)
        const spans = spansOf(collector).filter(({ traceId }) => traceId === TRACE)
        const byName = new Map(spans.map((span) => [span.name, span]))
        assert.strictEqual(byName.get("GET /api/v1/rates")?.parentSpanId, SPAN)
        assert.includeMembers(
          Array.from(byName.keys()),
          ["Rates.lookup", "FlutterwaveClient.rate", "GET", "RateRepo.insert", "postgres"],
          Array.from(byName.keys()).join()
        )
        const ids = new Set([SPAN, ...spans.map(({ spanId }) => spanId)])
        for (const { name, parentSpanId } of spans) assert.isTrue(ids.has(parentSpanId ?? ""), name)

        yield* TestCollector.awaitText(() => collector.textOf("metrics"), /effex_rate_lookups_total/)
        yield* TestCollector.awaitText(() => collector.textOf("logs"), /effex is listening on/)
        assert.match(collector.textOf("traces"), /"service.name","value":\{"stringValue":"effex"\}/)
      }),
    TIMEOUT
  )

  it.live(
    "receives no trace that the sampler or the caller excludes",
    () =>
      Effect.gen(function* () {
        const { collector, server } = yield* serve({
          OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
          OTEL_TRACES_SAMPLER_ARG: "0"
        })
        yield* request(server.url + LOOKUP, { traceparent: `00-${TRACE}-${SPAN}-00` })
        yield* request(server.url + LOOKUP)
        const sampledTrace = TRACE.replace("0af", "1af")
        yield* request(server.url + LOOKUP, { traceparent: `00-${sampledTrace}-${SPAN}-01` })
        yield* TestCollector.awaitText(() => collector.textOf("traces"), new RegExp(sampledTrace))
        assert.deepStrictEqual(
          new Set(spansOf(collector).map(({ traceId }) => traceId)),
          new Set([sampledTrace])
        )
      }),
    TIMEOUT
  )

  it.live(
    "that does not respond delays no request, and the shutdown only for a limited time",
    () =>
      Effect.gen(function* () {
        const { collector, server } = yield* serve()
        yield* TestCollector.awaitText(() => collector.textOf("metrics"), /effex/)
        collector.hang()
        for (let i = 0; i < 50; i++) assert.strictEqual((yield* request(server.url + LOOKUP)).status, 200)
        server.process.kill("SIGTERM")
        assert.strictEqual(yield* server.ended.pipe(Effect.timeout("30 seconds")), 0)
      }),
    TIMEOUT
  )

  it.live(
    "that is unreachable does not affect the server",
    () =>
      Effect.gen(function* () {
        const { env } = yield* Effex.makeSandbox({ POLL_INTERVAL: "off" })
        const server = yield* Effex.serve({ ...env, OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" })
        assert.strictEqual((yield* request(server.url + LOOKUP)).status, 200)
        server.process.kill("SIGTERM")
        assert.strictEqual(yield* server.ended.pipe(Effect.timeout("30 seconds")), 0)
      }),
    TIMEOUT
  )

  it.live(
    "with invalid settings prevents the start with one message",
    () =>
      Effect.gen(function* () {
        const running = yield* Effex.run(["serve"], {
          OTEL_EXPORTER_OTLP_ENDPOINT: "collector",
          OTEL_TRACES_SAMPLER: "sometimes",
          OTEL_TRACES_SAMPLER_ARG: "2"
        })
        assert.strictEqual(yield* running.ended, 1)
        assert.match(running.output(), /OTEL_EXPORTER_OTLP_ENDPOINT: found <redacted>; allowed: http/)
        assert.match(running.output(), /OTEL_TRACES_SAMPLER: found "sometimes"; allowed: always_on/)
        assert.match(running.output(), /OTEL_TRACES_SAMPLER_ARG: found "2"; allowed: a ratio/)
      }),
    TIMEOUT
  )
})
