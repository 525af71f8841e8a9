import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { QuarantineId, QuarantineStatus } from "../../domain/rates/QuarantinedRate.ts"
import { RequireAdminScope } from "../access/HttpAuthorization.ts"
import * as PageMessage from "../PageMessage.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import {
  DecisionBody,
  QuarantineMessage,
  QuarantinePage,
  QuarantineRecordMessage
} from "./QuarantineMessage.ts"

const Text = Schema.optionalKey(Schema.String)
const one = { params: { quarantine_id: QuarantineId } }
const decision = {
  ...one,
  payload: DecisionBody,
  success: QuarantineMessage,
  error: [Problem.NotFound, Problem.AlreadyDecided, Problem.StoreUnavailable]
} as const

/** Admin endpoints for quarantined rates. */
export class QuarantineApi extends HttpApiGroup.make("admin")
  .add(
    HttpApiEndpoint.get("quarantine", "/quarantine", {
      query: {
        status: Schema.optionalKey(QuarantineStatus),
        from: Text,
        to: Text,
        ...PageMessage.query
      },
      success: QuarantinePage,
      error: [Problem.UnsupportedCurrency, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "List quarantined rates",
        "Returns the rates that failed a plausibility check, newest first. They are not stored as rates and never served. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.get("quarantined", "/quarantine/:quarantine_id", {
      ...one,
      success: QuarantineRecordMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe("Get a quarantined rate", "Returns a quarantined rate with the provider's raw response.")
    ),
    HttpApiEndpoint.post("accept", "/quarantine/:quarantine_id/accept", decision).annotateMerge(
      describe(
        "Accept a quarantined rate",
        "Stores it as a rate that is in force from its observation time. Later rates are compared with its level. The body is optional."
      )
    ),
    HttpApiEndpoint.post("reject", "/quarantine/:quarantine_id/reject", decision).annotateMerge(
      describe(
        "Reject a quarantined rate",
        "Further rates of the provider at this level are rejected automatically. The body is optional."
      )
    )
  )
  .prefix("/api/v1/admin")
  .middleware(RequireAdminScope)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Administration",
      description:
        "Rates that the guard did not publish, and decisions about them. Requires an API key with the scope `admin`, except in the sandbox."
    })
  ) {}
