import { type Duration, Option } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"

interface Cookie {
  readonly name: string
  readonly path: string
}

/** Path of the endpoints that take the cookie. */
const PATH = "/api/v1/accounts/auth"

/** Browsers accept this prefix only over HTTPS, not even on localhost. No other host can set such a cookie (RFC 6265bis). */
const HOST: Cookie = { name: "__Host-effex-refresh", path: "/" }
/** Of a server whose public address is not HTTPS. */
const PLAIN: Cookie = { name: "effex-refresh", path: PATH }

const OPTIONS = { httpOnly: true, secure: true, sameSite: "strict" } as const

/** The cookie with the refresh token of a session of the web app. */
export interface RefreshCookie {
  /** Returns the refresh token of a request. */
  readonly read: (request: HttpServerRequest.HttpServerRequest) => string | undefined
  /** Sets the token of a session. */
  readonly set: (
    response: HttpServerResponse.HttpServerResponse,
    token: string,
    maxAge: Duration.Duration
  ) => HttpServerResponse.HttpServerResponse
  /** Deletes the cookie. */
  readonly end: (response: HttpServerResponse.HttpServerResponse) => HttpServerResponse.HttpServerResponse
}

/** The cookie of a server with this public address. */
export const make = (publicUrl: Option.Option<string>): RefreshCookie => {
  const isHttps = Option.exists(publicUrl, (url) => url.startsWith("https:"))
  const { name, path } = isHttps ? HOST : PLAIN
  const set = (response: HttpServerResponse.HttpServerResponse, value: string, maxAge: Duration.Input) =>
    HttpServerResponse.setCookieUnsafe(response, name, value, { ...OPTIONS, path, maxAge })

  return {
    read: ({ cookies }) => cookies[name],
    set,
    end: (response) => set(response, "", 0)
  }
}
