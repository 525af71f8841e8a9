import { Effect, Predicate } from "effect"
import { connect, type Socket } from "node:net"
import { type Answer, take } from "./Answer.ts"
import type { Sent } from "./RequestDraft.ts"

/** Where the server listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What came of a request. */
export interface Exchange {
  readonly answers: ReadonlyArray<Answer>
  /** Until the last answer, or the end of waiting. */
  readonly millis: number
  /** `late`: there was none in time; `closed`: the connection ended without one. */
  readonly end: "answered" | "closed" | "late" | "unreadable"
}

/** How long an answer may take. */
export const PATIENCE_MILLIS = 5_000

/** Requests one after another, over a connection that is kept as long as it holds. */
export interface Connection {
  readonly ask: (sent: Sent) => Effect.Effect<Exchange>
}

/** Opens connections to a server, one at a time, for as long as the scope is open. */
export const make = (address: Address) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => ({ socket: undefined as Socket | undefined })),
      (kept) => Effect.sync(() => kept.socket?.destroy())
    ),
    (kept): Connection => {
      const askOn = (socket: Socket, sent: Sent) => {
        kept.socket = undefined
        return Effect.tap(exchange(socket, sent), ({ answers, end }) =>
          Effect.sync(() => {
            const [answer] = answers
            const stays = end === "answered" && !sent.apart && answer !== undefined && canFollow(answer)
            if (stays && !socket.destroyed) kept.socket = socket
            else socket.destroy()
          })
        )
      }
      return {
        ask: (sent) => {
          const { socket } = kept
          if (sent.apart || socket === undefined || socket.destroyed || socket.readyState !== "open") {
            if (!sent.apart) socket?.destroy()
            return askOn(open(address), sent)
          }
          // A connection that the server closed just now says nothing about the request.
          return Effect.filterOrElse(
            askOn(socket, sent),
            ({ end }) => end !== "closed",
            () => askOn(open(address), sent)
          )
        }
      }
    }
  )

const open = ({ host, port }: Address) => connect({ host, port, noDelay: true }).on("error", () => {})

/** Whether another request may follow on the same connection. */
const canFollow = ({ headers, status }: Answer) =>
  status !== 101 &&
  headers.get("connection") !== "close" &&
  headers.get("content-type") !== "text/event-stream"

/**
 * Sends a request and waits for its answer. Behind one whose end cannot be told nothing more is sent, so that all its
 * answers have come once the server closes the connection.
 */
const exchange = (socket: Socket, { apart, bytes, method }: Sent) =>
  Effect.callback<Exchange>((resume) => {
    const startedAt = performance.now()
    const chunks: Array<Buffer> = []
    const answers: Array<Answer> = []
    const finish = (end: Exchange["end"]) => {
      clearTimeout(timer)
      socket.off("data", read).off("close", closed)
      const told = answers.length > 0 && end !== "unreadable" ? "answered" : end
      resume(Effect.succeed({ answers, millis: performance.now() - startedAt, end: told }))
    }
    const readAll = (ended: boolean) => {
      let rest = Buffer.concat(chunks.splice(0))
      for (let taken = take(rest, method, ended); taken !== undefined; taken = take(rest, method, ended)) {
        answers.push(taken.answer)
        rest = rest.subarray(taken.used)
        if (!apart) break
      }
      chunks.push(rest)
    }
    const attempt = (ended: boolean) => {
      try {
        readAll(ended)
        if (ended) finish("closed")
        else if (!apart && answers.length > 0) finish("answered")
      } catch (error) {
        finish(Predicate.isError(error) ? "unreadable" : "closed")
      }
    }
    const read = (chunk: Buffer) => {
      chunks.push(chunk)
      attempt(false)
    }
    const closed = () => attempt(true)
    const timer = setTimeout(() => finish("late"), PATIENCE_MILLIS)
    socket.on("data", read).on("close", closed)
    if (apart) socket.end(bytes)
    else socket.write(bytes)
    return Effect.sync(() => finish("closed"))
  })
