import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { HttpApiScalar, HttpApiSwagger } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import * as Routes from "../Routes.ts"
import * as SecurityHeaders from "../middleware/SecurityHeaders.ts"

/**
 * A page that is made when it is first asked for. Each brings a program of megabytes for the browser, which a server
 * whose API nobody reads about need not hold.
 */
const page = (path: `/${string}`, made: Layer.Layer<never, never, HttpRouter.HttpRouter>) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (outer) {
      const handler = yield* HttpRouter.make.pipe(
        Effect.tap((router) =>
          Layer.build(Layer.provide(made, Layer.succeed(HttpRouter.HttpRouter, router)))
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

/** The API, readable. */
export const layer = Layer.mergeAll(
  page(docs, HttpApiScalar.layer(Api, { path: docs, scalar: { withDefaultFonts: false } })),
  page(
    redoc,
    HttpApiScalar.layer(Api, { path: redoc, scalar: { layout: "classic", withDefaultFonts: false } })
  ),
  page(swagger, HttpApiSwagger.layer(Api, { path: swagger }))
).pipe(Layer.provide(SecurityHeaders.layerPages))
