import { Context, Effect, Layer, Option } from "effect"
import { HttpMiddleware, HttpRouter, HttpServerRequest } from "effect/http"
import { Forbidden } from "../api/Problem.ts"
import { Settings } from "../config/Settings.ts"
import * as Problems from "./Problems.ts"
import * as Upgrades from "./Upgrades.ts"

/** What a page may send beyond what every form can. */
const REQUEST_HEADERS = [
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "Last-Event-ID",
  "X-Request-Id",
  "b3",
  "traceparent",
  "tracestate"
]

/** What a page may read of an answer beyond its body. */
const RESPONSE_HEADERS = [
  "Age",
  "ETag",
  "Idempotency-Replayed",
  "Location",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "WWW-Authenticate",
  "X-Rate-Source",
  "X-Request-Id"
]

const ONE_DAY_SECONDS = 86_400

/**
 * Which pages may ask, by CORS. `CORS_ORIGINS=*`, the default, answers all of them, writes too: there are no cookies and
 * nothing else that a browser adds by itself (`Access-Control-Allow-Credentials` is never sent), so that a page can do
 * what anybody can, and more only with a key that it was given. Where that is too much, as with
 * `ALLOW_ANONYMOUS_CONVERT` in a network whose people browse, `CORS_ORIGINS` names the origins.
 */
const cors = (allowed: Option.Option<ReadonlyArray<string>>) =>
  HttpMiddleware.cors({
    // None of them is told of the others.
    allowedOrigins: Option.match(allowed, {
      onNone: () => [],
      onSome: (origins) => (origin: string) => origins.includes(origin)
    }),
    allowedMethods: ["GET", "HEAD", "POST", "PUT", "DELETE"],
    allowedHeaders: REQUEST_HEADERS,
    exposedHeaders: RESPONSE_HEADERS,
    maxAge: ONE_DAY_SECONDS
  })

/** CORS on every answer. */
export const layerCors = Layer.unwrap(
  Effect.map(Settings, ({ corsOrigins }) => HttpRouter.middleware(cors(corsOrigins), { global: true }))
)

const foreign = new Forbidden({ detail: "Pages of this origin may not ask: CORS_ORIGINS does not name it" })

/**
 * Refuses what pages of other origins than those of `CORS_ORIGINS` ask for without asking first: WebSockets, to which CORS
 * does not apply, and writes as every form can send them. What a page reads is kept from it by CORS; who sends no
 * `Origin` is no page.
 */
export const layerForeign = Layer.unwrap(
  Effect.map(Settings, ({ corsOrigins }) =>
    Option.match(corsOrigins, {
      onNone: () => Layer.empty,
      onSome: (allowed) =>
        HttpRouter.middleware(
          (app) =>
            Effect.withFiber((fiber) => {
              const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
              return isForeign(request, allowed) ? Problems.respond(foreign) : app
            }),
          { global: true }
        )
    })
  )
)

const isForeign = (
  { headers, method }: HttpServerRequest.HttpServerRequest,
  allowed: ReadonlyArray<string>
) => {
  const { host, origin } = headers
  if (origin === undefined || allowed.includes(origin)) return false
  if (HARMLESS.has(method) && !Upgrades.asks(headers)) return false
  return host === undefined || hostOf(origin) !== host
}

/** They change nothing (RFC 9110, 9.2.1). */
const HARMLESS = new Set(["GET", "HEAD", "OPTIONS"])

/** Our own pages, such as `/docs`, ask from where they were loaded. */
const hostOf = (origin: string) => (URL.canParse(origin) ? new URL(origin).host : undefined)
