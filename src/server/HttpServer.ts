import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../api/Api.ts"
import { Settings } from "../config/Settings.ts"
import * as Access from "./Access.ts"
import * as AdminHttp from "./AdminHttp.ts"
import * as Answers from "./Answers.ts"
import * as AuditHttp from "./AuditHttp.ts"
import * as ConversionHttp from "./ConversionHttp.ts"
import { Drain } from "./Drain.ts"
import * as FlutterwaveHttp from "./FlutterwaveHttp.ts"
import * as FreshLookups from "./FreshLookups.ts"
import * as HistoryHttp from "./HistoryHttp.ts"
import * as MetricsHttp from "./MetricsHttp.ts"
import { NodeServer } from "./NodeServer.ts"
import * as OperationsHttp from "./OperationsHttp.ts"
import * as PlainConversions from "./PlainConversions.ts"
import * as Pages from "./Pages.ts"
import * as PollerHttp from "./PollerHttp.ts"
import * as PollsHttp from "./PollsHttp.ts"
import * as Problems from "./Problems.ts"
import * as RatesHttp from "./RatesHttp.ts"
import * as RatesRpc from "./RatesRpc.ts"
import * as RatesSocket from "./RatesSocket.ts"
import * as Refusals from "./Refusals.ts"
import * as RemoteAddress from "./RemoteAddress.ts"
import * as RequestSpans from "./RequestSpans.ts"
import * as Routes from "./Routes.ts"
import { StreamConnections } from "./StreamConnections.ts"
import * as Upgrades from "./Upgrades.ts"

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

/** What every request goes through, and every answer; the first one is the outermost. */
const everywhere = Layer.mergeAll(RemoteAddress.layerForwarded, Answers.layer)

const routes = Layer.mergeAll(
  endpoints,
  Pages.layer,
  MetricsHttp.layer,
  RatesSocket.layer,
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
    Layer.succeed(HttpServerRequest.MaxBodySize, ByteSize.fromInputUnsafe(Refusals.MAX_BODY_BYTES))
  ),
  Layer.provide(RequestSpans.layer),
  Layer.provideMerge(listen)
)

/** Stands above what it takes the place of. */
const upgrades = Layer.effectDiscard(Effect.map(NodeServer, ({ server }) => Upgrades.passOn(server)))

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
export const layer = Layer.mergeAll(FreshLookups.layer, PlainConversions.layer).pipe(
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
