import { Context, Effect, Layer, Option, type Tracer } from "effect"
import { Headers, HttpTraceContext, ProblemDetails } from "effect/http"
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http"
import type * as Problem from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import * as RequestId from "../../platform/RequestId.ts"
import * as ExportedSpans from "../../platform/telemetry/ExportedSpans.ts"
import { RequestSampler } from "../../platform/telemetry/TraceSampler.ts"
import * as ClientAddress from "../middleware/addresses/ClientAddress.ts"
import * as Cors from "../middleware/headers/Cors.ts"
import * as ForwardedAddress from "../middleware/addresses/ForwardedAddress.ts"
import * as HostNames from "../middleware/addresses/HostNames.ts"
import * as Problems from "../middleware/Problems.ts"
import * as RequestGuards from "../middleware/limits/RequestGuards.ts"
import * as SecurityHeaders from "../middleware/headers/SecurityHeaders.ts"
import * as HttpInternals from "../node/HttpInternals.ts"
import { NodeServer } from "../node/NodeServer.ts"
import * as ResponseHead from "../node/ResponseHead.ts"
import * as FastPathSpans from "./FastPathSpans.ts"

type HeaderRecord = Readonly<Record<string, string>>

/**
 * Does for the fast paths what the router's middleware does for every request. Requests that the middleware would treat
 * specially are not eligible: the router answers them.
 */
export class FastPathRequests extends Context.Service<
  FastPathRequests,
  {
    /**
     * Returns true if a request can be answered without the router's middleware: HTTP/1.1 with one `Host` and keep-alive,
     * no chunked body, no `Expect`, and no CORS headers of its own.
     */
    readonly isEligible: (request: IncomingMessage, response: ServerResponse) => boolean
    /**
     * Returns the rate-limit identity of a request without an API key, as seen behind `TRUSTED_PROXIES`. Undefined if the
     * forwarded address is unreadable, which the router reports.
     */
    readonly addressOf: (request: IncomingMessage) => string | undefined
    /** Returns the id of a request, or undefined if its trace is exported: the router then creates its spans. */
    readonly identify: (request: IncomingMessage) => RequestId.RequestId | undefined
    /**
     * Responds to a request synchronously, with the id that `respond` gets. If its trace is exported, the response has the
     * server span that the router creates for `route`.
     */
    readonly respondTraced: (
      request: IncomingMessage,
      response: ServerResponse,
      route: string,
      respond: (id: RequestId.RequestId) => void
    ) => void
    /** Serializes the status line and the headers that all 200 responses of a kind share, for `HttpInternals.sendWithHead`. */
    readonly okHead: (headers: HeaderRecord) => string
    /** Sends a 200 response that closes the connection, which the head of {@link okHead} does not announce. */
    readonly sendAndClose: (response: ServerResponse, headers: HeaderRecord, body: string) => void
    /** Sends a problem. */
    readonly reject: (
      response: ServerResponse,
      problem: Problem.Problem,
      path: string,
      id: RequestId.RequestId,
      headers: HeaderRecord
    ) => void
  }
>()("effex/server/fastpath/FastPathRequests") {
  static readonly layer = Layer.effect(
    FastPathRequests,
    Effect.gen(function* () {
      const { server } = yield* NodeServer
      const { corsOrigins, publicUrl, trustedProxies } = yield* Settings
      const { isAccepted } = HostNames.make(publicUrl)
      const isExported = yield* ExportedSpans.isExported
      const isSampled = yield* RequestSampler
      const corsHeaders = Cors.responseHeaders(corsOrigins)
      const defaultCorsHeaders = corsHeaders(undefined)
      const commonHeaders: HeaderRecord = { ...SecurityHeaders.HEADERS, ...defaultCorsHeaders }
      const keepAliveLines = ResponseHead.toLines({
        connection: "keep-alive",
        "keep-alive": `timeout=${server.keepAliveTimeout / 1000}`
      })
      const startSpan = yield* FastPathSpans.make
      const resolveForwarded = ForwardedAddress.makeResolver(trustedProxies)

      const identify = ({ headers }: IncomingMessage, parent: Option.Option<Tracer.ExternalSpan>) =>
        RequestId.fromHeaders(headers, Option.getOrUndefined(Option.map(parent, ({ traceId }) => traceId)))

      return FastPathRequests.of({
        isEligible: ({ headers }, response) =>
          headers.host !== undefined &&
          isAccepted(headers.host) &&
          RequestGuards.isValidHost(headers.host) &&
          headers["transfer-encoding"] === undefined &&
          headers.expect === undefined &&
          corsHeaders(headers.origin) === defaultCorsHeaders &&
          HttpInternals.isKeptAlive(response),

        addressOf: ({ headers, socket }) => {
          const { remoteAddress } = socket
          if (trustedProxies.length === 0) return ClientAddress.fromText(remoteAddress)
          const address = resolveForwarded(remoteAddress, joined(headers["x-forwarded-for"]))
          return address === undefined ? undefined : ClientAddress.fromText(address)
        },

        identify: (request) => {
          if (!isExported) return RequestId.fromHeaders(request.headers)
          const parent = parentSpan(request.headers)
          return isSampled(request, parent) ? undefined : identify(request, parent)
        },

        respondTraced: (request, response, route, respond) => {
          if (!isExported) return respond(RequestId.fromHeaders(request.headers))
          const parent = parentSpan(request.headers)
          if (!isSampled(request, parent)) return respond(identify(request, parent))
          const { end, span } = startSpan(request, parent, route)
          respond(RequestId.fromHeaders(request.headers, span.traceId))
          end(response.statusCode)
        },

        okHead: (headers) =>
          `HTTP/1.1 200 OK\r\n${ResponseHead.toLines({ "content-type": "application/json", ...headers, ...commonHeaders })}${keepAliveLines}`,

        sendAndClose: (response, headers, body) => {
          response
            .writeHead(200, { "content-type": "application/json", ...headers, ...commonHeaders })
            .end(body)
        },

        reject: (response, problem, path, { traceId, value }, headers) => {
          const body = Problems.toJson(problem, path, problem.trace_id ?? traceId)
          response
            .writeHead(problem.status, {
              "content-type": ProblemDetails.contentType,
              "content-length": String(Buffer.byteLength(body)),
              ...Problems.headersOf(problem),
              ...headers,
              ...commonHeaders,
              "x-request-id": value
            })
            .end(body)
        }
      })
    })
  )
}

/** Node types headers that it joins as if they could be repeated. */
const joined = (value: string | ReadonlyArray<string> | undefined) =>
  typeof value === "object" ? value.join(", ") : value

/** Headers that name the parent span of a request: W3C Trace Context and both forms of B3. */
const TRACE_HEADERS = [
  "traceparent",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-sampled",
  "x-b3-flags"
] as const

const parentSpan = (headers: IncomingHttpHeaders) => {
  if (
    headers["traceparent"] === undefined &&
    headers["b3"] === undefined &&
    headers["x-b3-traceid"] === undefined
  )
    return Option.none()
  return HttpTraceContext.fromHeaders(
    Headers.fromInput(
      TRACE_HEADERS.map((name): [string, string | undefined] => [name, joined(headers[name])]).flatMap(
        ([name, value]) => (value === undefined ? [] : [[name, value] as const])
      )
    )
  )
}
