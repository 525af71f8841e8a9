import type { IncomingMessage, ServerResponse } from "node:http"
import * as Routes from "../Routes.ts"
import * as HttpInternals from "./HttpInternals.ts"

/** Maximum number of requests of a connection that are handled at the same time, and started in one event-loop turn. */
export const MAX_CONCURRENT_REQUESTS = 8
/** Maximum number of pipelined requests of an address that wait, about 8 MB. A packet of 64 KiB contains 2000 at most. */
const MAX_WAITING_REQUESTS = 2500

type Dispatch = () => void

/** Handles the requests of connections. */
export interface Pipelining {
  /** Calls `dispatch` for a request, immediately or after earlier requests of its connection. */
  readonly schedule: HttpInternals.InterceptingServer["schedule"]
  /** Returns true while a request of the API waits for the start of its response. Streams have started theirs. */
  readonly isAnswering: () => boolean
}

/** The unanswered requests of a connection. */
interface Pipeline {
  active: number
  /** Node forgets it when the socket is destroyed. */
  readonly remoteAddress: string | undefined
  /** Requests that Node parsed before reading paused. */
  readonly waiting: Array<Dispatch>
}

/**
 * Bounds the work that a client can start by pipelining (RFC 9112, 9.3.2), which lets it send requests without waiting for
 * responses. Up to {@link MAX_CONCURRENT_REQUESTS} of a connection are handled at a time, and reading pauses while others
 * wait. Each starts in an event-loop turn of its own, so that requests of other connections are handled in between. They are
 * dropped if the connection closes after an earlier response.
 */
export const make = (): Pipelining => {
  const pipelines = new WeakMap<object, Pipeline>()
  const unanswered = new Set<ServerResponse>()
  const waitingByAddress = new Map<string | undefined, number>()

  // Node emits all requests of a packet in a row. Responses that are sent at once are not active in between.
  let latestSocket: object | undefined
  let startedInTurn = 0
  const endTurn = () => {
    latestSocket = undefined
  }
  /** Counts the requests of a connection in a row in this event-loop turn. */
  const countInTurn = (socket: object) => {
    if (latestSocket === undefined) setImmediate(endTurn)
    startedInTurn = latestSocket === socket ? startedInTurn + 1 : 1
    latestSocket = socket
    return startedInTurn
  }

  const addWaiting = (remoteAddress: string | undefined, change: number) => {
    const waiting = (waitingByAddress.get(remoteAddress) ?? 0) + change
    if (waiting === 0) waitingByAddress.delete(remoteAddress)
    else waitingByAddress.set(remoteAddress, waiting)
    return waiting
  }

  const open = (socket: HttpInternals.PausableSocket): Pipeline => {
    const { remoteAddress } = socket
    const pipeline: Pipeline = { active: 0, remoteAddress, waiting: [] }
    pipelines.set(socket, pipeline)
    // Node resumes reading when a response is written.
    socket.on("resume", () => {
      if (pipeline.waiting.length > 0) HttpInternals.pauseReading(socket)
    })
    socket.once("close", () => {
      addWaiting(remoteAddress, -pipeline.waiting.splice(0).length)
    })
    return pipeline
  }

  const start = (socket: HttpInternals.PausableSocket, response: ServerResponse, dispatch: Dispatch) => {
    dispatch()
    // The fast path has responded.
    if (response.writableEnded) return
    const pipeline = pipelines.get(socket) ?? open(socket)
    pipeline.active++
    const { method = "", url = "" } = response.req
    if (Routes.isCounted(method, url)) unanswered.add(response)
    response.once("close", () => {
      unanswered.delete(response)
      pipeline.active--
      if (pipeline.waiting.length > 0) setImmediate(startNext, socket, pipeline)
    })
  }

  const startNext = (socket: HttpInternals.PausableSocket, pipeline: Pipeline) => {
    const { active, remoteAddress, waiting } = pipeline
    // Nothing can be sent after the response that closes the connection.
    if (!socket.writable) addWaiting(remoteAddress, -waiting.splice(0).length)
    if (active >= MAX_CONCURRENT_REQUESTS) return
    const dispatch = waiting.shift()
    if (dispatch === undefined) return
    addWaiting(remoteAddress, -1)
    dispatch()
    if (waiting.length === 0) HttpInternals.resumeReading(socket)
    // Also after a response that was sent synchronously.
    else setImmediate(startNext, socket, pipeline)
  }

  const isAnswering = () => {
    for (const response of unanswered) {
      if (!response.headersSent) return true
      unanswered.delete(response)
    }
    return false
  }

  const schedule = ({ socket }: IncomingMessage, response: ServerResponse, dispatch: Dispatch): void => {
    const pipeline = pipelines.get(socket)
    const isFirst = pipeline === undefined || pipeline.waiting.length === 0
    const hasCapacity = pipeline === undefined || pipeline.active < MAX_CONCURRENT_REQUESTS
    if (isFirst && hasCapacity && countInTurn(socket) <= MAX_CONCURRENT_REQUESTS) {
      start(socket, response, dispatch)
      return
    }
    const opened = pipeline ?? open(socket)
    const { remoteAddress, waiting } = opened
    if (addWaiting(remoteAddress, 1) > MAX_WAITING_REQUESTS) {
      addWaiting(remoteAddress, -1)
      socket.destroy()
      return
    }
    waiting.push(() => start(socket, response, dispatch))
    HttpInternals.pauseReading(socket)
    // Otherwise the end of an active request starts the next one.
    if (isFirst && hasCapacity) setImmediate(startNext, socket, opened)
  }

  return { schedule, isAnswering }
}
