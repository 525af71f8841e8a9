import { Context, Effect, Layer, Option } from "effect"
import * as KeyOwners from "../../access/KeyOwners.ts"
import { AdminActions } from "../../accounts/AdminActions.ts"
import { TransferId } from "../../domain/ledger/LedgerPosting.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as Errors from "../../domain/wallets/Funding.ts"
import type { FundingEnding, FundingId, FundingRequest } from "../../domain/wallets/Funding.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { Reviews } from "../../risk/Reviews.ts"
import { FundingRepo } from "./FundingRepo.ts"
import { FundingSettlement } from "./FundingSettlement.ts"

type DecisionError =
  | Errors.FundingNotFound
  | Errors.FundingEnded
  | Errors.FundingRefused
  | Errors.OwnFunding
  | StoreUnavailable

/** Decisions of administrators on deposits and withdrawals. Each is recorded in its transaction. */
export class FundingDecisions extends Context.Service<
  FundingDecisions,
  {
    /** Completes a pending request with the reference of its payment, which completes only one request. */
    readonly confirm: (decision: {
      readonly id: FundingId
      readonly principal: string
      readonly reference: string
    }) => Effect.Effect<FundingRequest, DecisionError | Errors.PaymentReferenceUsed>
    /** Fails a pending request. The hold of a withdrawal is released. */
    readonly refuse: (decision: {
      readonly id: FundingId
      readonly principal: string
      readonly reason: string
    }) => Effect.Effect<FundingRequest, DecisionError>
    /** At most `limit` requests before an id, newest first. */
    readonly page: FundingRepo["Service"]["page"]
  }
>()("effex/wallets/funding/FundingDecisions") {
  static readonly layer = Layer.effect(
    FundingDecisions,
    Effect.gen(function* () {
      const { execute } = yield* Database
      const { record } = yield* AdminActions
      const haveOneOwner = yield* KeyOwners.make
      const repo = yield* FundingRepo
      const reviews = yield* Reviews
      const settlement = yield* FundingSettlement

      const decide = Effect.fnUntraced(function* (id: FundingId, principal: string, ending: FundingEnding) {
        const found = yield* repo.byId(id)
        if (Option.isNone(found)) return yield* new Errors.FundingNotFound()
        const { amount, asset, direction, requestedBy, userId, walletId } = found.value
        const requester = requesterOf(requestedBy)
        if (principal === `user:${userId}` || (yield* execute(haveOneOwner(requester, principal))))
          return yield* new Errors.OwnFunding({ user: userId })
        const confirms = ending.state === "completed"
        const review = direction === "withdrawal" ? yield* reviews.find(TransferId.make(id)) : Option.none()
        if (confirms && Option.exists(review, ({ state }) => state !== "approved"))
          return yield* new Errors.FundingRefused({
            detail: `The withdrawal is held for review: approve /api/v1/admin/reviews/${id} first`
          })
        const outcome = yield* settlement.end(found.value, ending, {
          principal,
          record: record({
            principal,
            action: confirms ? "funding.confirm" : "funding.refuse",
            subject: id,
            reason: confirms ? undefined : ending.reason,
            details: {
              direction,
              asset,
              amount: Decimal.format(amount),
              wallet_id: walletId,
              ...(confirms ? { reference: ending.reference } : {})
            }
          })
        })
        switch (outcome._tag) {
          case "Ended":
            return outcome.request
          case "EndedBefore": {
            const { reason, reference, state } = outcome.request
            return yield* new Errors.FundingEnded({ state, reference, reason })
          }
          case "Refused":
            return yield* new Errors.FundingRefused({ detail: outcome.detail })
          case "ReferenceUsed":
            return yield* new Errors.PaymentReferenceUsed({
              reference: confirms ? ending.reference : "",
              usedBy: outcome.usedBy
            })
        }
      })

      return FundingDecisions.of({
        confirm: Effect.fn("FundingDecisions.confirm")(({ id, principal, reference }) =>
          decide(id, principal, { state: "completed", reference })
        ),
        refuse: Effect.fn("FundingDecisions.refuse")(({ id, principal, reason }) =>
          decide(id, principal, { state: "failed", reason }).pipe(
            // Only a confirmation has a reference.
            Effect.catchTag("PaymentReferenceUsed", Effect.die)
          )
        ),
        page: repo.page
      })
    })
  )
}

/** Returns who requested a deposit or a withdrawal: a user, or the API key that acted for one. */
const requesterOf = (requestedBy: string) => requestedBy.split(" ", 1)[0] ?? requestedBy
