import { assert, describe, it, layer } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer, Option, Tracer } from "effect"
import { HttpServerRequest } from "effect/http"
import type { Sampling } from "../../../src/config/settings/OpenTelemetrySettings.ts"
import * as TraceSampler from "../../../src/platform/telemetry/TraceSampler.ts"
import * as LookupFastPath from "../../../src/server/fastpath/LookupFastPath.ts"
import {
  compare,
  listenAlone,
  type RequestCase,
  send,
  ServerPair,
  toBytes,
  withFastServer
} from "../../support/FastPathComparison.ts"
import * as RawHttp from "../../support/RawHttp.ts"

const TRACE = "0af7651916cd43dd8448eb211c80319c"
const LOW_RATIO_TRACE = "0af7651916cd43dd8448000000000001"
const SPAN = "b7ad6b7169203331"

const lookup = (headers: Readonly<Record<string, string>> = {}): RequestCase => ({
  isFast: true,
  target: "/api/v1/rates?from=USD&to=NGN",
  method: "GET",
  version: "1.1",
  headers,
  body: ""
})

const conversion = (headers: Readonly<Record<string, string>> = {}): RequestCase => {
  const body = JSON.stringify({ amount: "500.00", from_currency: "USD", to_currency: "NGN" })
  return {
    ...lookup({ "content-length": String(body.length), ...headers }),
    target: "/api/v1/convert",
    method: "POST",
    body
  }
}

/** Trace headers of every kind: sampled, not sampled, invalid, W3C and both forms of B3. */
const PARENTS: ReadonlyArray<Readonly<Record<string, string>>> = [
  {},
  { traceparent: `00-${TRACE}-${SPAN}-01` },
  { traceparent: `00-${TRACE}-${SPAN}-00` },
  { traceparent: `00-${LOW_RATIO_TRACE}-${SPAN}-01` },
  { traceparent: `00-${LOW_RATIO_TRACE}-${SPAN}-00` },
  { traceparent: "00-nonsense" },
  { b3: `${TRACE}-${SPAN}-1` },
  { b3: `${TRACE}-${SPAN}-0` },
  { "x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "1" },
  { "x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "0" }
]

const hasParent = (headers: Readonly<Record<string, string>>) =>
  Object.values(headers).some((value) => value.includes(SPAN))

/** Exported server spans. One list per server. */
class ExportedSpans extends Context.Reference<Array<Tracer.NativeSpan>>("effex/test/ExportedSpans", {
  defaultValue: () => []
}) {}

/** Describes everything that a collector gets to see of a span, except its own id and its times. */
const describeSpan = ({
  attributes,
  events,
  kind,
  links,
  name,
  parent,
  sampled,
  status,
  traceId
}: Tracer.NativeSpan) => {
  const isNewTrace = Option.isNone(parent)
  assert(status._tag === "Ended")
  assert.isTrue(status.endTime >= status.startTime && status.startTime > 0n)
  return {
    name,
    kind,
    sampled,
    traceId: isNewTrace ? traceId.length : traceId,
    parent: Option.map(parent, ({ _tag, sampled, spanId }) => ({ _tag, sampled, spanId })),
    attributes: Array.from(attributes, ([key, value]) => [key, key === "server.port" ? "<port>" : value]),
    events,
    links,
    exit: Exit.isSuccess(status.exit) ? "success" : Cause.pretty(status.exit.cause)
  }
}

/** Exports spans into {@link ExportedSpans}. */
const recording = (sampling: Sampling) =>
  Layer.unwrap(
    Effect.sync(() => {
      const exported: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          if (options.sampled && options.kind === "server" && !options.name.includes("metrics"))
            exported.push(span)
          return span
        }
      })
      return TraceSampler.layer(sampling).pipe(
        Layer.provide(Layer.succeed(Tracer.Tracer, tracer)),
        Layer.merge(Layer.succeed(ExportedSpans, exported))
      )
    })
  )

/** Headers that become attributes of a span. */
const DESCRIBED: ReadonlyArray<Readonly<Record<string, string>>> = [
  { "user-agent": "curl/8.5.0" },
  { host: "[::1]" },
  { host: "effex.example:8443" },
  { "x-request-id": "order-1042" },
  { "x-forwarded-for": "192.0.2.7", "x-forwarded-host": "fx.example", "x-forwarded-proto": "https" }
]

interface TracedServer {
  readonly sampling: Sampling
  readonly parents: typeof PARENTS
  readonly env?: Readonly<Record<string, string>>
}

const TRACED_SERVERS: ReadonlyArray<TracedServer> = [
  { sampling: { parentBased: true, ratio: 0 }, parents: PARENTS },
  { sampling: { parentBased: true, ratio: 1 }, parents: [...PARENTS, ...DESCRIBED] },
  {
    sampling: { parentBased: true, ratio: 1 },
    parents: [...PARENTS, ...DESCRIBED],
    env: { RATE_LIMIT_READS: "5/hour", TRUSTED_PROXIES: "127.0.0.1" }
  },
  // Requests without a parent are sampled at random.
  { sampling: { parentBased: true, ratio: 0.5 }, parents: PARENTS.filter(hasParent) },
  { sampling: { parentBased: false, ratio: 0.5 }, parents: PARENTS.filter(hasParent) }
]

for (const { env = {}, parents, sampling } of TRACED_SERVERS) {
  layer(ServerPair.layer(env, recording(sampling)), { excludeTestServices: true })(
    `Fast paths with exported traces, sampled by ${JSON.stringify(sampling)}, with ${JSON.stringify(env)}`,
    (it) => {
      it.effect("respond, sample and export like the router", () =>
        Effect.gen(function* () {
          const sendAll = Effect.gen(function* () {
            const exported = yield* ExportedSpans
            const requests = [...parents.map(lookup), ...parents.map(lookup), ...parents.map(conversion)]
            const responses = yield* Effect.forEach(requests, send)
            return { responses, exported: exported.map(describeSpan) }
          })
          const { fast, routed } = yield* compare(sendAll)
          assert.deepStrictEqual(fast.result.exported, routed.result.exported)
          assert.deepStrictEqual(fast, routed)
          assert.isNotEmpty(fast.result.exported)
          assert.isBelow(fast.result.exported.length, fast.result.responses.length)
        })
      )

      it.effect("look up sampled rates without the router", () =>
        withFastServer(
          Effect.gen(function* () {
            const port = yield* listenAlone(LookupFastPath.layer)
            for (const headers of parents) {
              const { responses } = yield* RawHttp.exchange(port, toBytes(lookup(headers)))
              assert.include([200, 429], responses[0]?.status)
            }
          })
        )
      )
    }
  )
}

describe("TraceSampler.RequestSampler", () => {
  it.effect("decides for the span of the request as well", () =>
    Effect.gen(function* () {
      const decide = yield* TraceSampler.RequestSampler
      const tracer = yield* Tracer.Tracer
      const decisions = yield* Effect.forEach(Array.from({ length: 50 }), () => {
        const source = {}
        const isSampled = decide(source, Option.none())
        const span = Effect.sync(() =>
          tracer.span({
            name: "GET",
            parent: Option.none(),
            annotations: Context.empty(),
            links: [],
            startTime: 0n,
            kind: "server",
            root: false,
            sampled: true
          })
        )
        const request = HttpServerRequest.fromWeb(new Request("http://localhost/"))
        return Effect.map(
          Effect.provideService(
            span,
            HttpServerRequest.HttpServerRequest,
            Object.assign(request, { source })
          ),
          ({ sampled }) => ({ isSampled, sampled })
        )
      })
      const sampled = decisions.filter(({ isSampled }) => isSampled)
      assert.isTrue(sampled.every((decision) => decision.sampled))
      assert.isTrue(sampled.length > 0 && sampled.length < decisions.length)
    }).pipe(Effect.provide(recording({ parentBased: true, ratio: 0.5 })))
  )
})
