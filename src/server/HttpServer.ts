import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../api/Api.ts"
import { Settings } from "../config/Settings.ts"
import * as AccessControl from "./middleware/AccessControl.ts"
import * as QuarantineHttp from "./http/QuarantineHttp.ts"
import * as ResponseHeaders from "./middleware/ResponseHeaders.ts"
import * as AuditHttp from "./http/AuditHttp.ts"
import * as ConversionHttp from "./http/ConversionHttp.ts"
import { Drain } from "./Drain.ts"
import * as FlutterwaveHttp from "./http/FlutterwaveHttp.ts"
import * as LookupFastPath from "./fastpath/LookupFastPath.ts"
import * as HistoryHttp from "./http/HistoryHttp.ts"
import * as MetricsHttp from "./http/MetricsHttp.ts"
import { NodeServer } from "./node/NodeServer.ts"
import * as OperationsHttp from "./http/OperationsHttp.ts"
import * as ConversionFastPath from "./fastpath/ConversionFastPath.ts"
import * as DocsPages from "./http/DocsPages.ts"
import * as PollerHttp from "./http/PollerHttp.ts"
import * as PollsHttp from "./http/PollsHttp.ts"
import * as Problems from "./middleware/Problems.ts"
import * as RatesHttp from "./http/RatesHttp.ts"
import * as RatesRpc from "./rpc/RatesRpc.ts"
import * as RatesWebSocket from "./stream/RatesWebSocket.ts"
import * as RequestGuards from "./middleware/RequestGuards.ts"
import * as ClientAddress from "./middleware/ClientAddress.ts"
import * as RequestSpans from "./middleware/RequestSpans.ts"
import * as Routes from "./Routes.ts"
import { StreamConnections } from "./stream/StreamConnections.ts"
import * as ConnectionUpgrades from "./node/ConnectionUpgrades.ts"

/** How long requests that are under way may take to finish when the server is told to stop. */
const SHUTDOWN_TIMEOUT = "10 seconds"

const endpoints = HttpApiBuilder.layer(Api, { openapiPath: Routes.paths.openapi }).pipe(
  Layer.provide([
    RatesHttp.layer,
    HistoryHttp.layer,
    ConversionHttp.layer,
    AuditHttp.layer,
    QuarantineHttp.layer,
    PollerHttp.layer,
    PollsHttp.layer,
    FlutterwaveHttp.layer,
    OperationsHttp.layer
  ]),
  Layer.provide([Problems.layerProblemResponses, FlutterwaveHttp.layerErrors, AccessControl.layerHttp])
)

/** What every request goes through, and every answer; the first one is the outermost. */
const everywhere = Layer.mergeAll(ClientAddress.layerForwarded, ResponseHeaders.layer)

const routes = Layer.mergeAll(
  endpoints,
  DocsPages.layer,
  MetricsHttp.layer,
  RatesWebSocket.layer,
  RatesRpc.layer
).pipe(Layer.provide(everywhere))

const listen = Layer.unwrap(
  Effect.gen(function* () {
    const { host, port } = yield* Settings
    const { server } = yield* NodeServer
    return NodeHttpServer.layer(() => server, { host, port })
  })
)

const served = HttpRouter.serve(routes, {
  disableLogger: true,
  disableListenLog: true,
  routerConfig: Routes.CONFIG
}).pipe(
  Layer.provide(
    Layer.succeed(HttpServerRequest.MaxBodySize, ByteSize.fromInputUnsafe(RequestGuards.MAX_BODY_BYTES))
  ),
  Layer.provide(RequestSpans.layer),
  Layer.provideMerge(listen)
)

/** Stands above what it takes the place of. */
const upgrades = Layer.effectDiscard(
  Effect.map(NodeServer, ({ server }) => ConnectionUpgrades.passOn(server))
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

const routed = stopOnClose.pipe(
  Layer.provideMerge(upgrades),
  Layer.provideMerge(served),
  Layer.provide(StreamConnections.layer)
)

/** As {@link layer}, with every answer from the router. */
export const layerRouted = routed.pipe(Layer.provide(NodeServer.layer), Layer.provideMerge(Drain.layer))

/**
 * Everything that effex answers over HTTP, on `HOST` and `PORT`, and the address at which it does. When it is closed, it
 * takes its leave, then streams end, and then what is under way is finished.
 */
export const layer = Layer.mergeAll(LookupFastPath.layer, ConversionFastPath.layer).pipe(
  Layer.provideMerge(routed),
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
