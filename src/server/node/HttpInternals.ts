import { constFalse, constVoid } from "effect/Function"
import { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/*
 * Everything effex uses of `node:http` that Node does not document. `test/server/node/HttpInternals.test.ts` fails when a
 * Node version changes one of these.
 */

/** A connection, with the response that Node is sending on it. */
export interface HttpSocket {
  readonly _httpMessage?: ServerResponse | null
}

/**
 * Returns the response in flight on a connection, or undefined.
 *
 * Node passes only the socket to the listeners of `clientError`, `connect` and `upgrade`. `_httpMessage` is set
 * while an earlier, pipelined request owns the socket, whose response must not be corrupted.
 */
export const responseInFlight = ({ _httpMessage }: HttpSocket): ServerResponse | undefined =>
  _httpMessage ?? undefined

/** A response, with the head that Node has serialized and sends in front of the body. */
interface ResponseWithHead {
  _header?: string | null
  readonly _headerSent?: boolean
}

/** Returns true once the head was written to the connection. `headersSent` is true earlier, when it was serialized. */
export const isHeadWritten = ({ _headerSent }: ServerResponse & ResponseWithHead): boolean =>
  _headerSent === true

/**
 * Sends a response whose status line and headers are already serialized, each line ending in CRLF.
 *
 * `writeHead` validates and serializes every header of every response, which takes longer than a rate lookup. Setting
 * `_header` skips that. Node takes the status code for the 200 that `statusCode` starts with.
 */
export const sendWithHead = (
  response: ServerResponse & ResponseWithHead,
  head: string,
  body: string,
  encoding: BufferEncoding
): void => {
  response._header = `${head}\r\n`
  response.end(body, encoding)
}

/**
 * Returns true if the connection stays open after the response.
 *
 * Node derives `shouldKeepAlive` from the HTTP version and the `Connection` header of the request before it emits the
 * request. A serialized head must state the same.
 */
export const isKeptAlive = ({ shouldKeepAlive }: ServerResponse): boolean => shouldKeepAlive

/**
 * Closes the connection after this response, and announces it with `Connection: close` unless the head was sent.
 *
 * Setting the header instead would fail for a response whose head was sent, and the router's own headers could replace it.
 */
export const closeAfter = (response: ServerResponse): void => {
  response.shouldKeepAlive = false
}

/**
 * Keeps `Server.close` from closing idle connections.
 *
 * `close` calls `closeIdleConnections`, which also closes connections whose next request is already on its way: the client
 * would see a reset. `HttpConnections` closes idle connections itself, after a pause.
 */
export const keepIdleConnectionsOnClose = (server: Server): void => {
  server.closeIdleConnections = constVoid
}

/** A connection whose reading Node can pause. */
export interface PausableSocket extends Socket {
  /** Set by Node while more response data is unsent than the socket should buffer. */
  _paused?: boolean
}

/**
 * Pauses reading from a connection, also of requests that Node's parser has not seen.
 *
 * `socket.pause` alone is undone by the next request whose body Node discards. With `_paused`, Node also pauses its parser.
 */
export const pauseReading = (socket: PausableSocket): void => {
  socket._paused = true
  socket.pause()
}

/** Resumes reading after {@link pauseReading}: Node resumes on `drain`, unless too much response data is unsent. */
export const resumeReading = (socket: PausableSocket): void => {
  socket.emit("drain")
}

/** Handles a request and returns true, or returns false and leaves the request untouched. */
export type RequestInterceptor = (request: IncomingMessage, response: ServerResponse) => boolean

/** Maximum number of requests that wait for the router during the start, which takes less than a second. */
export const MAX_EARLY_REQUESTS = 1000

/**
 * An HTTP server that offers each request to interceptors before its `request` listeners.
 *
 * The router is a `request` listener of Effect's server adapter, and `EventEmitter` cannot stop an event between two
 * listeners. So `emit` is overridden.
 */
export class InterceptingServer extends Server {
  /** Called for every request when it arrives, before the interceptors. */
  onRequest: (request: IncomingMessage, response: ServerResponse) => void = constVoid
  interceptors: ReadonlyArray<RequestInterceptor> = []

  /** Requests that arrived before the first listener. */
  readonly #early: Array<() => void> = []
  /** Rejects a request that arrived when {@link MAX_EARLY_REQUESTS} waited for the first listener. */
  rejectEarly: (request: IncomingMessage) => void = ({ socket }) => socket.destroy()

  /** Returns true for an address whose connections carry the requests of many clients. */
  isSharedAddress: (address: string | undefined) => boolean = constFalse

  /** Calls `dispatch` for a request, at once or later. */
  schedule: (request: IncomingMessage, response: ServerResponse, dispatch: () => void) => void = (
    _request,
    _response,
    dispatch
  ) => dispatch()

  /** Calls `dispatch` for a request that no interceptor handled, at once or later. */
  pace: InterceptingServer["schedule"] = this.schedule

  override emit(event: string, ...args: Array<unknown>): boolean {
    if (event !== "request" && event !== "checkContinue") return super.emit(event, ...args)
    const [request, response] = args
    if (!(request instanceof IncomingMessage && response instanceof ServerResponse))
      return super.emit(event, ...args)
    this.onRequest(request, response)
    this.schedule(request, response, () => {
      if (event === "checkContinue" || !this.#isIntercepted(request, response))
        this.pace(request, response, () => this.#deliver(request, () => super.emit(event, ...args)))
    })
    return true
  }

  /**
   * Delivers a request to the router. Keeps it until the router listens: the port is open before, and Node never answers a
   * request without listeners.
   */
  #deliver(request: IncomingMessage, emit: () => void) {
    if (this.listenerCount("request") > 0) return emit()
    if (this.#early.length >= MAX_EARLY_REQUESTS) return this.rejectEarly(request)
    if (this.#early.push(emit) > 1) return
    const release = (added: string | symbol) => {
      if (added !== "request") return
      this.off("newListener", release)
      // Node announces a listener before it adds it.
      queueMicrotask(() => {
        for (const emitEarly of this.#early.splice(0)) emitEarly()
      })
    }
    this.on("newListener", release)
  }

  #isIntercepted(request: IncomingMessage, response: ServerResponse) {
    for (const intercept of this.interceptors) if (intercept(request, response)) return true
    return false
  }
}
