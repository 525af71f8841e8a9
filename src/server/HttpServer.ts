import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Effect, Layer } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../api/Api.ts"
import { Settings } from "../config/Settings.ts"
import { Drain } from "./Drain.ts"
import * as ConversionFastPath from "./fastpath/ConversionFastPath.ts"
import { FastPathRequests } from "./fastpath/FastPathRequests.ts"
import * as LookupFastPath from "./fastpath/LookupFastPath.ts"
import * as AdminAssetsHttp from "./http/assets/AdminAssetsHttp.ts"
import * as AssetsHttp from "./http/assets/AssetsHttp.ts"
import * as AuthHttp from "./http/accounts/AuthHttp.ts"
import * as AccountHttp from "./http/accounts/AccountHttp.ts"
import * as AuditHttp from "./http/AuditHttp.ts"
import * as ConversionHttp from "./http/ConversionHttp.ts"
import { ConversionRequests } from "./http/ConversionRequests.ts"
import { RateRequests } from "./http/RateRequests.ts"
import * as DocsPages from "./http/pages/DocsPages.ts"
import * as ExchangesHttp from "./http/assets/ExchangesHttp.ts"
import * as FlutterwaveHttp from "./http/FlutterwaveHttp.ts"
import * as HistoryHttp from "./http/HistoryHttp.ts"
import * as MfaHttp from "./http/accounts/MfaHttp.ts"
import * as UserAdminHttp from "./http/accounts/UserAdminHttp.ts"
import * as UserRecordsHttp from "./http/accounts/UserRecordsHttp.ts"
import * as KeysHttp from "./http/operation/KeysHttp.ts"
import * as OverviewHttp from "./http/operation/OverviewHttp.ts"
import * as LedgerHttp from "./http/ledger/LedgerHttp.ts"
import * as RiskHttp from "./http/risk/RiskHttp.ts"
import * as MetricsHttp from "./http/MetricsHttp.ts"
import * as HealthHttp from "./http/HealthHttp.ts"
import * as BatchesHttp from "./http/orders/BatchesHttp.ts"
import * as OrdersHttp from "./http/orders/OrdersHttp.ts"
import * as PollerHttp from "./http/PollerHttp.ts"
import * as PollsHttp from "./http/PollsHttp.ts"
import * as ProofHttp from "./http/ProofHttp.ts"
import * as QuarantineHttp from "./http/QuarantineHttp.ts"
import * as RatesHttp from "./http/RatesHttp.ts"
import * as TransactionsHttp from "./http/wallets/TransactionsHttp.ts"
import * as FundingAdminHttp from "./http/wallets/FundingAdminHttp.ts"
import * as FundingHttp from "./http/wallets/FundingHttp.ts"
import * as TransfersHttp from "./http/wallets/TransfersHttp.ts"
import * as UserEventsHttp from "./http/wallets/UserEventsHttp.ts"
import * as WalletHttp from "./http/wallets/WalletHttp.ts"
import * as WalletConversionHttp from "./http/wallets/WalletConversionHttp.ts"
import * as WebApp from "./http/web/WebApp.ts"
import { AccessControl } from "./middleware/access/AccessControl.ts"
import * as ClientAddress from "./middleware/addresses/ClientAddress.ts"
import { HeavyRequests } from "./middleware/limits/HeavyRequests.ts"
import * as HttpAccessControl from "./middleware/access/HttpAccessControl.ts"
import * as Problems from "./middleware/Problems.ts"
import * as RequestGuards from "./middleware/limits/RequestGuards.ts"
import * as RequestSpans from "./middleware/RequestSpans.ts"
import * as ResponseHeaders from "./middleware/headers/ResponseHeaders.ts"
import { StreamAccess } from "./middleware/access/StreamAccess.ts"
import * as ConnectionLimits from "./node/ConnectionLimits.ts"
import * as ConnectionUpgrades from "./node/ConnectionUpgrades.ts"
import { NodeServer } from "./node/NodeServer.ts"
import * as Routes from "./Routes.ts"
import * as RpcRoutes from "./rpc/RpcRoutes.ts"
import * as RatesWebSocket from "./stream/RatesWebSocket.ts"
import { StreamConnections } from "./stream/StreamConnections.ts"
import * as UserEventsWebSocket from "./stream/UserEventsWebSocket.ts"

/** Time that requests in flight have to finish during shutdown. */
const SHUTDOWN_TIMEOUT = "10 seconds"

const endpoints = HttpApiBuilder.layer(Api).pipe(
  Layer.provide([
    RatesHttp.layer,
    HistoryHttp.layer,
    AssetsHttp.layer,
    AdminAssetsHttp.layer,
    ExchangesHttp.layer,
    ConversionHttp.layer,
    AuditHttp.layer,
    ProofHttp.layer,
    QuarantineHttp.layer,
    PollerHttp.layer,
    PollsHttp.layer,
    FlutterwaveHttp.layer,
    AuthHttp.layer,
    AccountHttp.layer,
    UserAdminHttp.layer,
    UserRecordsHttp.layer,
    KeysHttp.layer,
    OverviewHttp.layer,
    LedgerHttp.layer,
    RiskHttp.layer,
    MfaHttp.layer,
    WalletConversionHttp.layer,
    FundingHttp.layer,
    FundingAdminHttp.layer,
    TransfersHttp.layer,
    OrdersHttp.layer,
    BatchesHttp.layer,
    UserEventsHttp.layer,
    TransactionsHttp.layer,
    WalletHttp.layer,
    HealthHttp.layer
  ]),
  Layer.provide([Problems.layerProblemResponses, FlutterwaveHttp.layerErrors, HttpAccessControl.layer])
)

/** Middlewares of every request; the first is the outermost. */
const globalMiddlewares = Layer.mergeAll(ClientAddress.layerTrustedProxies, ResponseHeaders.layer)

const routes = Layer.mergeAll(
  endpoints,
  WebApp.layer,
  DocsPages.layer,
  MetricsHttp.layer,
  RatesWebSocket.layer,
  UserEventsWebSocket.layer,
  RpcRoutes.layer
).pipe(Layer.provide(globalMiddlewares))

const listen = Layer.unwrap(
  Effect.gen(function* () {
    const { host, port } = yield* Settings
    const { server } = yield* NodeServer
    return NodeHttpServer.layer(() => server, { host, port })
  })
)

const serve = HttpRouter.serve(routes, {
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

/** Built after {@link serve}, whose upgrade listener it replaces. */
const routeUpgrades = Layer.effectDiscard(
  Effect.map(NodeServer, ({ server }) => ConnectionUpgrades.routeUpgrades(server))
)

/** Shuts the server down on release, before anything that the server needs is released. */
const shutDownOnRelease = Layer.effectDiscard(
  Effect.gen(function* () {
    const { shutdownDelay } = yield* Settings
    const { endStreams, start } = yield* Drain
    const { disableKeepAlive, drain } = yield* NodeServer
    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        yield* Effect.logInfo(
          "effex is shutting down: the readiness check fails, and requests in flight finish"
        )
        yield* start
        yield* disableKeepAlive
        yield* Effect.sleep(shutdownDelay)
        yield* endStreams
        yield* Effect.timeoutOption(drain, SHUTDOWN_TIMEOUT)
      })
    )
  })
)

const routedServer = shutDownOnRelease.pipe(Layer.provideMerge(routeUpgrades), Layer.provideMerge(serve))

const boundedServer = ConnectionLimits.layer.pipe(Layer.provideMerge(routedServer))

/** Services that the routes and the fast paths share. */
const sharedServices = Layer.mergeAll(
  NodeServer.layer,
  AccessControl.layer,
  HeavyRequests.layer,
  ConversionRequests.layer,
  RateRequests.layer,
  StreamAccess.layer,
  StreamConnections.layer
)

/** The server without the fast paths: the router handles every request. */
export const layerRouted = boundedServer.pipe(Layer.provide(sharedServices), Layer.provideMerge(Drain.layer))

/**
 * The HTTP server on `HOST` and `PORT`. On release, the readiness check fails first, then streams end, and then requests in
 * flight finish.
 */
export const layer = Layer.mergeAll(LookupFastPath.layer, ConversionFastPath.layer).pipe(
  Layer.provide(FastPathRequests.layer),
  Layer.provideMerge(boundedServer),
  Layer.provide(sharedServices),
  Layer.provideMerge(Drain.layer)
)

/** Logs the address once the server is listening, and starts the drain on release. */
export const layerLifecycle = Layer.mergeAll(
  Drain.layerStartOnRelease,
  Layer.effectDiscard(
    HttpServer.addressFormattedWith((address) =>
      Effect.logInfo(`effex is listening on ${address}; API documentation: ${address}/docs`)
    )
  )
)
