import { NodeHttpServer } from "@effect/platform-node"
import { ByteSize, Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest } from "effect/http"
import { HttpApiBuilder, HttpApiScalar, HttpApiSwagger } from "effect/http-api"
import { Api } from "../api/Api.ts"
import { Settings } from "../config/Settings.ts"
import * as Access from "./Access.ts"
import * as AdminHttp from "./AdminHttp.ts"
import * as AuditHttp from "./AuditHttp.ts"
import * as ConversionHttp from "./ConversionHttp.ts"
import { Drain } from "./Drain.ts"
import * as FlutterwaveHttp from "./FlutterwaveHttp.ts"
import * as HistoryHttp from "./HistoryHttp.ts"
import * as MetricsHttp from "./MetricsHttp.ts"
import { NodeServer } from "./NodeServer.ts"
import * as OperationsHttp from "./OperationsHttp.ts"
import * as Origins from "./Origins.ts"
import * as PollerHttp from "./PollerHttp.ts"
import * as PollsHttp from "./PollsHttp.ts"
import * as Problems from "./Problems.ts"
import * as RatesHttp from "./RatesHttp.ts"
import * as RatesRpc from "./RatesRpc.ts"
import * as RatesSocket from "./RatesSocket.ts"
import * as Refusals from "./Refusals.ts"
import * as RemoteAddress from "./RemoteAddress.ts"
import * as RequestMetrics from "./RequestMetrics.ts"
import * as RequestSpans from "./RequestSpans.ts"
import * as Routes from "./Routes.ts"
import * as Security from "./Security.ts"
import { MAX_MESSAGE_BYTES, StreamConnections } from "./StreamConnections.ts"

/** How long requests that are under way may take to finish when the server is told to stop. */
const SHUTDOWN_TIMEOUT = "10 seconds"

const endpoints = HttpApiBuilder.layer(Api, { openapiPath: Routes.paths.openapi }).pipe(
  Layer.provide([
    RatesHttp.layer,
    HistoryHttp.layer,
    ConversionHttp.layer,
    AuditHttp.layer,
    AdminHttp.layer,
    PollerHttp.layer,
    PollsHttp.layer,
    FlutterwaveHttp.layer,
    OperationsHttp.layer
  ]),
  Layer.provide([Problems.layerProblemResponses, FlutterwaveHttp.layerErrors, Access.layerHttp])
)

const pages = Layer.mergeAll(
  HttpApiScalar.layer(Api, { path: Routes.paths.docs, scalar: { withDefaultFonts: false } }),
  HttpApiScalar.layer(Api, {
    path: Routes.paths.redoc,
    scalar: { layout: "classic", withDefaultFonts: false }
  }),
  HttpApiSwagger.layer(Api, { path: Routes.paths.swagger })
).pipe(Layer.provide(Security.layerPages))

/** What every request goes through on its way in, and every answer on its way out; the first one is the outermost. */
const everywhere = Layer.mergeAll(
  RequestMetrics.layer,
  RemoteAddress.layerForwarded,
  Security.layer,
  Origins.layerCors,
  Refusals.layerLast,
  Refusals.layerFirst,
  Origins.layerForeign
)

const routes = Layer.mergeAll(endpoints, pages, MetricsHttp.layer, RatesSocket.layer, RatesRpc.layer).pipe(
  Layer.provide(everywhere)
)

const listen = Layer.unwrap(
  Effect.gen(function* () {
    const { host, port } = yield* Settings
    const { WebSocket } = yield* StreamConnections
    const { server } = yield* NodeServer
    return NodeHttpServer.layer(() => server, {
      host,
      port,
      websocket: { WebSocket, maxPayload: MAX_MESSAGE_BYTES }
    })
  })
)

const served = HttpRouter.serve(routes, {
  disableLogger: true,
  disableListenLog: true,
  routerConfig: Routes.CONFIG
}).pipe(
  Layer.provide(
    Layer.succeed(HttpServerRequest.MaxBodySize, ByteSize.fromInputUnsafe(Refusals.MAX_BODY_BYTES))
  ),
  Layer.provide(RequestSpans.layer),
  Layer.provideMerge(listen)
)

/** Stops the server when it is closed, which is before anything that the server needs is given up. */
const stopOnClose = Layer.effectDiscard(
  Effect.gen(function* () {
    const { shutdownDelay } = yield* Settings
    const { begin, leave } = yield* Drain
    const { finish, keepNoConnection } = yield* NodeServer
    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        yield* Effect.logInfo("effex stops: it answers what it is asked, and is not ready for more")
        yield* leave
        yield* keepNoConnection
        yield* Effect.sleep(shutdownDelay)
        yield* begin
        yield* Effect.timeoutOption(finish, SHUTDOWN_TIMEOUT)
      })
    )
  })
)

/**
 * Everything that effex answers over HTTP, on `HOST` and `PORT`, and the address at which it does. When it is closed, it
 * takes its leave, then streams end, and then what is under way is finished.
 */
export const layer = stopOnClose.pipe(
  Layer.provideMerge(served),
  Layer.provide(StreamConnections.layer),
  Layer.provide(NodeServer.layer),
  Layer.provideMerge(Drain.layer)
)

/** Says where it listens; takes its leave when it is closed. */
export const layerAnnounce = Layer.mergeAll(
  Drain.layerLeaveOnClose,
  Layer.effectDiscard(
    HttpServer.addressFormattedWith((address) =>
      Effect.logInfo(`effex listens on ${address}, and explains itself at ${address}/docs`)
    )
  )
)
