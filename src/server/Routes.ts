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
  redoc: "/api/v1/redoc/"
} as const

const known = FindMyWay.make<void>(CONFIG)
const methods = new Set<string>(["GET"])
for (const group of Object.values(Api.groups)) {
  for (const { method, path } of Object.values(group.endpoints)) {
    known.on(method, path, undefined)
    methods.add(method)
  }
}
for (const path of Object.values(paths)) known.on("GET", path, undefined)

/** The methods that a path takes; none for a path that does not exist. */
export const allowedMethods = (url: string): ReadonlyArray<string> => {
  const allowed = Array.from(methods).filter((method) => known.has(method, url))
  return allowed.includes("GET") ? [...allowed, "HEAD", "OPTIONS"] : allowed
}
