import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { VERSION } from "../../../config/Version.ts"
import * as SecurityHeaders from "../../middleware/headers/SecurityHeaders.ts"
import * as Routes from "../../Routes.ts"
import * as ContentNegotiation from "../../encoding/ContentNegotiation.ts"
import * as StaticContent from "./StaticContent.ts"

const JSON_TYPE = "application/json"
const HTML_TYPE = "text/html"

const LINKS = {
  documentation: Routes.paths.docs,
  openapi: Routes.paths.openapi,
  health: "/health/ready",
  currencies: "/api/v1/currencies",
  rates: "/api/v1/rates/all"
}

const json = `${JSON.stringify({ name: "effex", version: VERSION, ...LINKS }, undefined, 2)}\n`

const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>effex</title>
<style>
  :root { color-scheme: light dark }
  body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }
</style>
<h1>effex ${VERSION}</h1>
<p>Foreign-exchange rates, conversions and an audit log of every conversion.</p>
<ul>
  <li><a href="${LINKS.documentation}">API documentation</a> and <a href="${LINKS.openapi}">OpenAPI document</a></li>
  <li><a href="${LINKS.rates}">Current rates</a> and <a href="${LINKS.currencies}">currencies</a></li>
  <li><a href="${LINKS.health}">Health of this server</a></li>
</ul>
</html>
`

const staticText = (text: string, contentType: string) =>
  StaticContent.make(Effect.succeed({ bytes: new TextEncoder().encode(text), contentType }), "Accept")

/** Responds with links to the documentation as JSON. */
export const makeJson = staticText(json, JSON_TYPE)

/** Start page with links to the documentation: JSON, and HTML for browsers. */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const respondJson = yield* makeJson
    const respondHtml = yield* staticText(html, `${HTML_TYPE}; charset=utf-8`)
    const respond = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
      ContentNegotiation.preferredType(headers["accept"], [JSON_TYPE, HTML_TYPE]) === HTML_TYPE
        ? respondHtml
        : respondJson
    )
    return HttpRouter.add("GET", Routes.paths.home, respond)
  })
).pipe(Layer.provide(SecurityHeaders.layerPages))
