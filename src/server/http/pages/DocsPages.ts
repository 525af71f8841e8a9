import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { HttpApiScalar, HttpApiSwagger, OpenApi } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import * as SecurityHeaders from "../../middleware/SecurityHeaders.ts"
import * as Routes from "../../Routes.ts"
import * as StaticContent from "./StaticContent.ts"

/** Renders a page on the first request, because each embeds megabytes of JavaScript that a server rarely needs. */
const renderPage = (path: `/${string}`, page: Layer.Layer<never, never, HttpRouter.HttpRouter>) =>
  Effect.gen(function* () {
    const router = yield* HttpRouter.make
    yield* Layer.build(Layer.provide(page, Layer.succeed(HttpRouter.HttpRouter, router)))
    const request = HttpServerRequest.fromWeb(new Request(`http://localhost${path}`))
    const { body, headers } = yield* Effect.provideService(
      router.asHttpEffect(),
      HttpServerRequest.HttpServerRequest,
      request
    )
    if (body._tag !== "Uint8Array") return yield* Effect.die(new Error(`The page ${path} has no text`))
    return { bytes: body.body, contentType: headers["content-type"] ?? body.contentType }
  }).pipe(Effect.provideService(HttpRouter.RouterConfig, Routes.CONFIG), Effect.scoped, Effect.orDie)

const staticPage = (path: `/${string}`, page: Layer.Layer<never, never, HttpRouter.HttpRouter>) =>
  Layer.unwrap(
    Effect.map(StaticContent.make(renderPage(path, page)), (respond) => HttpRouter.add("GET", path, respond))
  )

const { docs, openapi, redoc, swagger } = Routes.paths

const pages = Layer.mergeAll(
  staticPage(docs, HttpApiScalar.layer(Api, { path: docs, scalar: { withDefaultFonts: false } })),
  staticPage(
    redoc,
    HttpApiScalar.layer(Api, { path: redoc, scalar: { layout: "classic", withDefaultFonts: false } })
  ),
  staticPage(swagger, HttpApiSwagger.layer(Api, { path: swagger }))
).pipe(Layer.provide(SecurityHeaders.layerPages))

const openapiDocument = Effect.sync(() => ({
  bytes: new TextEncoder().encode(JSON.stringify(OpenApi.fromApi(Api))),
  contentType: "application/json"
}))

/** Documentation of the API, as pages and as an OpenAPI document. */
export const layer = Layer.merge(
  pages,
  Layer.unwrap(
    Effect.map(StaticContent.make(openapiDocument), (respond) => HttpRouter.add("GET", openapi, respond))
  )
)
