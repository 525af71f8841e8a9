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
/** Of sessions that started on an earlier version. They keep it: nodes of that version know no other name. */
const SECURE: Cookie = { name: "__Secure-effex-refresh", path: PATH }
/** Of a server whose public address is not HTTPS. */
const PLAIN: Cookie = { name: "effex-refresh", path: PATH }

const OPTIONS = { httpOnly: true, secure: true, sameSite: "strict" } as const

/** The cookie with the refresh token of a session of the web app. */
export interface RefreshCookie {
  /** Returns the refresh token of a request. */
  readonly read: (request: HttpServerRequest.HttpServerRequest) => string | undefined
  /** Sets the token of a new session. */
  readonly start: (
    response: HttpServerResponse.HttpServerResponse,
    token: string,
    maxAge: Duration.Duration
  ) => HttpServerResponse.HttpServerResponse
  /** Replaces the token that {@link RefreshCookie.read} returned. */
  readonly rotate: (
    request: HttpServerRequest.HttpServerRequest,
    response: HttpServerResponse.HttpServerResponse,
    token: string,
    maxAge: Duration.Duration
  ) => HttpServerResponse.HttpServerResponse
  /** Deletes the cookie, under all its names. */
  readonly end: (response: HttpServerResponse.HttpServerResponse) => HttpServerResponse.HttpServerResponse
}

/** The cookie of a server with this public address. */
export const make = (publicUrl: Option.Option<string>): RefreshCookie => {
  const isHttps = Option.exists(publicUrl, (url) => url.startsWith("https:"))
  const [current, ...former] = isHttps ? ([HOST, SECURE] as const) : ([PLAIN] as const)

  const find = ({ cookies }: HttpServerRequest.HttpServerRequest) =>
    [current, ...former].find(({ name }) => cookies[name] !== undefined) ?? current
  const set = (
    response: HttpServerResponse.HttpServerResponse,
    { name, path }: Cookie,
    value: string,
    maxAge: Duration.Input
  ) => HttpServerResponse.setCookieUnsafe(response, name, value, { ...OPTIONS, path, maxAge })
  const remove = (response: HttpServerResponse.HttpServerResponse, cookies: ReadonlyArray<Cookie>) =>
    cookies.reduce((result, cookie) => set(result, cookie, "", 0), response)

  return {
    read: (request) => request.cookies[find(request).name],
    start: (response, token, maxAge) => set(remove(response, former), current, token, maxAge),
    rotate: (request, response, token, maxAge) => set(response, find(request), token, maxAge),
    end: (response) => remove(response, [current, ...former])
  }
}
