import { FindMyWay } from "effect/http"
import { Api } from "../api/Api.ts"

/** How paths are matched: with or without a slash at the end. */
export const CONFIG = { ignoreTrailingSlash: true, maxParamLength: 128 } as const

/** The paths that are no endpoints of the API: pages and machine-readable texts. */
export const paths = {
  metrics: "/metrics",
  openapi: "/openapi.json",
  docs: "/docs",
  swagger: "/api/v1/swagger/",
  redoc: "/api/v1/redoc/",
  socket: "/ws/rates/",
  rpc: "/rpc",
  rpcHttp: "/rpc/http"
} as const

/** What is answered: a path with the names of its parameters, and whose it is, for Flutterwave's failures have a shape of their own. */
interface Route {
  readonly method: string
  readonly template: `/${string}`
  readonly owner: "flutterwave" | "effex"
}

/** Every endpoint of the API, and what is beside it. */
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

const known = FindMyWay.make<Route>(CONFIG)
for (const route of all) known.on(route.method, route.template, route)
const methods = new Set(["GET", ...all.map(({ method }) => method)])

/** The template that answers a request, such as `/api/v1/rates/:rate_id`; none for a path that does not exist. */
export const templateOf = (method: string, url: string): string | undefined =>
  known.find(method === "HEAD" ? "GET" : method, url)?.handler.template

/** The methods that a path takes; none for a path that does not exist. */
export const allowedMethods = (url: string): ReadonlyArray<string> => {
  const allowed = Array.from(methods).filter((method) => known.find(method, url) !== undefined)
  return allowed.includes("GET") ? [...allowed, "HEAD", "OPTIONS"] : allowed
}

/** Whether a path is one that apps know from Flutterwave, by whichever method it is asked for. */
export const isFlutterwave = (url: string): boolean =>
  Array.from(methods).some((method) => known.find(method, url)?.handler.owner === "flutterwave")

/** Whether a WebSocket answers at a path. */
export const isSocket = (url: string): boolean => /^\/(ws\/rates\/?|rpc\/?)([?#]|$)/.test(url)
