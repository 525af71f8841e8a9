import { Effect, Layer } from "effect"
import type { HttpServer as EffectHttpServer, HttpServerError } from "effect/http"
import type { SqlError } from "effect/sql"
import { SessionCleanup } from "../accounts/sessions/SessionCleanup.ts"
import * as SandboxAssets from "../assets/SandboxAssets.ts"
import type { Settings } from "../config/Settings.ts"
import { LedgerMaintenance } from "../ledger/LedgerMaintenance.ts"
import * as SettlementRunner from "../orders/settlement/SettlementRunner.ts"
import * as V8Heap from "../platform/V8Heap.ts"
import type { Database } from "../platform/postgres/Database.ts"
import * as RateFollower from "../rates/feed/RateFollower.ts"
import { RatePoller } from "../rates/polling/RatePoller.ts"
import { ReviewDecisions } from "../risk/ReviewDecisions.ts"
import type { Drain } from "../server/Drain.ts"
import * as HttpServer from "../server/HttpServer.ts"
import * as StartupLog from "../server/StartupLog.ts"
import { FundingSettler } from "../wallets/funding/FundingSettler.ts"
import { backgroundAudit } from "./AuditLayers.ts"
import type { Features } from "./FeatureLayers.ts"
import type { OrderServices } from "./OrderLayers.ts"
import type { RateFoundation, RateSource } from "./RateLayers.ts"
import type { UserServices } from "./UserLayers.ts"

/** Starts with small V8 semi-spaces (see start.ts) and lets them grow after the first poll. */
const semiSpaceGrowth = Layer.effectDiscard(
  Effect.sync(V8Heap.enableSemiSpaceGrowth).pipe(Effect.delay("3 seconds"), Effect.forkScoped)
)

/**
 * A node that serves: the HTTP server and its background jobs. On release it first fails its readiness check, then hands
 * its jobs to another node, and then stops the server.
 */
export const server: Layer.Layer<
  EffectHttpServer.HttpServer | Drain,
  HttpServerError.ServeError | SqlError.SqlError,
  Settings | Database | RateFoundation | RateSource | Features | UserServices | OrderServices
> = Layer.mergeAll(HttpServer.layerLifecycle, semiSpaceGrowth).pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      RatePoller.layerBackground,
      RateFollower.layer,
      backgroundAudit,
      LedgerMaintenance.layerBackground,
      ReviewDecisions.layerBackground,
      FundingSettler.layerBackground,
      SettlementRunner.layerBackground,
      SessionCleanup.layerBackground
    )
  ),
  Layer.provideMerge(HttpServer.layer),
  Layer.provide(SandboxAssets.layer),
  Layer.provide(StartupLog.layer)
)
