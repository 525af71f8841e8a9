import { Context, Effect, Layer, Metric, type Scope } from "effect"
import { FastPathRequests } from "../../src/server/fastpath/FastPathRequests.ts"
import { ConversionRequests } from "../../src/server/http/ConversionRequests.ts"
import * as HttpServer from "../../src/server/HttpServer.ts"
import { AccessControl } from "../../src/server/middleware/access/AccessControl.ts"
import { InterceptingServer, type RequestInterceptor } from "../../src/server/node/HttpInternals.ts"
import { NodeServer } from "../../src/server/node/NodeServer.ts"
import * as RawHttp from "./RawHttp.ts"
import { TestServer } from "./TestServer.ts"

/** A request as it is sent, and whether the fast path answers it. */
export interface RequestCase {
  readonly isFast: boolean
  readonly target: string
  readonly method: string
  readonly version: string
  /** An empty value omits the header. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export const toBytes = ({ body, headers, method, target, version }: RequestCase) => {
  const all = { host: "localhost", ...headers }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === "" ? [] : [`${name}: ${value}`]))
  return [`${method} ${target} HTTP/${version}`, ...lines, "", body].join("\r\n")
}

/** Parts of a response that differ between two runs, with their replacements. */
const VARIABLE: ReadonlyArray<readonly [pattern: RegExp, replacement: string]> = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, "<id>"],
  [/\b(?!0af7)[0-9a-f]{32}\b/g, "<trace>"],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<time>"],
  [/(?<=;t=)\d+/g, "<seconds>"],
  // 10 per second are refilled.
  [/(?<="keys";r=)\d+/g, "<remaining>"],
  [/(?<=retry in )\d+/g, "<seconds>"]
]

const normalize = (text: string) =>
  VARIABLE.reduce((normalized, [pattern, replacement]) => normalized.replace(pattern, replacement), text)

const SECONDS_HEADERS = new Set(["age", "date", "retry-after"])

/** Sends a request, and returns its response without the parts that differ between two runs. */
export const send = Effect.fnUntraced(function* (request: RequestCase) {
  const { port } = yield* TestServer
  const bodiless = request.method === "HEAD"
  const { responses, rest } = yield* RawHttp.exchange(port, toBytes(request), { bodiless })
  return {
    request,
    rest,
    responses: responses.map(({ body, headers, status }) => ({
      status,
      body: normalize(body),
      headers: Array.from(headers, ([name, value]) => [
        name,
        SECONDS_HEADERS.has(name) ? "<seconds>" : normalize(value)
      ]).toSorted()
    }))
  }
})

/** Metrics that count requests. */
const COUNTERS =
  /^effex_(http_requests_total|http_request_duration_seconds_count|rate_lookups_total|rate_lookup_duration_seconds_count|rate_stale_lookups_total|rate_limited_total|keys_refused_total|conversions_total|conversion_replays_total)\b/

/** Returns the current counts, without the requests to `/metrics`. Leaves no idle connection that would delay the shutdown. */
const readCounters = Effect.gen(function* () {
  const { port } = yield* TestServer
  const request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
  const { responses } = yield* RawHttp.exchange(port, request)
  const lines = responses[0]?.body.split("\n") ?? []
  return lines
    .filter((line) => COUNTERS.test(line) && !line.includes("/metrics"))
    .map((line) => {
      const [, series = "", value = ""] = /^(.*) (\S+)$/.exec(line) ?? []
      return [series, Number(value)] as const
    })
})

/** Returns the result of an effect, and the counters that it increased. */
const withIncreases = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const before = new Map(yield* readCounters)
  const result = yield* effect
  const after = yield* readCounters
  const increases = after
    .map(([series, value]) => [series, value - (before.get(series) ?? 0)] as const)
    .filter(([, increase]) => increase !== 0)
  return { result, increases }
})

type TestServices = Layer.Success<ReturnType<typeof TestServer.layer>>

/** A server with the fast paths and one without. */
export class ServerPair extends Context.Service<
  ServerPair,
  { readonly fast: Context.Context<TestServices>; readonly routed: Context.Context<TestServices> }
>()("effex/test/ServerPair") {
  /**
   * Starts both servers with the same settings, and with separate databases and metrics. `references` is built for each of
   * them.
   */
  static readonly layer = (
    env: Readonly<Record<string, string>> = {},
    references: Layer.Layer<never> = Layer.empty
  ) => {
    const start = (http: typeof HttpServer.layer) => {
      const registry = new Map()
      return Layer.build(
        Layer.fresh(TestServer.layer(env, { http }).pipe(Layer.provideMerge(references)))
      ).pipe(
        Effect.provideService(Metric.MetricRegistry, registry),
        Effect.map(Context.add(Metric.MetricRegistry, registry))
      )
    }
    return Layer.effect(
      ServerPair,
      Effect.all({ fast: start(HttpServer.layer), routed: start(HttpServer.layerRouted) }, { concurrency: 2 })
    )
  }
}

/** Runs an effect against both servers of the {@link ServerPair} at the same time. */
export const compare = <A, E>(effect: Effect.Effect<A, E, TestServices>) =>
  Effect.flatMap(ServerPair, ({ fast, routed }) =>
    Effect.all(
      {
        fast: Effect.provideContext(withIncreases(effect), fast),
        routed: Effect.provideContext(withIncreases(effect), routed)
      },
      { concurrency: 2 }
    )
  )

/** Runs an effect against the server with the fast paths. */
export const withFastServer = <A, E>(effect: Effect.Effect<A, E, TestServices | Scope.Scope>) =>
  Effect.flatMap(ServerPair, ({ fast }) => Effect.scoped(Effect.provideContext(effect, fast)))

type FastPath = Layer.Layer<
  never,
  never,
  NodeServer | FastPathRequests | AccessControl | ConversionRequests | TestServices
>

/** Starts a server that has only a fast path: it responds with 501 where the router would respond. Returns its port. */
export const listenAlone = (fastPath: FastPath) =>
  Effect.gen(function* () {
    let interceptor: RequestInterceptor = () => false
    const server = new InterceptingServer({ requireHostHeader: false })
    server.on("request", (request, response) => {
      if (!interceptor(request, response)) response.writeHead(501).end()
    })
    const nodeServer = Layer.succeed(NodeServer, {
      server,
      intercept: (given) =>
        Effect.sync(() => {
          interceptor = given
        }),
      disableKeepAlive: Effect.void,
      drain: Effect.void
    })
    yield* Layer.build(
      Layer.fresh(fastPath).pipe(
        Layer.provide(Layer.fresh(FastPathRequests.layer)),
        Layer.provide([nodeServer, AccessControl.layer, ConversionRequests.layer])
      )
    )
    return yield* Effect.acquireRelease(
      Effect.callback<number>((resume) => {
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
        })
      }),
      () => Effect.sync(() => server.closeAllConnections())
    )
  })
