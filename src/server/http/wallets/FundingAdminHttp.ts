import { Effect, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Caller } from "../../../api/access/Caller.ts"
import { Api } from "../../../api/Api.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { FundingId } from "../../../domain/wallets/Funding.ts"
import { FundingDecisions } from "../../../wallets/funding/FundingDecisions.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import * as Problems from "../../middleware/Problems.ts"
import { managedFundingFields } from "./FundingFields.ts"
import * as FundingProblems from "./FundingProblems.ts"
import { formatterOf } from "./TransactionFields.ts"

/** Handlers of the administration of deposits and withdrawals. */
export const layer = HttpApiBuilder.group(
  Api,
  "fundingAdmin",
  Effect.fn(function* (handlers) {
    const decisions = yield* FundingDecisions
    const fieldsOf = managedFundingFields(formatterOf(yield* AssetCatalog))

    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ query }) {
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(FundingId))
          const size = Pagination.sizeOf(query)
          const { direction, state } = query
          const found = yield* decisions
            .page({ state, direction }, before, size + 1)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, fieldsOf, ({ id }) => id)
        })
      )
      .handle(
        "confirm",
        Effect.fnUntraced(function* ({ params, payload }) {
          const id = yield* parseId(params.funding_id)
          const { id: principal } = yield* Caller
          return yield* decisions
            .confirm({ id, principal, reference: payload.reference })
            .pipe(Effect.map(fieldsOf), Effect.catchTags(FundingProblems.confirmationErrors))
        })
      )
      .handle(
        "refuse",
        Effect.fnUntraced(function* ({ params, payload }) {
          const id = yield* parseId(params.funding_id)
          const { id: principal } = yield* Caller
          return yield* decisions
            .refuse({ id, principal, reason: payload.reason })
            .pipe(Effect.map(fieldsOf), Effect.catchTags(FundingProblems.refusalErrors))
        })
      )
  })
)

const parseId = (text: string) =>
  Effect.mapError(Schema.decodeEffect(FundingId)(text), () => FundingProblems.notFound)
