import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Settings } from "../../../config/Settings.ts"
import * as ContentNegotiation from "../../encoding/ContentNegotiation.ts"
import * as ETag from "../../encoding/ETag.ts"
import * as FailureResponses from "../../middleware/FailureResponses.ts"
import * as PageRateLimit from "../../middleware/limits/PageRateLimit.ts"
import * as SecurityHeaders from "../../middleware/headers/SecurityHeaders.ts"
import * as Routes from "../../Routes.ts"
import * as HomePage from "../pages/HomePage.ts"
import * as PageRenderer from "./PageRenderer.ts"
import { BUILD_COMMAND, etagOf, load, type WebFile, type WebFiles } from "./WebFiles.ts"
import { type Encoding, ENCODINGS } from "./WebPages.ts"
import * as WebPages from "./WebPages.ts"

/** Paths of the public pages, such as `/rates/USD/NGN`. */
const PUBLIC_PAGE = /^\/(crypto|stocks|verify|rates\/[A-Za-z0-9.]{1,15}\/[A-Za-z0-9.]{1,15})?\/?$/

/** Paths of the pages of users and administrators, such as `/orders/01a22981-45e1-75da-8c6d-bd3c483116f2`. */
const USER_PAGE =
  /^\/(sign-in|sign-up|account|wallet|send|convert|statement|orders|markets|admin)(\/[A-Za-z0-9._-]{1,64}){0,3}\/?$/

const ONE_YEAR = 31_536_000

const preferredEncoding = ({ headers }: HttpServerRequest.HttpServerRequest): Encoding => {
  const preferred = ContentNegotiation.preferredEncoding(headers["accept-encoding"], ENCODINGS)
  return ENCODINGS.find((each) => each === preferred) ?? "identity"
}

const acceptsHtml = ({ headers }: HttpServerRequest.HttpServerRequest) =>
  ContentNegotiation.preferredType(headers["accept"], ["application/json", "text/html"]) === "text/html"

const pathOf = ({ url }: HttpServerRequest.HttpServerRequest) => url.replace(/[?#].*$/, "")

/** Serves the files of the app, its pages, and for browsers its page for unknown paths. */
const serve = Effect.fnUntraced(function* (web: WebFiles) {
  const { files } = web
  const pageOf = yield* WebPages.make(web, yield* PageRenderer.make)
  const { countBytes } = yield* PageRateLimit.make
  const respondJson = yield* HomePage.makeJson

  const respond = Effect.fnUntraced(function* (
    request: HttpServerRequest.HttpServerRequest,
    hash: string,
    body: Effect.Effect<Uint8Array>,
    encoding: Encoding,
    options: { readonly status: number; readonly headers: Readonly<Record<string, string>> }
  ) {
    const etag = etagOf(hash, encoding)
    const headers = {
      ...options.headers,
      etag,
      "cross-origin-resource-policy": "same-origin",
      ...(encoding === "identity" ? {} : { "content-encoding": encoding })
    }
    if (options.status === 200 && ETag.matchesIfNoneMatch(request.headers["if-none-match"], etag))
      return HttpServerResponse.empty({ status: 304, headers })
    const bytes = yield* body
    const rejection = countBytes(request, bytes.length)
    if (rejection !== undefined) return yield* rejection
    return HttpServerResponse.uint8Array(bytes, {
      status: options.status,
      contentType: options.headers["content-type"] ?? "",
      headers
    })
  })

  const respondPage = Effect.fnUntraced(function* (
    request: HttpServerRequest.HttpServerRequest,
    status: number
  ) {
    const { bodies, hash, styleSource } = yield* pageOf(pathOf(request))
    const encoding = preferredEncoding(request)
    return yield* respond(request, hash, bodies[encoding], encoding, {
      status,
      headers: {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-cache",
        vary: "Accept, Accept-Encoding",
        ...SecurityHeaders.appHeaders(styleSource)
      }
    })
  })

  const respondFile = (
    request: HttpServerRequest.HttpServerRequest,
    { bodies, contentType, hash, isImmutable }: WebFile
  ) => {
    const preferred = preferredEncoding(request)
    const encoding = bodies[preferred] === undefined ? "identity" : preferred
    return respond(request, hash, Effect.succeed(bodies[encoding] ?? bodies.identity), encoding, {
      status: 200,
      headers: {
        "content-type": contentType,
        "cache-control": isImmutable ? `public, max-age=${ONE_YEAR}, immutable` : "public, max-age=3600",
        vary: "Accept-Encoding"
      }
    })
  }

  const respondAny = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const path = pathOf(request)
    const file = files.get(path)
    if (file !== undefined) return yield* respondFile(request, file)
    if (PUBLIC_PAGE.test(path) || USER_PAGE.test(path)) return yield* respondPage(request, 200)
    if (acceptsHtml(request) && !path.startsWith("/api/") && Routes.allowedMethods(request.url).length === 0)
      return yield* respondPage(request, 404)
    return yield* FailureResponses.respondNoRoute(request)
  })

  const respondHome = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    acceptsHtml(request) ? respondPage(request, 200) : respondJson
  )
  return Layer.mergeAll(
    HttpRouter.add("GET", Routes.paths.home, respondHome),
    HttpRouter.add("GET", Routes.WEB_PATH, respondAny)
  )
})

/** The web app at `/`. The start page without the app if `WEB` is `off` or the app was not built. */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const { web } = yield* Settings
    if (!web) return HomePage.layer
    const files = yield* load
    if (files !== undefined) return yield* serve(files)
    yield* Effect.logWarning(
      `The web app is not built, so / has only links; run ${BUILD_COMMAND}, or set WEB=off`
    )
    return HomePage.layer
  })
)
