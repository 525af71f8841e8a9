import { NodeHttpServer } from "@effect/platform-node"
import { ByteSize, Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest } from "effect/http"
import { HttpApiBuilder, HttpApiScalar, HttpApiSwagger } from "effect/http-api"
import { createServer } from "node:http"
import { Api } from "../api/Api.ts"
import { InvalidRequest } from "../api/Problem.ts"
import { Settings } from "../config/Settings.ts"
import * as FlutterwaveHttp from "./FlutterwaveHttp.ts"
import * as OperationsHttp from "./OperationsHttp.ts"
import * as Problems from "./Problems.ts"
import * as RatesHttp from "./RatesHttp.ts"
import * as Routes from "./Routes.ts"

/** How long requests that are under way may take to finish when the server is told to stop. */
const SHUTDOWN_TIMEOUT = "10 seconds"

const endpoints = HttpApiBuilder.layer(Api, { openapiPath: Routes.paths.openapi }).pipe(
  Layer.provide([RatesHttp.layer, FlutterwaveHttp.layer, OperationsHttp.layer]),
  Layer.provide([Problems.layerProblemResponses, FlutterwaveHttp.layerErrors])
)

const pages = Layer.mergeAll(
  HttpApiScalar.layer(Api, { path: Routes.paths.docs }),
  HttpApiScalar.layer(Api, { path: Routes.paths.redoc, scalar: { layout: "classic" } }),
  HttpApiSwagger.layer(Api, { path: Routes.paths.swagger })
)

const cors = Layer.unwrap(
  Effect.gen(function* () {
    const { corsOrigins } = yield* Settings
    return HttpRouter.cors({
      ...Option.match(corsOrigins, { onNone: () => ({}), onSome: (allowedOrigins) => ({ allowedOrigins }) }),
      allowedMethods: ["GET", "HEAD"],
      exposedHeaders: ["Age", "ETag", "Retry-After", "X-Rate-Source"],
      maxAge: 86400
    })
  })
)

const routes = Layer.mergeAll(endpoints, pages, OperationsHttp.layerMetrics).pipe(
  Layer.provide([cors, Problems.layerFallback, Problems.layerBodyLimit])
)

const listen = Layer.unwrap(
  Effect.gen(function* () {
    const { host, port } = yield* Settings
    return NodeHttpServer.layer(makeNodeServer, { host, port, gracefulShutdownTimeout: SHUTDOWN_TIMEOUT })
  })
)

/** Node's server, which answers what is no HTTP at all in the form of every other problem. */
const makeNodeServer = () => {
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 75_000 })
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === "ECONNRESET") {
      socket.destroy()
      return
    }
    const detail =
      error.code === "HPE_HEADER_OVERFLOW"
        ? "The address and the headers are too long"
        : "It is not HTTP that can be read"
    const body = Problems.textOf(new InvalidRequest({ detail }), "", Problems.newTraceId())
    socket.end(
      [
        "HTTP/1.1 400 Bad Request",
        "Content-Type: application/problem+json",
        `Content-Length: ${Buffer.byteLength(body)}`,
        "Connection: close",
        "",
        body
      ].join("\r\n")
    )
  })
  return server
}

/** Everything that effex answers over HTTP, on `HOST` and `PORT`, and the address at which it does. */
export const layer = HttpRouter.serve(routes, {
  disableLogger: true,
  disableListenLog: true,
  routerConfig: Routes.CONFIG
}).pipe(
  Layer.provide(
    Layer.succeed(HttpServerRequest.MaxBodySize, ByteSize.fromInputUnsafe(Problems.MAX_BODY_BYTES))
  ),
  Layer.provideMerge(listen)
)

/** Says where it listens. */
export const layerAnnounce = Layer.effectDiscard(
  HttpServer.addressFormattedWith((address) =>
    Effect.logInfo(`effex listens on ${address}, and explains itself at ${address}/docs`)
  )
)
