import { Context } from "effect"
import type { Fiber, Metric } from "effect"
import { HttpRouter, type HttpServerRequest, type HttpServerResponse } from "effect/http"
import * as HttpMetrics from "../../platform/metrics/HttpMetrics.ts"
import * as Routes from "../Routes.ts"

/** Label of unknown routes and methods, so that clients cannot create labels. */
const UNKNOWN = "unknown"
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

interface Series {
  readonly count: Metric.Counter<number>
  readonly seconds: Metric.Histogram<number>
}

/** Series by method, route and status. The nested maps find one without an allocation, because every lookup does. */
const series = new Map<string, Map<string, Map<number, Series>>>()

const seriesOf = (method: string, route: string, status: number): Series => {
  const byRoute = getOrInsert(series, method, () => new Map<string, Map<number, Series>>())
  const byStatus = getOrInsert(byRoute, route, () => new Map<number, Series>())
  return getOrInsert(byStatus, status, () => {
    const labels = { method, route, status: String(status) }
    return { count: HttpMetrics.requests.of(labels), seconds: HttpMetrics.requestDuration.of(labels) }
  })
}

const getOrInsert = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const existing = map.get(key)
  if (existing !== undefined) return existing
  const created = make()
  map.set(key, created)
  return created
}

/**
 * Records a request by its method, route template and status. `seconds` is the time from the request to the start of the
 * response.
 */
export const record = (
  context: Context.Context<never>,
  method: string,
  route: string,
  status: number,
  seconds: number
): void => {
  const { count, seconds: histogram } = seriesOf(METHODS.has(method) ? method : UNKNOWN, route, status)
  count.updateUnsafe(1, context)
  histogram.updateUnsafe(seconds, context)
}

/** Records the response to the request of a fiber. Skips connections that became a WebSocket. */
export const recordResponse = (
  { context }: Fiber.Fiber<unknown, unknown>,
  { method, url }: HttpServerRequest.HttpServerRequest,
  { status }: HttpServerResponse.HttpServerResponse,
  seconds: number
): void => {
  if (status >= 400 || !Routes.isSocket(url))
    record(context, method, routeOf(context, method, url, status), status, seconds)
}

/** The route that the router matched, or the one that it would match. Paths that the web app does not have are unknown. */
const routeOf = (context: Context.Context<never>, method: string, url: string, status: number): string => {
  const matched = Context.getOrUndefined(context, HttpRouter.RouteContext)?.route.path
  if (matched === Routes.WEB_PATH && status >= 400) return UNKNOWN
  return matched ?? Routes.templateOf(method, url) ?? UNKNOWN
}

/** Statuses whose series start at 0, so that dashboards show a rate from the first response on. */
export const INITIAL_STATUSES = ["200", "500", "503"]
