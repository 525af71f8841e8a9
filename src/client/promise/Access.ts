import * as Options from "./Options.ts"
import type { ServerAccess } from "./Requests.ts"
import * as Runtime from "./Runtime.ts"
import type { StreamSettings } from "./streams/Streams.ts"

/** Options of every client. */
export interface AccessOptions {
  /** API key (`efx_live_…` or `efx_test_…`), for calls that need one. */
  readonly apiKey?: string | undefined
  /** Maximum duration of a call with its retries. Default: 30 seconds. */
  readonly timeout?: Options.DurationInput | undefined
  /** Maximum time until the first connection of a stream. Later it reconnects without a limit. Default: 10 seconds. */
  readonly connectTimeout?: Options.DurationInput | undefined
  /**
   * Protocol of streams: `sse` or `websocket`. Default: `websocket` in pages, because browsers limit the connections of
   * `sse` to six per server, and `sse` elsewhere. `http` is an earlier name of `sse`.
   */
  readonly transport?: "sse" | "websocket" | "http" | undefined
}

export const ACCESS_OPTIONS = ["apiKey", "timeout", "connectTimeout", "transport"] as const

export interface Access {
  readonly access: ServerAccess
  readonly streams: StreamSettings
  readonly close: () => Promise<void>
}

/** Validates the options that all clients have, and returns how their requests are sent. */
export const make = (url: string | URL, options: AccessOptions): Access => {
  Runtime.requireSupported()
  const { apiKey, connectTimeout = "10 seconds", timeout = "30 seconds", transport } = options
  Options.oneOf("transport", transport, ["sse", "websocket", "http"])
  const closed = new AbortController()
  return {
    access: {
      url: Options.serverUrl(url),
      apiKey: Options.apiKey(apiKey),
      timeoutMillis: Options.millisOf("timeout", timeout),
      closed: closed.signal
    },
    streams: {
      isWebSocket: (transport ?? (typeof document === "undefined" ? "sse" : "websocket")) === "websocket",
      connectTimeoutMillis: Options.millisOf("connectTimeout", connectTimeout)
    },
    close: async () => closed.abort()
  }
}
