import { Context } from "effect"
import type { Fiber, Metric } from "effect"
import { HttpRouter, type HttpServerRequest, type HttpServerResponse } from "effect/http"
import * as Metrics from "../../platform/telemetry/Metrics.ts"
import * as Routes from "../Routes.ts"

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

/**
 * Counts and measures a request: its `method`, the template of its route, the status of its answer, and how many seconds
 * it took up to the beginning of that.
 */
export const record = (
  context: Context.Context<never>,
  method: string,
  route: string,
  status: number,
  seconds: number
): void => {
  const known = seriesOf(METHODS.has(method) ? method : UNKNOWN, route, status)
  known.count.updateUnsafe(1, context)
  known.seconds.updateUnsafe(seconds, context)
}

/** Records the answer to the request of a fiber, which took so many seconds. What was upgraded is none: it was a stream. */
export const recordAnswer = (
  { context }: Fiber.Fiber<unknown, unknown>,
  { method, url }: HttpServerRequest.HttpServerRequest,
  { status }: HttpServerResponse.HttpServerResponse,
  seconds: number
): void => {
  if (status >= 400 || !Routes.isSocket(url))
    record(context, method, routeOf(context, method, url), status, seconds)
}

/** The route that the router left behind, or else what it would have found. */
const routeOf = (context: Context.Context<never>, method: string, url: string): string =>
  Context.getOrUndefined(context, HttpRouter.RouteContext)?.route.path ??
  Routes.templateOf(method, url) ??
  UNKNOWN

/** What the answers to a route are most likely to be: these are counted from 0. */
export const LIKELY_STATUSES = ["200", "500", "503"]
