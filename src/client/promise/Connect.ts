import * as AuditCalls from "./AuditCalls.ts"
import type { Client } from "./Client.ts"
import * as ConversionCalls from "./ConversionCalls.ts"
import * as Options from "./Options.ts"
import * as RateCalls from "./RateCalls.ts"
import type { ServerAccess } from "./Requests.ts"
import * as Runtime from "./Runtime.ts"
import * as Streams from "./Streams.ts"

/** Options of {@link connect}. */
export interface ConnectOptions {
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

const OPTIONS = ["apiKey", "timeout", "connectTimeout", "transport"] as const

/**
 * Creates a client of the server at a URL such as `http://127.0.0.1:8000`. Sends nothing yet. Throws an `EffexError` for a
 * wrong URL, a wrong option, and a Node.js that is too old.
 */
export const connect = (url: string | URL, options: ConnectOptions = {}): Client => {
  Runtime.requireSupported()
  Options.requireKnown("connect", options, OPTIONS)
  const { apiKey, connectTimeout = "10 seconds", timeout = "30 seconds", transport } = options
  Options.oneOf("transport", transport, ["sse", "websocket", "http"])
  const closed = new AbortController()
  const access: ServerAccess = {
    url: Options.serverUrl(url),
    apiKey: Options.apiKey(apiKey),
    timeoutMillis: Options.millisOf("timeout", timeout),
    closed: closed.signal
  }
  const close = async () => closed.abort()
  return {
    ...RateCalls.make(access),
    ...ConversionCalls.make(access),
    ...AuditCalls.make(access),
    ...Streams.make(access, {
      isWebSocket: (transport ?? (typeof document === "undefined" ? "sse" : "websocket")) === "websocket",
      connectTimeoutMillis: Options.millisOf("connectTimeout", connectTimeout)
    }),
    close,
    [Symbol.asyncDispose]: close
  }
}
