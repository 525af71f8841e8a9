import * as Options from "../Options.ts"
import type { StreamOptions } from "./EventStream.ts"
import * as RateStream from "./RateStream.ts"
import { keyHeaders, type ServerAccess } from "../Requests.ts"
import * as SseConnection from "./SseConnection.ts"
import type { Connect } from "./StreamConnection.ts"
import { distinctRates, type StreamMessage } from "./StreamMessages.ts"
import type { Poll, Rate, RateEvent } from "../Values.ts"
import * as WebSocketConnection from "./WebSocketConnection.ts"

/** Options of a rate stream. */
export interface WatchOptions extends StreamOptions {
  /** The pairs, such as `USD:NGN`. Default: all. */
  readonly pairs?: ReadonlyArray<string> | undefined
  /** Resumes after this position, as received with an event. */
  readonly since?: string | undefined
}

/** State of the connection to the server. */
export type ConnectionState = "connecting" | "connected" | "reconnecting"

/** Streams. Each has a connection of its own. */
export interface StreamCalls {
  /** Yields the latest rate of each pair (such as `USD:NGN`; default: all), then each change. */
  watch(
    pairs?: ReadonlyArray<string>,
    options?: StreamOptions & Pick<WatchOptions, "since">
  ): RateStream.RateStream<Rate>
  /** Yields events with stream positions: a snapshot, or the changes after `since`. */
  watchEvents(options?: WatchOptions): RateStream.RateStream<RateEvent>
  /** Yields finished polls. Misses polls that finish while the stream is not connected. */
  watchPolls(options?: StreamOptions): RateStream.RateStream<Poll>
  /**
   * Yields the state of a connection and every change of it.
   * @deprecated Use `state` and `onState` of a stream.
   */
  watchConnection(): AsyncIterable<ConnectionState>
}

export interface StreamSettings {
  readonly isWebSocket: boolean
  readonly connectTimeoutMillis: number
}

const STREAM_OPTIONS = ["onState", "signal"] as const

/** Makes the streams. */
export const make = (
  access: ServerAccess,
  { connectTimeoutMillis, isWebSocket }: StreamSettings
): StreamCalls => {
  const { closed, url } = access
  const connectTo = (pairs: ReadonlyArray<string> | undefined): Connect =>
    isWebSocket
      ? WebSocketConnection.make(url, "/ws/rates/", () =>
          pairs === undefined ? [] : [{ type: "subscribe", pairs }]
        )
      : SseConnection.make(url, "/api/v1/rates/stream", { pairs: pairs?.join(",") })

  const open = <A>(
    { pairs: input, since, ...options }: WatchOptions,
    itemsOf: (message: StreamMessage) => ReadonlyArray<A>
  ) => {
    const pairs = Options.pairs(input)
    const connect = connectTo(pairs)
    return RateStream.make({
      ...options,
      url,
      closed,
      connect: (position, handlers, signal) =>
        connect({ position, credentials: keyHeaders(access) }, handlers, signal),
      connectTimeoutMillis,
      itemsOf,
      pairs,
      since: Options.since(since)
    })
  }

  return {
    watch(pairs, options = {}) {
      Options.requireKnown("watch", options, ["since", ...STREAM_OPTIONS])
      return open({ ...options, pairs }, distinctRates())
    },
    watchEvents(options = {}) {
      Options.requireKnown("watchEvents", options, ["pairs", "since", ...STREAM_OPTIONS])
      return open<RateEvent>(options, (message) => (message.type === "poll" ? [] : [message]))
    },
    watchPolls(options = {}) {
      Options.requireKnown("watchPolls", options, STREAM_OPTIONS)
      return open(options, (message) => (message.type === "poll" ? [message.poll] : []))
    },
    async *watchConnection() {
      const states: Array<ConnectionState> = ["connecting"]
      let wake = () => {}
      const stream = open<never>(
        {
          onState: (state) => {
            if (state === "live") states.push("connected")
            else if (state === "stale") states.push("reconnecting")
            wake()
          }
        },
        () => []
      )
      let isEnded = false
      const ended = stream[Symbol.asyncIterator]()
        .next()
        .finally(() => {
          isEnded = true
          wake()
        })
      try {
        while (true) {
          for (let state = states.shift(); state !== undefined; state = states.shift()) yield state
          if (isEnded) break
          await new Promise<void>((resolve) => (wake = resolve))
        }
        await ended
      } finally {
        stream.close()
        await ended.catch(() => undefined)
      }
    }
  }
}
