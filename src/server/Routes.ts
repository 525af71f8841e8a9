import { FindMyWay } from "effect/http"
import { Api } from "../api/Api.ts"

/**
 * Options of the router: only a trailing slash is ignored. In any other spelling, such as `//metrics` or `/Metrics`, a path
 * would pass the rules of a proxy that restricts it.
 */
export const CONFIG = {
  ignoreTrailingSlash: true,
  ignoreDuplicateSlashes: false,
  caseSensitive: true,
  maxParamLength: 128
} as const

/** Paths outside of the HTTP API: start page, documentation, metrics, WebSocket and RPC. */
export const paths = {
  home: "/",
  metrics: "/metrics",
  openapi: "/openapi.json",
  docs: "/docs",
  scalarScript: "/docs/scalar.js",
  swagger: "/api/v1/swagger/",
  swaggerScript: "/api/v1/swagger/swagger-ui.js",
  swaggerStyle: "/api/v1/swagger/swagger-ui.css",
  redoc: "/api/v1/redoc/",
  socket: "/ws/rates/",
  userEventsSocket: "/ws/accounts/events/",
  rpc: "/rpc",
  rpcHttp: "/rpc/http"
} as const

/** Path of the router for the files and pages of the web app: everything that has no other route. */
export const WEB_PATH = "/*"

interface Route {
  readonly method: string
  /** Path with the names of its parameters. */
  readonly template: `/${string}`
  /** Determines the shape of errors. */
  readonly owner: "flutterwave" | "effex"
}

/** All routes: the endpoints of the API, and {@link paths}. */
export const all: ReadonlyArray<Route> = [
  ...Object.entries(Api.groups).flatMap(([name, group]) =>
    Object.values(group.endpoints).map(({ method, path }): Route => ({
      method,
      template: path,
      owner: name === "flutterwave" ? name : "effex"
    }))
  ),
  ...Object.values(paths).map((path): Route => ({
    method: path === paths.rpcHttp ? "POST" : "GET",
    template: path,
    owner: "effex"
  }))
]

const matcher = FindMyWay.make<Route>(CONFIG)
for (const route of all) matcher.on(route.method, route.template, route)
const methods = new Set(["GET", ...all.map(({ method }) => method)])

/** Returns the template of the route that a request matches, such as `/api/v1/rates/:rate_id`; undefined if there is none. */
export const templateOf = (method: string, url: string): string | undefined =>
  matcher.find(method === "HEAD" ? "GET" : method, url)?.handler.template

/** Routes that count no requests against the limits of the API. */
const UNCOUNTED: ReadonlySet<string | undefined> = new Set([
  undefined,
  paths.home,
  paths.metrics,
  paths.openapi,
  paths.docs,
  paths.scalarScript,
  paths.swagger,
  paths.swaggerScript,
  paths.swaggerStyle,
  paths.redoc,
  "/health/live",
  "/health/ready"
])

/** Returns true if a request matches a route that counts it against a rate limit of the API. */
export const isCounted = (method: string, url: string): boolean => !UNCOUNTED.has(templateOf(method, url))

/** Returns the methods that a path allows; empty if no route has the path. */
export const allowedMethods = (url: string): ReadonlyArray<string> => {
  const allowed = Array.from(methods).filter((method) => matcher.find(method, url) !== undefined)
  return allowed.includes("GET") ? [...allowed, "HEAD", "OPTIONS"] : allowed
}

/** Returns true for a path of the Flutterwave-compatible API, with any method. */
export const isFlutterwave = (url: string): boolean =>
  Array.from(methods).some((method) => matcher.find(method, url)?.handler.owner === "flutterwave")

/** Returns true if a request matches a route of sign-up, sign-in, refresh or sign-out. */
export const isSignIn = (method: string, url: string): boolean =>
  url.startsWith("/api/v1/accounts/auth/") && isCounted(method, url)

/** Returns true for a path with a WebSocket endpoint. */
export const isSocket = (url: string): boolean =>
  /^\/(ws\/(rates|accounts\/events)\/?|rpc\/?)([?#]|$)/.test(url)
