import { Context, Effect, Layer, Schedule, type Scope } from "effect"
import { STATUS_CODES, type Server } from "node:http"
import type { Duplex } from "node:stream"
import {
  HeadersTooLarge,
  InvalidRequest,
  Overloaded,
  type Problem,
  RequestTimeout
} from "../../api/Problem.ts"
import * as RequestId from "../../platform/RequestId.ts"
import * as Problems from "../middleware/Problems.ts"
import * as SecurityHeaders from "../middleware/headers/SecurityHeaders.ts"
import * as Routes from "../Routes.ts"
import * as ConnectionUpgrades from "./ConnectionUpgrades.ts"
import * as HttpConnections from "./HttpConnections.ts"
import * as HttpInternals from "./HttpInternals.ts"
import * as PageQueue from "./PageQueue.ts"
import * as Pipelining from "./Pipelining.ts"
import * as ResponseHead from "./ResponseHead.ts"
import * as TurnQueue from "./TurnQueue.ts"

/** Maximum size of the request line and the headers. */
const MAX_HEADER_BYTES = 16 * 1024
/** Time that a client has to read a rejection before the connection is closed. */
const REJECTION_TIMEOUT_MILLIS = 500

/** Node's HTTP server, with request interceptors and a shutdown that resets no client. */
export class NodeServer extends Context.Service<
  NodeServer,
  {
    readonly server: HttpInternals.InterceptingServer
    /** Adds an interceptor in front of the router, behind the interceptors added before, for the life of the scope. */
    readonly intercept: (
      interceptor: HttpInternals.RequestInterceptor
    ) => Effect.Effect<void, never, Scope.Scope>
    /** Closes every connection after its current or next response. */
    readonly disableKeepAlive: Effect.Effect<void>
    /** Stops accepting connections, and waits until every accepted request has its response. */
    readonly drain: Effect.Effect<void>
  }
>()("effex/server/node/NodeServer") {
  /** Closes the remaining connections with the scope. */
  static readonly layer = Layer.effect(
    NodeServer,
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(Effect.sync(createServer), (server) =>
        Effect.sync(() => server.closeAllConnections())
      )
      const { closeIdle, disableKeepAlive, onRequest } = HttpConnections.track(server)
      server.onRequest = onRequest
      const { isAnswering, schedule } = Pipelining.make()
      server.schedule = schedule
      server.rejectEarly = ({ socket }) =>
        reject(socket, new Overloaded({ detail: "The node is starting; retry in a second" }))
      const pacePage = PageQueue.make(isAnswering, (address) => server.isSharedAddress(address))
      const paceSignIn = TurnQueue.make()
      server.pace = (request, response, dispatch) =>
        Routes.isSignIn(request.method ?? "", request.url ?? "")
          ? paceSignIn(request, dispatch)
          : pacePage(request, response, dispatch)
      const drain = Effect.raceFirst(
        Effect.callback<void>((resume) =>
          HttpConnections.closeWhenAccepted(server, () => resume(Effect.void))
        ),
        Effect.repeat(Effect.sync(closeIdle), Schedule.spaced("50 millis"))
      )
      const intercept = (interceptor: HttpInternals.RequestInterceptor) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            server.interceptors = [...server.interceptors, interceptor]
          }),
          () =>
            Effect.sync(() => {
              server.interceptors = server.interceptors.filter((other) => other !== interceptor)
            })
        )
      return NodeServer.of({
        server,
        intercept,
        disableKeepAlive: Effect.sync(disableKeepAlive),
        drain: Effect.asVoid(drain)
      })
    })
  )
}

const createServer = (): HttpInternals.InterceptingServer =>
  new HttpInternals.InterceptingServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: 30_000,
    headersTimeout: 10_000,
    keepAliveTimeout: 75_000,
    connectionsCheckingInterval: 5_000,
    // `RequestGuards` requires it, and explains it in the response.
    requireHostHeader: false,
    // By default Node takes the first of two `Host` or `Authorization` headers, and a proxy may take the other.
    joinDuplicateHeaders: true,
    // Upgrades of other paths may be ignored (RFC 9110, 7.8).
    shouldUpgradeCallback: ({ headers, method, url = "" }) =>
      ConnectionUpgrades.isValidHandshake(method, headers) && Routes.isSocket(url),
    // Streams can be silent for long.
    keepAlive: true,
    keepAliveInitialDelay: 30_000
  })
    // Expectations other than 100-continue may be ignored (RFC 9110, 10.1.1).
    .on("checkExpectation", function (this: Server, request, response) {
      this.emit("request", request, response)
    })
    .on("connect", (_request, socket) =>
      reject(socket, new InvalidRequest({ detail: "CONNECT is not supported: effex is not a proxy" }))
    )
    .on("clientError", (error: NodeJS.ErrnoException, socket) => reject(socket, problemOf(error)))

const problemOf = ({ code }: NodeJS.ErrnoException): Problem => {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new HeadersTooLarge({
        detail: `The request line and the headers are too large; at most ${MAX_HEADER_BYTES} bytes are allowed`
      })
    case "ERR_HTTP_REQUEST_TIMEOUT":
      // Also occurs after the process was suspended, for requests that it has not started to read.
      return new RequestTimeout({
        detail: "The request did not arrive in time and was not processed; it is safe to retry"
      })
    default:
      return new InvalidRequest({ detail: "The request is not valid HTTP" })
  }
}

/** Sends a problem and closes the connection. Only closes it, after what was written, when a response has already started. */
const reject = (socket: Duplex & HttpInternals.HttpSocket, problem: Problem) => {
  // Node removes its own error listener for CONNECT; a reset connection would otherwise crash the process.
  socket.on("error", () => socket.destroy())
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const timer = setTimeout(() => socket.destroy(), REJECTION_TIMEOUT_MILLIS)
  socket.once("close", () => clearTimeout(timer))
  const response = HttpInternals.responseInFlight(socket)
  if (response !== undefined && HttpInternals.isHeadWritten(response)) {
    socket.end(() => socket.destroy())
    return
  }
  const traceId = RequestId.newTraceId()
  const body = Problems.toJson(problem, "", traceId)
  const headers = ResponseHead.toLines({
    "Content-Type": "application/problem+json",
    "Content-Length": String(Buffer.byteLength(body)),
    "Cache-Control": "no-store",
    ...SecurityHeaders.HEADERS,
    "X-Request-Id": traceId,
    Connection: "close"
  })
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${headers}\r\n${body}`)
}
