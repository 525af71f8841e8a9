import { Effect, Layer } from "effect"
import { createServer } from "node:http"
import * as HttpServer from "../../src/server/HttpServer.ts"
import { type Front, NodeServer } from "../../src/server/node/NodeServer.ts"
import * as RawHttp from "./RawHttp.ts"
import { get, TestServer } from "./TestServer.ts"

/** A request as it is written, and whether it is plain enough to be answered in front of the router. */
export interface Asked {
  readonly isPlain: boolean
  readonly target: string
  readonly method: string
  readonly version: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A header without a value is left out. */
export const bytesOf = ({ body, headers, method, target, version }: Asked) => {
  const all = { host: "localhost", ...headers }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === "" ? [] : [`${name}: ${value}`]))
  return [`${method} ${target} HTTP/${version}`, ...lines, "", body].join("\r\n")
}

/** What is another one each time. */
const VARYING: ReadonlyArray<readonly [pattern: RegExp, instead: string]> = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, "<id>"],
  [/\b(?!0af7)[0-9a-f]{32}\b/g, "<trace>"],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<time>"],
  [/(?<=;t=)\d+/g, "<seconds>"],
  [/(?<=is free in )\d+/g, "<seconds>"]
]

const constant = (text: string) =>
  VARYING.reduce((changed, [pattern, instead]) => changed.replace(pattern, instead), text)

const SECONDS = new Set(["age", "date", "retry-after"])

/** What is answered, but for what is another one each time. */
export const answerTo = Effect.fnUntraced(function* (asked: Asked) {
  const { port } = yield* TestServer
  const bodiless = asked.method === "HEAD"
  const { answers, rest } = yield* RawHttp.exchange(port, bytesOf(asked), { bodiless })
  return {
    asked,
    rest,
    answers: answers.map(({ body, headers, status }) => ({
      status,
      body: constant(body),
      headers: Array.from(headers, ([name, value]) => [
        name,
        SECONDS.has(name) ? "<seconds>" : constant(value)
      ]).toSorted()
    }))
  }
})

/** What requests are counted in. */
const COUNTERS =
  /^effex_(http_requests_total|http_request_duration_seconds_count|rate_lookups_total|rate_lookup_duration_seconds_count|rate_stale_lookups_total|rate_limited_total|keys_refused_total|conversions_total|conversion_replays_total)\b/

/** The counts so far, without those of this test's own questions. */
const counted = Effect.map(get("/metrics"), ({ text }) =>
  text
    .split("\n")
    .filter((line) => COUNTERS.test(line) && !line.includes("/metrics"))
    .map((line) => {
      const [, series = "", value = ""] = /^(.*) (\S+)$/.exec(line) ?? []
      return [series, Number(value)] as const
    })
)

const increases = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const before = new Map(yield* counted)
  const answers = yield* effect
  const after = yield* counted
  const increased = after
    .map(([series, value]) => [series, value - (before.get(series) ?? 0)] as const)
    .filter(([, increase]) => increase !== 0)
  return { answers, increased }
})

/** Asks a server that answers some requests in front of the router, and then one that does not. */
export const bothWays = <A, E>(
  env: Readonly<Record<string, string>>,
  asking: Effect.Effect<A, E, Layer.Success<ReturnType<typeof TestServer.layer>>>
) =>
  Effect.forEach([HttpServer.layer, HttpServer.layerRouted], (http) =>
    increases(asking).pipe(Effect.provide(TestServer.layer(env, undefined, http)))
  )

/** A server that has nothing behind a front: what that leaves is answered with 501. */
export const frontAlone = <R>(layer: Layer.Layer<never, never, R | NodeServer>) =>
  Effect.gen(function* () {
    let front: Front = () => false
    const server = createServer({ requireHostHeader: false }, (request, response) => {
      if (!front(request, response)) response.writeHead(501).end()
    })
    yield* Layer.build(Layer.fresh(layer)).pipe(
      Effect.provideService(
        NodeServer,
        NodeServer.of({
          server,
          putInFront: (given) =>
            Effect.sync(() => {
              front = given
            }),
          keepNoConnection: Effect.void,
          finish: Effect.void
        })
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
