import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { BatchState } from "../../domain/orders/Batch.ts"
import { RequireAdministrator } from "../access/HttpAuthorization.ts"
import { ReasonBody } from "../accounts/UserAdminMessage.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { BatchDetailMessage, BatchMessage, BatchPage } from "./BatchMessage.ts"

const batch = { batch_id: Schema.String }
const notFound = [Problem.NotFound, Problem.StoreUnavailable] as const

/** The settlement of orders, for administrators. */
export class BatchesApi extends HttpApiGroup.make("batches")
  .add(
    HttpApiEndpoint.get("list", "/batches", {
      query: {
        state: Schema.optionalKey(BatchState),
        dead: Schema.optionalKey(Schema.Literals(["true", "false"])),
        ...PageMessage.query
      },
      success: BatchPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List batches",
        "Returns the batches, newest first; with `dead=true` only those that were given up. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.get("find", "/batches/:batch_id", {
      params: batch,
      success: BatchDetailMessage,
      error: notFound
    }).annotateMerge(describe("Get a batch", "Returns the batch with every state that it had.")),
    HttpApiEndpoint.post("retry", "/batches/:batch_id/retry", {
      params: batch,
      payload: ReasonBody,
      success: BatchMessage,
      error: [...notFound, Problem.AlreadyDecided]
    }).annotateMerge(
      describe(
        "Retry a batch",
        "Continues to settle a batch that was given up, or waits, at once. The exchange is asked first whether it has the order, so nothing is sent twice."
      )
    )
  )
  .prefix("/api/v1/admin")
  .middleware(RequireAdministrator)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Administration of settlement",
      description: "Batches of orders and their state at the exchange. Requires an administrator."
    })
  ) {}
