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

/** Whose failures have a shape of their own. */
type Owner = "flutterwave" | "effex"

const known = FindMyWay.make<Owner>(CONFIG)
const methods = new Set<string>(["GET"])
for (const [name, group] of Object.entries(Api.groups)) {
  for (const { method, path } of Object.values(group.endpoints)) {
    known.on(method, path, name === "flutterwave" ? name : "effex")
    methods.add(method)
  }
}
for (const path of Object.values(paths)) known.on(path === paths.rpcHttp ? "POST" : "GET", path, "effex")

/** The methods that a path takes; none for a path that does not exist. */
export const allowedMethods = (url: string): ReadonlyArray<string> => {
  const allowed = Array.from(methods).filter((method) => known.find(method, url) !== undefined)
  return allowed.includes("GET") ? [...allowed, "HEAD", "OPTIONS"] : allowed
}

/** Whether a path is one that apps know from Flutterwave, by whichever method it is asked for. */
export const isFlutterwave = (url: string): boolean =>
  Array.from(methods).some((method) => known.find(method, url)?.handler === "flutterwave")

/** Whether a WebSocket answers at a path. */
export const isSocket = (url: string): boolean => /^\/(ws\/rates\/?|rpc\/?)([?#]|$)/.test(url)
