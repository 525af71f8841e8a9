import { Clock, Context, Effect, Exit, type Option, Tracer } from "effect"
import type { IncomingMessage } from "node:http"
import { RequestTracer } from "../../platform/telemetry/TraceSampler.ts"

const DEFAULT_HTTP_PORT = 80

/**
 * Creates a function that starts the server span of a sampled request, and returns one that ends it with the status of its
 * response.
 *
 * Effect's router creates the same span, in ten times the time: a fiber, a request and a response object for each request.
 * Only for responses below 500, which Effect exports as errors.
 */
export const make = Effect.gen(function* () {
  const tracer = (yield* RequestTracer) ?? (yield* Tracer.Tracer)
  const clock = yield* Clock.Clock
  return (request: IncomingMessage, parent: Option.Option<Tracer.ExternalSpan>, route: string) => {
    const span = tracer.span({
      name: `${request.method} ${route}`,
      parent,
      annotations: Context.empty(),
      links: [],
      startTime: clock.currentTimeNanosUnsafe(),
      kind: "server",
      root: false,
      sampled: true
    })
    const end = (status: number) => {
      span.attribute("http.route", route)
      span.attribute("http.request.method", request.method)
      addUrl(span, request)
      const userAgent = request.headers["user-agent"]
      if (userAgent !== undefined) span.attribute("user_agent.original", userAgent)
      span.attribute("client.address", request.socket.remoteAddress)
      span.attribute("http.response.status_code", status)
      span.end(clock.currentTimeNanosUnsafe(), Exit.void)
    }
    return { span, end }
  }
})

/** Adds the URL that a client has requested; nothing if its `Host` is invalid. */
const addUrl = (span: Tracer.Span, { headers: { host = "" }, url: target = "" }: IncomingMessage) => {
  const url = URL.parse(target, `http://${host}`)
  if (url === null) return
  span.attribute("url.full", url.href)
  span.attribute("url.path", url.pathname)
  span.attribute("url.query", url.search.slice(1))
  span.attribute("url.scheme", "http")
  span.attribute("server.address", url.hostname.replace(/^\[|\]$/g, ""))
  span.attribute("server.port", url.port === "" ? DEFAULT_HTTP_PORT : Number(url.port))
}
