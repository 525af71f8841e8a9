import { Context, Effect, Layer, Schedule, type Scope } from "effect"
import { constVoid } from "effect/Function"
import { IncomingMessage, STATUS_CODES, Server, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { HeadersTooLarge, InvalidRequest, type Problem, RequestTimeout } from "../../api/Problem.ts"
import * as RequestId from "../../platform/RequestId.ts"
import * as HttpConnections from "./HttpConnections.ts"
import * as Problems from "../middleware/Problems.ts"
import * as Routes from "../Routes.ts"
import * as SecurityHeaders from "../middleware/SecurityHeaders.ts"
import * as ConnectionUpgrades from "./ConnectionUpgrades.ts"
import * as ResponseHead from "./ResponseHead.ts"

/** The first line and the headers of a request. */
const MAX_HEADER_BYTES = 16 * 1024
/** How long a refused caller may take to read why, before the connection is cut. */
const GRACE_MILLIS = 500

/** Takes a request, which it answers, or leaves it, untouched, to the next one, and at last to the router. */
export type Front = (request: IncomingMessage, response: ServerResponse) => boolean

/** Node's HTTP server, and how it stops without a caller noticing who can go elsewhere. */
export class NodeServer extends Context.Service<
  NodeServer,
  {
    readonly server: Server
    /** What is asked before the router, after what is asked already, for as long as the scope is open. */
    readonly putInFront: (front: Front) => Effect.Effect<void, never, Scope.Scope>
    /** Tells callers from now on that their connection is not kept. */
    readonly keepNoConnection: Effect.Effect<void>
    /** Accepts nobody any more, and waits until whoever was accepted has been answered. */
    readonly finish: Effect.Effect<void>
  }
>()("effex/server/node/NodeServer") {
  /** Cuts whoever is still connected when it is closed. */
  static readonly layer = Layer.effect(
    NodeServer,
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(Effect.sync(create), (server) =>
        Effect.sync(() => server.closeAllConnections())
      )
      const { begin, closeQuiet, keepNone } = HttpConnections.watch(server)
      server.begin = begin
      const finish = Effect.raceFirst(
        Effect.callback<void>((resume) =>
          HttpConnections.closeWhenNobodyWaits(server, () => resume(Effect.void))
        ),
        Effect.repeat(Effect.sync(closeQuiet), Schedule.spaced("50 millis"))
      )
      const putInFront = (front: Front) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            server.fronts = [...server.fronts, front]
          }),
          () =>
            Effect.sync(() => {
              server.fronts = server.fronts.filter((other) => other !== front)
            })
        )
      return NodeServer.of({
        server,
        putInFront,
        keepNoConnection: Effect.sync(keepNone),
        finish: Effect.asVoid(finish)
      })
    })
  )
}

/** Its listeners, of which the router is one, hear of a request only where nothing in front of them took it. */
class FrontedServer extends Server {
  begin: (request: IncomingMessage, response: ServerResponse) => void = constVoid
  fronts: ReadonlyArray<Front> = []

  override emit(event: string, ...args: Array<unknown>): boolean {
    return (event === "request" && this.#answers(args)) || super.emit(event, ...args)
  }

  #answers([request, response]: ReadonlyArray<unknown>) {
    if (!(request instanceof IncomingMessage && response instanceof ServerResponse)) return false
    this.begin(request, response)
    for (const front of this.fronts) if (front(request, response)) return true
    return false
  }
}

const create = (): FrontedServer =>
  new FrontedServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: 30_000,
    headersTimeout: 10_000,
    keepAliveTimeout: 75_000,
    connectionsCheckingInterval: 5_000,
    // Asked for in `Refusals.ts`, which says so in the body.
    requireHostHeader: false,
    // Elsewhere an upgrade may be ignored (RFC 9110, 7.8).
    shouldUpgradeCallback: ({ headers, method, url = "" }) =>
      ConnectionUpgrades.canBe(method, headers) && Routes.isSocket(url),
    // Streams may say nothing for long.
    keepAlive: true,
    keepAliveInitialDelay: 30_000
  })
    // An expectation other than 100-continue may be ignored (RFC 9110, 10.1.1).
    .on("checkExpectation", function (this: Server, request, response) {
      this.emit("request", request, response)
    })
    .on("connect", (_request, socket) =>
      refuse(socket, new InvalidRequest({ detail: "No tunnel begins here" }))
    )
    .on("clientError", (error: NodeJS.ErrnoException, socket) => refuse(socket, problemOf(error)))

const problemOf = ({ code }: NodeJS.ErrnoException): Problem => {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new HeadersTooLarge({
        detail: `The address and the headers may have ${MAX_HEADER_BYTES} bytes at most`
      })
    case "ERR_HTTP_REQUEST_TIMEOUT":
      // A process that was stopped for a while finds requests overdue that it has not begun to read.
      return new RequestTimeout({ detail: "The request took too long to arrive, and was not begun" })
    default:
      return new InvalidRequest({ detail: "It is not HTTP that can be read" })
  }
}

/** Says why, and closes, whether the caller does or not; nothing is written into an answer that has begun. */
const refuse = (socket: Duplex & ConnectionUpgrades.Answering, problem: Problem) => {
  // Node listens no more where a tunnel was asked for, and a caller who is gone would end the process.
  socket.on("error", () => socket.destroy())
  if (!socket.writable || socket._httpMessage?.headersSent === true) {
    socket.destroy()
    return
  }
  const cut = setTimeout(() => socket.destroy(), GRACE_MILLIS)
  socket.once("close", () => clearTimeout(cut))
  const traceId = RequestId.newTraceId()
  const body = Problems.textOf(problem, "", traceId)
  const headers = ResponseHead.linesOf({
    "Content-Type": "application/problem+json",
    "Content-Length": String(Buffer.byteLength(body)),
    "Cache-Control": "no-store",
    ...SecurityHeaders.HEADERS,
    "X-Request-Id": traceId,
    Connection: "close"
  })
  socket.end(`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${headers}\r\n${body}`)
}
