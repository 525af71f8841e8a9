import { STATUS_CODES, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { InvalidRequest, type Problem, RequestTimeout } from "../api/Problem.ts"
import * as Problems from "./Problems.ts"
import * as Routes from "./Routes.ts"
import * as Upgrades from "./Upgrades.ts"

/** How long a refused caller may take to read why, before the connection is cut. */
const GRACE_MILLIS = 500

/** Node's server, where it answers by itself, answers in the form of every other problem. */
export const make = () => {
  const server = create()
  return { server, closeUnused: closingUnused(server) }
}

/**
 * Closes the connections on which no request is under way. To Node, one that has sent nothing yet, as browsers and load
 * balancers open them, is not idle until its headers are overdue.
 */
const closingUnused = (server: Server) => {
  const underWay = new Map<Duplex, number>()
  const count = (socket: Duplex, change: number) => {
    const before = underWay.get(socket)
    if (before !== undefined) underWay.set(socket, before + change)
  }
  const begin = ({ socket }: IncomingMessage, response: ServerResponse) => {
    count(socket, 1)
    response.once("close", () => count(socket, -1))
  }
  server
    .on("connection", (socket) => {
      underWay.set(socket, 0)
      socket.once("close", () => underWay.delete(socket))
    })
    .on("request", begin)
    .on("checkContinue", begin)
    .on("upgrade", (_request, socket) => underWay.delete(socket))
  return () => {
    for (const [socket, requests] of underWay) if (requests === 0) socket.destroy()
  }
}

const create = (): Server =>
  createServer({
    requestTimeout: 30_000,
    headersTimeout: 10_000,
    keepAliveTimeout: 75_000,
    connectionsCheckingInterval: 5_000,
    // Asked for in `Refusals.ts`, which says so in the body.
    requireHostHeader: false,
    // Elsewhere an upgrade may be ignored (RFC 9110, 7.8).
    shouldUpgradeCallback: ({ headers, url = "" }) => Upgrades.asks(headers) && Routes.isSocket(url),
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
      return new InvalidRequest({ detail: "The address and the headers are too long" })
    case "ERR_HTTP_REQUEST_TIMEOUT":
      // A process that was stopped for a while finds requests overdue that it has not begun to read.
      return new RequestTimeout({ detail: "The request took too long to arrive, and was not begun" })
    default:
      return new InvalidRequest({ detail: "It is not HTTP that can be read" })
  }
}

/** Says why, and closes, whether the caller does or not; nothing is written into an answer that has begun. */
const refuse = (socket: Duplex & { readonly _httpMessage?: ServerResponse | null }, problem: Problem) => {
  if (!socket.writable || socket._httpMessage?.headersSent === true) {
    socket.destroy()
    return
  }
  const cut = setTimeout(() => socket.destroy(), GRACE_MILLIS)
  socket.once("close", () => clearTimeout(cut))
  const body = Problems.textOf(problem, "", Problems.newTraceId())
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      "Content-Type: application/problem+json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Cache-Control: no-store",
      "Connection: close",
      "",
      body
    ].join("\r\n")
  )
}
