import { Context, Effect, Layer, Schedule } from "effect"
import { STATUS_CODES, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { HeadersTooLarge, InvalidRequest, type Problem, RequestTimeout } from "../api/Problem.ts"
import * as RequestId from "../platform/RequestId.ts"
import * as Problems from "./Problems.ts"
import * as Routes from "./Routes.ts"
import * as Security from "./Security.ts"
import * as Upgrades from "./Upgrades.ts"

/** The first line and the headers of a request. */
const MAX_HEADER_BYTES = 16 * 1024
/** How long a refused caller may take to read why, before the connection is cut. */
const GRACE_MILLIS = 500

/** For how long nothing is asked on a connection before it is closed: what is on its way here is still answered. */
const QUIET_MILLIS = 500
/** How many callers are accepted after the end has come: more than can wait at once. */
const MAX_LAST_CALLERS = 1024

/** Node's HTTP server, and how it stops without a caller noticing who can go elsewhere. */
export class NodeServer extends Context.Service<
  NodeServer,
  {
    readonly server: Server
    /** Tells callers from now on that their connection is not kept. */
    readonly keepNoConnection: Effect.Effect<void>
    /** Accepts nobody any more, and waits until whoever was accepted has been answered. */
    readonly finish: Effect.Effect<void>
  }
>()("effex/server/NodeServer") {
  /** Cuts whoever is still connected when it is closed. */
  static readonly layer = Layer.effect(
    NodeServer,
    Effect.gen(function* () {
      const server = yield* Effect.acquireRelease(Effect.sync(create), (server) =>
        Effect.sync(() => server.closeAllConnections())
      )
      const { closeQuiet, keepNone } = watchConnections(server)
      const finish = Effect.raceFirst(
        Effect.callback<void>((resume) => closeWhenNobodyWaits(server, () => resume(Effect.void))),
        Effect.repeat(Effect.sync(closeQuiet), Schedule.spaced("50 millis"))
      )
      return NodeServer.of({ server, keepNoConnection: Effect.sync(keepNone), finish: Effect.asVoid(finish) })
    })
  )
}

interface Connection {
  /** The answers that are under way. */
  readonly responses: Set<ServerResponse>
  quietSince: number
}

/** Knows the connections, and on which of them something is asked. */
const watchConnections = (server: Server) => {
  const connections = new Map<Duplex, Connection>()
  let keeps = true
  // Node would close those that are idle when it begins to stop, also where a request is on its way.
  server.closeIdleConnections = () => {}

  const begin = ({ socket }: IncomingMessage, response: ServerResponse) => {
    if (!keeps) response.shouldKeepAlive = false
    const connection = connections.get(socket)
    if (connection === undefined) return
    connection.responses.add(response)
    response.once("close", () => {
      connection.responses.delete(response)
      connection.quietSince = performance.now()
    })
  }
  server
    .on("connection", (socket) => {
      connections.set(socket, { responses: new Set(), quietSince: performance.now() })
      socket.once("close", () => connections.delete(socket))
    })
    .on("request", begin)
    .on("checkContinue", begin)
    .on("upgrade", (_request, socket) => connections.delete(socket))

  const keepNone = () => {
    keeps = false
    const now = performance.now()
    for (const connection of connections.values()) {
      connection.quietSince = now
      for (const response of connection.responses) response.shouldKeepAlive = false
    }
  }

  /** To Node, a connection that has sent nothing yet is not idle until its headers are overdue. */
  const closeQuiet = () => {
    const now = performance.now()
    for (const [socket, { quietSince, responses }] of connections) {
      if (responses.size === 0 && now - quietSince >= QUIET_MILLIS) socket.destroy()
    }
  }
  return { keepNone, closeQuiet }
}

/**
 * Node accepts one caller in each turn of its loop, and the system resets those who still wait when nobody listens any
 * more: so the server is closed right after a turn in which nobody came.
 */
const closeWhenNobodyWaits = (server: Server, onClosed: () => void) => {
  let callers = 0
  let before = -1
  const accept = () => callers++
  const look = () => {
    if (callers !== before && callers < MAX_LAST_CALLERS) {
      before = callers
      setImmediate(look)
      return
    }
    server.off("connection", accept)
    server.close(onClosed)
  }
  server.on("connection", accept)
  setImmediate(look)
}

const create = (): Server =>
  createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: 30_000,
    headersTimeout: 10_000,
    keepAliveTimeout: 75_000,
    connectionsCheckingInterval: 5_000,
    // Asked for in `Refusals.ts`, which says so in the body.
    requireHostHeader: false,
    // Elsewhere an upgrade may be ignored (RFC 9110, 7.8).
    shouldUpgradeCallback: ({ headers, method, url = "" }) =>
      Upgrades.canBe(method, headers) && Routes.isSocket(url),
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
const refuse = (socket: Duplex & { readonly _httpMessage?: ServerResponse | null }, problem: Problem) => {
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
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      "Content-Type: application/problem+json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Cache-Control: no-store",
      ...Object.entries(Security.HEADERS).map(([name, value]) => `${name}: ${value}`),
      `X-Request-Id: ${traceId}`,
      "Connection: close",
      "",
      body
    ].join("\r\n")
  )
}
