import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { OpenApi } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import * as SecurityHeaders from "../../middleware/headers/SecurityHeaders.ts"
import * as Routes from "../../Routes.ts"
import * as DocsLibraries from "./DocsLibraries.ts"
import * as StaticContent from "./StaticContent.ts"

const { docs, openapi, redoc, scalarScript, swagger, swaggerScript, swaggerStyle } = Routes.paths

const serve = <E, R>(path: `/${string}`, document: Effect.Effect<StaticContent.Document, E, R>) =>
  Layer.unwrap(Effect.map(StaticContent.make(document), (respond) => HttpRouter.add("GET", path, respond)))

/** A page of a few hundred bytes. The library and the OpenAPI document are files of their own. */
const page = (path: `/${string}`, html: Effect.Effect<string>) =>
  serve(
    path,
    Effect.map(html, (text) => ({
      bytes: new TextEncoder().encode(text),
      contentType: "text/html; charset=utf-8"
    }))
  ).pipe(Layer.provide(SecurityHeaders.layerPages))

const file = (path: `/${string}`, contentType: string, content: Effect.Effect<DocsLibraries.LibraryFile>) =>
  serve(
    path,
    Effect.map(content, ({ bytes, version }) => ({ bytes, version, contentType }))
  )

const HEAD = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>effex API</title>
<link rel="icon" href="data:,">
`

const scalarPage = (script: DocsLibraries.LibraryFile, options: Readonly<Record<string, string>>) => {
  const configuration = { url: openapi, withDefaultFonts: false, ...options }
  return `${HEAD}<div id="api"></div>
<script src="${scalarScript}?v=${script.version}"></script>
<script>Scalar.createApiReference("#api", ${JSON.stringify(configuration)})</script>
</html>
`
}

const swaggerPage = (script: DocsLibraries.LibraryFile, style: DocsLibraries.LibraryFile) =>
  `${HEAD}<link rel="stylesheet" href="${swaggerStyle}?v=${style.version}">
<div id="api"></div>
<script src="${swaggerScript}?v=${script.version}"></script>
<script>SwaggerUIBundle(${JSON.stringify({ url: openapi, dom_id: "#api" })})</script>
</html>
`

const pages = Layer.unwrap(
  Effect.gen(function* () {
    const scalar = yield* DocsLibraries.makeScalar
    const swaggerUi = yield* DocsLibraries.makeSwagger
    const javascript = "text/javascript; charset=utf-8"
    return Layer.mergeAll(
      page(
        docs,
        Effect.map(scalar, ({ script }) => scalarPage(script, {}))
      ),
      page(
        redoc,
        Effect.map(scalar, ({ script }) => scalarPage(script, { layout: "classic" }))
      ),
      page(
        swagger,
        Effect.map(swaggerUi, ({ script, style }) => swaggerPage(script, style))
      ),
      file(
        scalarScript,
        javascript,
        Effect.map(scalar, ({ script }) => script)
      ),
      file(
        swaggerScript,
        javascript,
        Effect.map(swaggerUi, ({ script }) => script)
      ),
      file(
        swaggerStyle,
        "text/css; charset=utf-8",
        Effect.map(swaggerUi, ({ style }) => style)
      )
    )
  })
)

const openapiDocument = Effect.sync(() => ({
  bytes: new TextEncoder().encode(JSON.stringify(OpenApi.fromApi(Api))),
  contentType: "application/json"
}))

/** Documentation of the API, as pages and as an OpenAPI document. */
export const layer = Layer.merge(pages, serve(openapi, openapiDocument))
