import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { QuarantineId, QuarantineStatus } from "../../domain/rates/QuarantinedRate.ts"
import { AdminAccess } from "../access/AdminAccess.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import {
  DecisionBody,
  QuarantineMessage,
  QuarantinePage,
  QuarantineRecordMessage
} from "./QuarantineMessage.ts"

const describe = (summary: string, description = "") => OpenApi.annotations({ summary, description })

const Text = Schema.optionalKey(Schema.String)
const one = { params: { quarantine_id: QuarantineId } }
const decision = {
  ...one,
  payload: DecisionBody,
  success: QuarantineMessage,
  error: [Problem.NotFound, Problem.AlreadyDecided, Problem.StoreUnavailable]
} as const

/** What operators look at and decide. */
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
        "The rates that were not believed, newest first",
        "They are not stored as rates, and are served to nobody. A page at a time; follow `next` to the end."
      )
    ),
    HttpApiEndpoint.get("quarantined", "/quarantine/:quarantine_id", {
      ...one,
      success: QuarantineRecordMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(describe("One rate that was not believed, with the provider's raw answer")),
    HttpApiEndpoint.post("accept", "/quarantine/:quarantine_id/accept", decision).annotateMerge(
      describe(
        "Believe it after all",
        "It becomes a rate, in force from when it was observed; its level is the new normal. The body may be empty."
      )
    ),
    HttpApiEndpoint.post("reject", "/quarantine/:quarantine_id/reject", decision).annotateMerge(
      describe(
        "Do not believe it",
        "As long as its provider repeats this level, it is put aside as rejected. The body may be empty."
      )
    )
  )
  .prefix("/api/v1/admin")
  .middleware(AdminAccess)
  .middleware(ProblemResponses)
  .annotateMerge(OpenApi.annotations({ title: "Administration" })) {}
