import * as Backoff from "../Backoff.ts"
import { EffexError } from "../EffexError.ts"
import type { ConnectionHandlers } from "./StreamConnection.ts"
import { feedAgeSeconds } from "./StreamMessages.ts"

/**
 * State of a stream: `connecting` before the first connection, `live` while it is connected, `stale` while the connection
 * is lost or the server itself is cut off from changes, and `closed` after its end. While it is `stale`, there may have been
 * changes.
 */
export type StreamState = "connecting" | "live" | "stale" | "closed"

/**
 * An endless stream, for one `for await` loop. It connects when the loop begins, reconnects and resumes by itself, and
 * ends when the loop is left or on `close`.
 */
export interface EventStream<A> extends AsyncIterable<A> {
  readonly state: StreamState
  /** When the server last sent something, such as a heartbeat. Undefined before the first connection. */
  readonly lastContact: Date | undefined
  /** Ends the stream and its loop. */
  close(): void
}

export interface StreamOptions {
  /** Is called with each new state, and with the error that made the stream `stale` or `closed`. */
  readonly onState?: ((state: StreamState, error?: EffexError) => void) | undefined
  /** Ends the stream: its loop fails with the code `aborted`. */
  readonly signal?: AbortSignal | undefined
}

/** Options for reading and queueing messages. */
export interface Feed<Message> {
  /** Decodes a message of a connection. Returns undefined for one without a change. */
  readonly decode: (name: string, json: unknown, id?: string) => Message | undefined
  /** Returns the position after a message. Undefined: the stream does not resume there. */
  readonly positionOf: (message: Message) => string | undefined
  /** Returns fewer messages, for a loop that is slower than the changes. */
  readonly compact: (queue: ReadonlyArray<Message>) => Array<Message>
}

export interface EventStreamInput<Message, A> extends StreamOptions {
  readonly url: string
  readonly connect: (
    position: string | undefined,
    handlers: ConnectionHandlers,
    signal: AbortSignal
  ) => Promise<void>
  /** Position after which the stream begins. */
  readonly since?: string | undefined
  readonly connectTimeoutMillis: number
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal
  readonly feed: Feed<Message>
  /** Returns the items of a message. */
  readonly itemsOf: (message: Message) => ReadonlyArray<A>
}

/** Limit of the messages that wait for a slow loop. */
const MAX_QUEUED = 1000

/** A server whose last contact with the database or Redis is longer ago is cut off. It normally has contact every second. */
const MAX_FEED_AGE_SECONDS = 20

/** A connection that lasted this long counts as a success and resets the backoff. */
const STABLE_CONNECTION_MILLIS = 5000

/** Makes a stream. */
export const make = <Message, A>(input: EventStreamInput<Message, A>): EventStream<A> => {
  const { closed, connect, connectTimeoutMillis, feed, itemsOf, onState, signal, url } = input
  const ended = new AbortController()
  let queue: Array<Message> = []
  let position = input.since
  let state: StreamState = "connecting"
  let failure: EffexError | undefined
  let lastContact: Date | undefined
  let wake = () => {}

  const setState = (next: StreamState, error?: EffexError) => {
    if (state === next || state === "closed") return
    state = next
    onState?.(next, error)
  }

  const end = (error?: EffexError) => {
    if (ended.signal.aborted) return
    failure = error
    signal?.removeEventListener("abort", onAbort)
    closed.removeEventListener("abort", onClose)
    ended.abort()
    setState("closed", error)
    wake()
  }
  const onAbort = () =>
    end(new EffexError({ code: "aborted", detail: "The stream was aborted", cause: signal?.reason }))
  const onClose = () => end()

  const handlers: ConnectionHandlers = {
    onOpen: () => {
      lastContact = new Date()
      setState("live")
    },
    onContact: () => {
      lastContact = new Date()
    },
    onMessage: (name, json, id) => {
      const feedAge = name === "heartbeat" ? feedAgeSeconds(json) : undefined
      if (feedAge !== undefined) setState(feedAge > MAX_FEED_AGE_SECONDS ? "stale" : "live")
      const message = feed.decode(name, json, id)
      if (message === undefined) return
      position = feed.positionOf(message) ?? position
      queue.push(message)
      if (queue.length > MAX_QUEUED) queue = feed.compact(queue)
      wake()
    }
  }

  /** Keeps the stream connected until it ends. Only the first connection has a time limit. */
  const run = async () => {
    const timer = setTimeout(() => {
      if (state === "connecting") end(connectError(url, connectTimeoutMillis, failure))
    }, connectTimeoutMillis)
    let failures = 0
    try {
      while (!ended.signal.aborted) {
        const startedAt = performance.now()
        const error = await connect(position, handlers, ended.signal).then(noError, toError)
        if (error !== undefined && !error.retryable) return end(error)
        if (state === "connecting") failure = error
        else setState("stale", error)
        if (performance.now() - startedAt >= STABLE_CONNECTION_MILLIS) failures = 0
        await Backoff.sleep(Backoff.delayMillis(failures++), ended.signal).catch(() => undefined)
      }
    } finally {
      clearTimeout(timer)
    }
  }

  async function* iterate() {
    try {
      if (closed.aborted || ended.signal.aborted) return
      if (signal?.aborted === true) onAbort()
      else {
        signal?.addEventListener("abort", onAbort, { once: true })
        closed.addEventListener("abort", onClose, { once: true })
        void run()
      }
      while (true) {
        for (let message = queue.shift(); message !== undefined; message = queue.shift()) {
          yield* itemsOf(message)
        }
        if (state === "closed") break
        await new Promise<void>((resolve) => (wake = resolve))
      }
      if (failure !== undefined) throw failure
    } finally {
      end()
    }
  }
  const items = iterate()

  return {
    get state() {
      return state
    },
    get lastContact() {
      return lastContact
    },
    close: () => end(),
    [Symbol.asyncIterator]: () => items
  }
}

const connectError = (url: string, millis: number, cause: EffexError | undefined) =>
  new EffexError({
    code: cause?.code ?? "unreachable",
    status: cause?.status ?? 0,
    detail: cause?.detail ?? `Could not connect to ${url} within ${millis} milliseconds`,
    retryable: true,
    traceId: cause?.traceId,
    cause
  })

const noError = () => undefined

/** Returns the error of a connection. Others are thrown by `onState`, which the caller wrote. */
const toError = (error: unknown) =>
  error instanceof EffexError
    ? error
    : new EffexError({ code: "invalid-option", detail: `onState failed: ${String(error)}`, cause: error })
