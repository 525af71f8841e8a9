import * as Backoff from "../Backoff.ts"
import { EffexError } from "../EffexError.ts"
import type { Connect } from "./StreamConnection.ts"
import { decode, feedAgeSeconds, keyOf, onlyPairs, ratesOf, type StreamMessage } from "./StreamMessages.ts"
import type { Rate } from "../Values.ts"

/**
 * State of a stream: `connecting` before the first connection, `live` while it is connected, `stale` while the connection
 * is lost or the server itself is cut off from the changes of rates, and `closed` after its end. While it is `stale`, rates
 * may have changed.
 */
export type StreamState = "connecting" | "live" | "stale" | "closed"

/**
 * An endless stream, for one `for await` loop. It connects when the loop begins, reconnects and resumes by itself, and
 * ends when the loop is left or on `close`.
 */
export interface RateStream<A> extends AsyncIterable<A> {
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

export interface StreamInput<A> extends StreamOptions {
  readonly url: string
  readonly connect: Connect
  readonly pairs?: ReadonlyArray<string> | undefined
  /** Position after which the stream begins. */
  readonly since?: string | undefined
  readonly connectTimeoutMillis: number
  /** Aborts when the client is closed. */
  readonly closed: AbortSignal
  /** Returns the items of a message. */
  readonly itemsOf: (message: StreamMessage) => ReadonlyArray<A>
}

/** Limit of the messages that wait for a slow loop. */
const MAX_QUEUED = 1000

/** A server whose last contact with the database or Redis is longer ago is cut off. It normally has contact every second. */
const MAX_FEED_AGE_SECONDS = 20

/** A connection that lasted this long counts as a success and resets the backoff. */
const STABLE_CONNECTION_MILLIS = 5000

/** Makes a stream. */
export const make = <A>(input: StreamInput<A>): RateStream<A> => {
  const { closed, connect, connectTimeoutMillis, itemsOf, onState, pairs, signal, url } = input
  const ended = new AbortController()
  const latest = new Map<string, Rate>()
  let queue: Array<StreamMessage> = []
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

  const receive = (received: StreamMessage) => {
    const message = onlyPairs(received, pairs)
    if (message === undefined) return
    if (message.type === "snapshot") latest.clear()
    for (const rate of ratesOf(message)) latest.set(keyOf(rate), rate)
    // A gap does not advance the position: its changes are only covered by the snapshot after it.
    if (message.type !== "gap") position = message.position
    queue.push(message)
    // A slow loop skips changes, and gets the latest rate of each pair.
    if (queue.length > MAX_QUEUED) {
      const skippedTo = message.position
      queue = [
        { type: "gap", position: skippedTo },
        { type: "snapshot", position: skippedTo, rates: [...latest.values()] }
      ]
    }
    wake()
  }

  const handlers = {
    onOpen: () => {
      lastContact = new Date()
      setState("live")
    },
    onContact: () => {
      lastContact = new Date()
    },
    onMessage: (name: string, json: unknown) => {
      const feedAge = name === "heartbeat" ? feedAgeSeconds(json) : undefined
      if (feedAge !== undefined) setState(feedAge > MAX_FEED_AGE_SECONDS ? "stale" : "live")
      const message = decode(name, json)
      if (message !== undefined) receive(message)
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
        const error = await connect({ pairs, position }, handlers, ended.signal).then(noError, toError)
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
