import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { ProblemResponses } from "../ProblemResponses.ts"

const Check = Schema.Struct({
  status: Schema.Literals(["ok", "degraded", "down", "off"]),
  detail: Schema.optionalKey(Schema.String)
})

const ProviderCheck = Schema.Struct({ name: Schema.String, ...Check.fields })

/** Readiness of a node. A `degraded` node still serves rates; a node that is `down` does not. */
export const Readiness = Schema.Struct({
  status: Schema.Literals(["ok", "degraded", "down"]),
  /** Present while the node shuts down. It reports `down` but still serves requests. */
  draining: Schema.optionalKey(Schema.Literal(true)),
  checks: Schema.Struct({
    database: Check,
    redis: Check,
    /** The primary provider. `name` is `sandbox` if the rates are generated. */
    provider: ProviderCheck,
    rates: Schema.Struct({
      ...Check.fields,
      known: Schema.Int,
      expected: Schema.Int,
      /** Null while no rate is available. */
      oldestAgeSeconds: Schema.NullOr(Schema.Finite)
    }).pipe(Schema.encodeKeys({ oldestAgeSeconds: "oldest_age_seconds" })),
    clock: Schema.Struct({
      ...Check.fields,
      /** Seconds by which the clock of the node is ahead of the database's, whose time effex uses. Negative: behind. */
      skewSeconds: Schema.Finite
    }).pipe(Schema.encodeKeys({ skewSeconds: "skew_seconds" })),
    /** `degraded` on the node that seals the audit, while the audit contradicts its signed heads. */
    audit: Check,
    /** Present with a read replica. `degraded` while its reads go to the primary. */
    replica: Schema.optionalKey(
      Schema.Struct({
        ...Check.fields,
        /** Time in which the replica replays what the primary has. It grows while the replica lags or is unreachable. */
        lagSeconds: Schema.Finite
      }).pipe(Schema.encodeKeys({ lagSeconds: "lag_seconds" }))
    ),
    /** All providers: those of rates in failover order, then those of prices. Their names differ. */
    providers: Schema.Array(ProviderCheck)
  })
}).annotate({ identifier: "Readiness" })
export type Readiness = typeof Readiness.Type

/** Health checks: liveness and readiness. Operation ids have the prefix `operations`. */
export class HealthApi extends HttpApiGroup.make("operations")
  .add(
    HttpApiEndpoint.get("live", "/health/live", {
      success: Schema.Struct({ status: Schema.Literal("ok") })
    }).annotateMerge(OpenApi.annotations({ summary: "Liveness: the process is running" })),
    HttpApiEndpoint.get("ready", "/health/ready", {
      success: Readiness,
      error: Readiness.pipe(HttpApiSchema.status(503))
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Readiness: the node can serve rates",
        description:
          "Returns 503 if the node is down or shutting down. A `degraded` node still serves rates and returns 200."
      })
    )
  )
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({ title: "Health", description: "Probes for load balancers and orchestrators." })
  ) {}
