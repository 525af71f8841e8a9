import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { ProblemResponses } from "../ProblemResponses.ts"

const Check = Schema.Struct({
  status: Schema.Literals(["ok", "degraded", "down", "off"]),
  detail: Schema.optionalKey(Schema.String)
})

const ProviderCheck = Schema.Struct({ name: Schema.String, ...Check.fields })

/** Whether a node can do its work: `degraded` still serves rates, `down` does not. */
export const Readiness = Schema.Struct({
  status: Schema.Literals(["ok", "degraded", "down"]),
  /** It was told to stop, and is down for that reason; what is asked of it is still answered. */
  draining: Schema.optionalKey(Schema.Literal(true)),
  checks: Schema.Struct({
    database: Check,
    redis: Check,
    /** The first one; `name` is `sandbox` where the rates are made up. */
    provider: ProviderCheck,
    rates: Schema.Struct({
      ...Check.fields,
      known: Schema.Int,
      expected: Schema.Int,
      /** Null while no rate is known. */
      oldestAgeSeconds: Schema.NullOr(Schema.Finite)
    }).pipe(Schema.encodeKeys({ oldestAgeSeconds: "oldest_age_seconds" })),
    /** Every one, in the order of failover. */
    providers: Schema.Array(ProviderCheck)
  })
}).annotate({ identifier: "Readiness" })
export type Readiness = typeof Readiness.Type

/** For whoever runs effex. */
export class OperationsApi extends HttpApiGroup.make("operations")
  .add(
    HttpApiEndpoint.get("live", "/health/live", {
      success: Schema.Struct({ status: Schema.Literal("ok") })
    }).annotateMerge(OpenApi.annotations({ summary: "Whether the process runs" })),
    HttpApiEndpoint.get("ready", "/health/ready", {
      success: Readiness,
      error: Readiness.pipe(HttpApiSchema.status(503))
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Whether this node can serve rates",
        description: "503 where it is down, and while it stops."
      })
    )
  )
  .middleware(ProblemResponses)
  .annotateMerge(OpenApi.annotations({ title: "Operations" })) {}
