import { Effect, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import { Caller } from "../../../api/access/Caller.ts"
import * as Problem from "../../../api/Problem.ts"
import { BatchId, BatchNotFound } from "../../../domain/orders/Batch.ts"
import { Batches } from "../../../orders/settlement/Batches.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import * as Problems from "../../middleware/Problems.ts"
import { batchDetailFields, batchFields } from "./OrderFields.ts"
import * as OrderProblems from "./OrderProblems.ts"

/** Handlers of the administration of settlement. */
export const layer = HttpApiBuilder.group(
  Api,
  "batches",
  Effect.fn(function* (handlers) {
    const batches = yield* Batches

    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ query }) {
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(BatchId))
          const size = Pagination.sizeOf(query)
          const dead = query.dead === undefined ? undefined : query.dead === "true"
          const found = yield* batches
            .page({ state: query.state, dead }, before, size + 1)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, batchFields, ({ id }) => id)
        })
      )
      .handle(
        "find",
        Effect.fnUntraced(function* ({ params }) {
          const id = yield* parseId(params.batch_id)
          const batch = yield* batches.find(id).pipe(Effect.catchTags(OrderProblems.batchErrors))
          const history = yield* batches.history(id).pipe(Effect.catchTags(Problems.storeErrors))
          return batchDetailFields(batch, history)
        })
      )
      .handle(
        "retry",
        Effect.fnUntraced(function* ({ params, payload }) {
          const id = yield* parseId(params.batch_id)
          const { id: principal } = yield* Caller
          return yield* batches
            .retry({ id, principal, reason: payload.reason })
            .pipe(Effect.map(batchFields), Effect.catchTags(OrderProblems.retryErrors))
        })
      )
  })
)

const parseId = (text: string) =>
  Effect.mapError(
    Schema.decodeEffect(BatchId)(text),
    () => new Problem.NotFound({ detail: new BatchNotFound().message })
  )
