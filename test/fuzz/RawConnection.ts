import { Effect, Predicate } from "effect"
import { connect, type Socket } from "node:net"
import { type RawResponse, parse } from "./RawResponse.ts"
import type { RenderedRequest } from "./requests/RequestDraft.ts"

/** Address of the server. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** A request's responses and timing. */
export interface Exchange {
  readonly responses: ReadonlyArray<RawResponse>
  /** Time until the last response or the timeout. */
  readonly millis: number
  /** `timeout`: no response in time. `closed`: the connection ended without a response. `unreadable`: not HTTP. */
  readonly end: "responded" | "closed" | "timeout" | "unreadable"
}

/** Longest time to wait for a response. */
export const RESPONSE_TIMEOUT_MILLIS = 15_000

/** Sends one request at a time, and reuses the connection while it is open. */
export interface Connection {
  readonly send: (sent: RenderedRequest) => Effect.Effect<Exchange>
}

/** Connects to a server for the lifetime of the scope. */
export const make = (address: Address) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => ({ socket: undefined as Socket | undefined })),
      (state) => Effect.sync(() => state.socket?.destroy())
    ),
    (state): Connection => {
      const sendOn = (socket: Socket, sent: RenderedRequest) => {
        state.socket = undefined
        return Effect.tap(exchange(socket, sent), ({ responses, end }) =>
          Effect.sync(() => {
            const [response] = responses
            const isReusable =
              end === "responded" && !sent.needsOwnConnection && response !== undefined && canFollow(response)
            if (isReusable && !socket.destroyed) state.socket = socket
            else socket.destroy()
          })
        )
      }
      return {
        send: (sent) => {
          const { socket } = state
          if (
            sent.needsOwnConnection ||
            socket === undefined ||
            socket.destroyed ||
            socket.readyState !== "open"
          ) {
            if (!sent.needsOwnConnection) socket?.destroy()
            return sendOn(open(address), sent)
          }
          // The server may have closed an idle connection just now; that is not a finding about the request.
          return Effect.filterOrElse(
            sendOn(socket, sent),
            ({ end }) => end !== "closed",
            () => sendOn(open(address), sent)
          )
        }
      }
    }
  )

const open = ({ host, port }: Address) => connect({ host, port, noDelay: true }).on("error", () => {})

/** True if another request can use the same connection. */
const canFollow = ({ headers, status }: RawResponse) =>
  status !== 101 &&
  headers.get("connection") !== "close" &&
  headers.get("content-type") !== "text/event-stream"

/**
 * Sends a request and waits for its response. A request with unclear length gets a separate connection, and collects
 * all responses until the server closes it.
 */
const exchange = (socket: Socket, { needsOwnConnection, bytes, method }: RenderedRequest) =>
  Effect.callback<Exchange>((resume) => {
    const startedAt = performance.now()
    const chunks: Array<Buffer> = []
    const responses: Array<RawResponse> = []
    const finish = (end: Exchange["end"]) => {
      clearTimeout(timer)
      socket.off("data", onData).off("close", onClose)
      const outcome = responses.length > 0 && end !== "unreadable" ? "responded" : end
      resume(Effect.succeed({ responses, millis: performance.now() - startedAt, end: outcome }))
    }
    const readAll = (isClosed: boolean) => {
      let rest = Buffer.concat(chunks.splice(0))
      for (
        let parsed = parse(rest, method, isClosed);
        parsed !== undefined;
        parsed = parse(rest, method, isClosed)
      ) {
        responses.push(parsed.response)
        rest = rest.subarray(parsed.length)
        if (!needsOwnConnection) break
      }
      chunks.push(rest)
    }
    const attempt = (isClosed: boolean) => {
      try {
        readAll(isClosed)
        if (isClosed) finish("closed")
        else if (!needsOwnConnection && responses.length > 0) finish("responded")
      } catch (error) {
        finish(Predicate.isError(error) ? "unreadable" : "closed")
      }
    }
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      attempt(false)
    }
    const onClose = () => attempt(true)
    const timer = setTimeout(() => finish("timeout"), RESPONSE_TIMEOUT_MILLIS)
    socket.on("data", onData).on("close", onClose)
    if (needsOwnConnection) socket.end(bytes)
    else socket.write(bytes)
    return Effect.sync(() => finish("closed"))
  })
