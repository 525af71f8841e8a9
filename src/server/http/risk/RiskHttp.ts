import { Effect, Option, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AdminActions } from "../../../accounts/AdminActions.ts"
import { Api } from "../../../api/Api.ts"
import { Caller } from "../../../api/access/Caller.ts"
import * as Problem from "../../../api/Problem.ts"
import { RiskRulesBody } from "../../../api/risk/RiskMessage.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { TransferId } from "../../../domain/ledger/LedgerPosting.ts"
import type * as Errors from "../../../domain/risk/Review.ts"
import type { RiskRules, RiskRulesChanged } from "../../../domain/risk/RiskRules.ts"
import { WalletId } from "../../../domain/wallets/Wallet.ts"
import { ReviewDecisions } from "../../../risk/ReviewDecisions.ts"
import { Reviews } from "../../../risk/Reviews.ts"
import { type ActiveRiskRules, RiskRuleSettings } from "../../../risk/RiskRuleSettings.ts"
import * as ETag from "../../encoding/ETag.ts"
import * as JsonBody from "../../encoding/JsonBody.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import * as Problems from "../../middleware/Problems.ts"
import { formatterOf } from "../wallets/TransactionFields.ts"
import { decisionFields, reviewFields, rulesFields } from "./RiskFields.ts"

/** Handlers of the administration of risk rules and reviews. */
export const layer = HttpApiBuilder.group(
  Api,
  "risk",
  Effect.fn(function* (handlers) {
    const reviews = yield* Reviews
    const decisions = yield* ReviewDecisions
    const settings = yield* RiskRuleSettings
    const { record } = yield* AdminActions
    const format = formatterOf(yield* AssetCatalog)
    const fieldsOf = reviewFields(format)

    const decisionOf = Effect.fnUntraced(function* (text: string, reason: string) {
      const id = yield* parseId(text)
      const { id: principal } = yield* Caller
      return { id, principal, reason }
    })

    const change = Effect.fnUntraced(function* (
      value: Option.Option<RiskRules>,
      ifMatch: string | undefined,
      reason: string | undefined
    ) {
      const { id: principal } = yield* Caller
      const expectedVersion = yield* ETag.parseIfMatch(ifMatch)
      const active = yield* settings
        .change({
          value,
          principal,
          expectedVersion,
          record: record({
            principal,
            action: Option.isSome(value) ? "risk.rules.change" : "risk.rules.reset",
            subject: "risk-rules",
            reason
          })
        })
        .pipe(Effect.catchTags(ruleErrors))
      return respond(active)
    })

    return handlers
      .handle(
        "reviews",
        Effect.fnUntraced(function* ({ query }) {
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(TransferId))
          const size = Pagination.sizeOf(query)
          const found = yield* reviews
            .page(query.state, before, size + 1)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, fieldsOf, ({ id }) => id)
        })
      )
      .handle(
        "review",
        Effect.fnUntraced(function* ({ params }) {
          const found = yield* reviews
            .find(yield* parseId(params.review_id))
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Option.isSome(found) ? fieldsOf(found.value) : yield* noReview
        })
      )
      .handle(
        "approve",
        Effect.fnUntraced(function* ({ params, payload }) {
          const decision = yield* decisionOf(params.review_id, payload.reason)
          return fieldsOf(yield* decisions.approve(decision).pipe(Effect.catchTags(approvalErrors)))
        })
      )
      .handle(
        "reject",
        Effect.fnUntraced(function* ({ params, payload }) {
          const decision = yield* decisionOf(params.review_id, payload.reason)
          return fieldsOf(yield* decisions.reject(decision).pipe(Effect.catchTags(decisionErrors)))
        })
      )
      .handle(
        "decisions",
        Effect.fnUntraced(function* ({ query }) {
          const wallet =
            query.wallet_id === undefined
              ? undefined
              : yield* Effect.mapError(Schema.decodeEffect(WalletId)(query.wallet_id), () =>
                  Problems.invalid("/query/wallet_id", "must be the id of a wallet")
                )
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(TransferId))
          const size = Pagination.sizeOf(query)
          const found = yield* reviews
            .decisions(wallet, before, size + 1)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, decisionFields(format), ({ id }) => id)
        })
      )
      .handleRaw("rules", () =>
        settings.active.pipe(Effect.map(respond), Effect.catchTags(Problems.storeErrors))
      )
      .handleRaw(
        "changeRules",
        Effect.fnUntraced(function* ({ headers, query, request }) {
          return yield* change(Option.some(yield* readRules(request)), headers["if-match"], query.reason)
        })
      )
      .handleRaw("resetRules", ({ headers, query }) =>
        change(Option.none(), headers["if-match"], query.reason)
      )
  })
)

const readRules = JsonBody.readerOfCounts(RiskRulesBody)

const noReview = new Problem.NotFound({ detail: "There is no review with this id" })

const parseId = (text: string) => Effect.mapError(Schema.decodeEffect(TransferId)(text), () => noReview)

const respond = (active: ActiveRiskRules) =>
  HttpServerResponse.text(JSON.stringify(rulesFields(active)), {
    contentType: "application/json",
    headers: { "cache-control": "no-store", etag: ETag.make(active.version) }
  })

const ruleErrors = {
  ...Problems.storeErrors,
  RiskRulesChanged: ({ message }: RiskRulesChanged) =>
    Effect.fail(new Problem.PreconditionFailed({ detail: message }))
}

const decisionErrors = {
  ...Problems.storeErrors,
  ReviewNotFound: ({ message }: Errors.ReviewNotFound) =>
    Effect.fail(new Problem.NotFound({ detail: message })),
  ReviewDecided: ({ message }: Errors.ReviewDecided) =>
    Effect.fail(new Problem.AlreadyDecided({ detail: message })),
  ReviewRefused: ({ message }: Errors.ReviewRefused) =>
    Effect.fail(new Problem.ReviewRefused({ detail: message })),
  OwnReview: ({ message }: Errors.OwnReview) => Effect.fail(new Problem.Forbidden({ detail: message }))
}

const approvalErrors = {
  ...decisionErrors,
  ReviewPriceMoved: ({ currentRate, maxSlippage, message, requestedRate }: Errors.ReviewPriceMoved) =>
    Effect.fail(
      new Problem.ReviewPriceMoved({
        detail: message,
        requested_rate: requestedRate,
        current_rate: currentRate,
        max_slippage: maxSlippage
      })
    )
}
