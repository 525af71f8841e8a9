import { Context, Effect } from "effect"
import type { Fiber, Metric } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import * as Metrics from "../platform/Metrics.ts"
import * as Routes from "./Routes.ts"

/** The route of what exists nowhere. */
const UNKNOWN = "unknown"
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

interface Series {
  readonly count: Metric.Counter<number>
  readonly seconds: Metric.Histogram<number>
}

/** The series of a request, found without making anything: this is on the way of every lookup. */
const series = new Map<string, Map<string, Map<number, Series>>>()

const seriesOf = (method: string, route: string, status: number): Series => {
  const byRoute = getOrInsert(series, method, () => new Map<string, Map<number, Series>>())
  const byStatus = getOrInsert(byRoute, route, () => new Map<number, Series>())
  return getOrInsert(byStatus, status, () => {
    const labels = { method, route, status: String(status) }
    return { count: Metrics.requests.of(labels), seconds: Metrics.requestDuration.of(labels) }
  })
}

const getOrInsert = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

/** Counts and measures every request that is answered, up to the beginning of its answer. */
export const layer = HttpRouter.middleware(
  (app) =>
    Effect.withFiber((fiber) => {
      const { method, url } = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      const begun = performance.now()
      return Effect.map(app, (response) => {
        // What was upgraded has ended by now, and was a stream.
        if (isAnswer(url, response)) {
          const route = routeOf(fiber, method, url)
          const { count, seconds } = seriesOf(METHODS.has(method) ? method : UNKNOWN, route, response.status)
          count.updateUnsafe(1, fiber.context)
          seconds.updateUnsafe((performance.now() - begun) / 1000, fiber.context)
        }
        return response
      })
    }),
  { global: true }
)

/** The route that the router left behind, or else what it would have found. */
const routeOf = ({ context }: Fiber.Fiber<unknown, unknown>, method: string, url: string): string =>
  Context.getOrUndefined(context, HttpRouter.RouteContext)?.route.path ??
  Routes.templateOf(method, url) ??
  UNKNOWN

const isAnswer = (url: string, { status }: HttpServerResponse.HttpServerResponse) =>
  status >= 400 || !Routes.isSocket(url)

/** What the answers to a route are most likely to be: these are counted from 0. */
export const LIKELY_STATUSES = ["200", "500", "503"]
