import { Effect, Fiber } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import type { Readiness } from "../../api/health/HealthApi.ts"
import * as SingleFlight from "../../platform/SingleFlight.ts"
import * as ReadinessChecks from "./ReadinessChecks.ts"

/** Handlers of the health checks. */
export const layer = HttpApiBuilder.group(
  Api,
  "operations",
  Effect.fn(function* (handlers) {
    const { check } = yield* ReadinessChecks.make
    const ready = Effect.filterOrFail(
      check,
      ({ status }) => status !== "down",
      (readiness) => readiness
    )

    // Health checks are not rate limited, so concurrent requests share one check.
    const sharedCheck = yield* SingleFlight.make<Readiness, Readiness>()

    return handlers.handleAll({
      live: () => Effect.succeed({ status: "ok" as const }),
      ready: () => Effect.flatMap(sharedCheck("ready", ready), Fiber.join)
    })
  })
)
