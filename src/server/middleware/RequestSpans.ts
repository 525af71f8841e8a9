import { Layer } from "effect"
import { HttpMiddleware } from "effect/http"
import * as Routes from "../Routes.ts"

/** What is asked for every few seconds, and says nothing in a trace. */
const UNTRACED: ReadonlySet<string | undefined> = new Set([
  Routes.paths.metrics,
  "/health/live",
  "/health/ready"
])

/** Spans of requests are named after their route, such as `GET /api/v1/rates/:rate_id`. */
export const layer = Layer.mergeAll(
  Layer.succeed(HttpMiddleware.SpanNameGenerator, ({ method, url }) => {
    const template = Routes.templateOf(method, url)
    return template === undefined ? method : `${method} ${template}`
  }),
  Layer.succeed(HttpMiddleware.TracerDisabledWhen, ({ method, url }) =>
    UNTRACED.has(Routes.templateOf(method, url))
  )
)
