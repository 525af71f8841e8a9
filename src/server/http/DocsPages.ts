import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { HttpApiScalar, HttpApiSwagger } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import * as Routes from "../Routes.ts"
import * as SecurityHeaders from "../middleware/SecurityHeaders.ts"

/** Builds a page on the first request, because each embeds megabytes of JavaScript that a server rarely needs. */
const lazyPage = (path: `/${string}`, page: Layer.Layer<never, never, HttpRouter.HttpRouter>) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (outer) {
      const handler = yield* HttpRouter.make.pipe(
        Effect.tap((router) =>
          Layer.build(Layer.provide(page, Layer.succeed(HttpRouter.HttpRouter, router)))
        ),
        Effect.map((router) => router.asHttpEffect()),
        Effect.provideService(HttpRouter.RouterConfig, Routes.CONFIG),
        Effect.scoped,
        Effect.cached
      )
      yield* outer.add("GET", path, Effect.flatten(handler))
    })
  )

const { docs, redoc, swagger } = Routes.paths

/** Documentation pages of the API. */
export const layer = Layer.mergeAll(
  lazyPage(docs, HttpApiScalar.layer(Api, { path: docs, scalar: { withDefaultFonts: false } })),
  lazyPage(
    redoc,
    HttpApiScalar.layer(Api, { path: redoc, scalar: { layout: "classic", withDefaultFonts: false } })
  ),
  lazyPage(swagger, HttpApiSwagger.layer(Api, { path: swagger }))
).pipe(Layer.provide(SecurityHeaders.layerPages))
