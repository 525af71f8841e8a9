import { Duration } from "effect"
import { type ConnectionOptions, textOf } from "./Connection.ts"
import * as Options from "./promise/Options.ts"
import type { ServerAccess } from "./promise/Requests.ts"

const RESPONSE_TIMEOUT_MILLIS = 20_000

/** Returns where and how HTTP requests are sent. */
export const make = ({ apiKey, connectTimeout = "10 seconds", url }: ConnectionOptions): ServerAccess => ({
  url: Options.serverUrl(url),
  apiKey: apiKey === undefined ? undefined : textOf(apiKey),
  // Of each request, after which a waiting call still gets its response.
  timeoutMillis: Duration.toMillis(Duration.fromInputUnsafe(connectTimeout)) + RESPONSE_TIMEOUT_MILLIS,
  closed: new AbortController().signal
})
