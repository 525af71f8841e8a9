import { Layer } from "effect"
import { HttpMiddleware } from "effect/http"
import * as Routes from "../Routes.ts"

/** Routes that monitoring polls every few seconds. Their spans would only fill the traces. */
const UNTRACED: ReadonlySet<string | undefined> = new Set([
  Routes.paths.metrics,
  "/health/live",
  "/health/ready"
])

/** Names the spans of requests after their route, such as `GET /api/v1/rates/:rate_id`. */
export const layer = Layer.mergeAll(
  Layer.succeed(HttpMiddleware.SpanNameGenerator, ({ method, url }) => {
    const template = Routes.templateOf(method, url)
    return template === undefined ? method : `${method} ${template}`
  }),
  Layer.succeed(HttpMiddleware.TracerDisabledWhen, ({ method, url }) =>
    UNTRACED.has(Routes.templateOf(method, url))
  )
)
