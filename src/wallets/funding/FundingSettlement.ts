import { BigDecimal, Context, Effect, Layer, Metric, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql"
import type { LedgerAccountId } from "../../domain/ledger/LedgerAccount.ts"
import { type LedgerPosting, TransferId } from "../../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../../domain/ledger/PostOutcome.ts"
import type { FundingAnswer, FundingEnding, FundingId, FundingRequest } from "../../domain/wallets/Funding.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import * as PostingTransaction from "../../ledger/PostingTransaction.ts"
import * as FundingMetrics from "../../platform/metrics/FundingMetrics.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { houseAccount, walletAccount, Wallets } from "../Wallets.ts"
import { FundingRepo } from "./FundingRepo.ts"

const ZERO = BigDecimal.make(0n, 0)

/** The decision of an administrator, with what records it in the same transaction. */
export interface RecordedDecision {
  readonly principal: string
  readonly record: Effect.Effect<void, SqlError.SqlError>
}

/** Result of an attempt to end a request. */
export type SettlementOutcome =
  | { readonly _tag: "Ended"; readonly request: FundingRequest }
  /** The request had ended before, with an outcome that may differ. */
  | { readonly _tag: "EndedBefore"; readonly request: FundingRequest }
  | { readonly _tag: "ReferenceUsed"; readonly usedBy: FundingId }
  /** The ledger refuses the posting now. The request stays pending. */
  | { readonly _tag: "Refused"; readonly detail: string }

/** Ends requests, exactly once: the movement, the end of the hold and the state are one transaction. */
export class FundingSettlement extends Context.Service<
  FundingSettlement,
  {
    /**
     * Ends a pending request, unless `isValid` is false in the transaction that does. After `StoreUnavailable` the outcome is
     * unknown; a repetition resolves it.
     */
    readonly end: (
      request: FundingRequest,
      ending: FundingEnding,
      decision?: RecordedDecision,
      isValid?: Effect.Effect<boolean, SqlError.SqlError>
    ) => Effect.Effect<SettlementOutcome, StoreUnavailable>
    /**
     * Applies an answer of the provider, unless `isValid` is false in the transaction that does. Returns the request as it is
     * afterwards.
     */
    readonly apply: (
      request: FundingRequest,
      answer: FundingAnswer,
      isValid?: Effect.Effect<boolean, SqlError.SqlError>
    ) => Effect.Effect<FundingRequest, StoreUnavailable>
  }
>()("effex/wallets/funding/FundingSettlement") {
  static readonly layer = Layer.effect(
    FundingSettlement,
    Effect.gen(function* () {
      const database = yield* Database
      const { postWithin } = yield* Ledger
      const { accountIds } = yield* Wallets
      const repo = yield* FundingRepo
      const random = yield* SecureRandom.SecureRandom

      const end = Effect.fn("FundingSettlement.end")(function* (
        request: FundingRequest,
        ending: FundingEnding,
        decision?: RecordedDecision,
        isValid?: Effect.Effect<boolean, SqlError.SqlError>
      ) {
        const { asset, id, walletId } = request
        const [house, account] = yield* accountIds([
          houseAccount("funding", asset),
          walletAccount(walletId, asset)
        ])
        if (house === undefined || account === undefined) return yield* Effect.die("an account is missing")
        const posting = postingOf(request, ending, {
          id: TransferId.make(yield* random.uuidV7()),
          house,
          account
        })
        const work = Effect.gen(function* (): Effect.fn.Return<SettlementOutcome, SqlError.SqlError> {
          const locked = Option.getOrThrow(yield* repo.lock(id))
          if (locked.state !== "pending") return { _tag: "EndedBefore", request: locked }
          if (isValid !== undefined && !(yield* isValid))
            return { _tag: "Refused", detail: "its review was decided meanwhile" }
          const usedBy =
            ending.state === "completed" ? yield* repo.completedBy(ending.reference) : Option.none()
          if (Option.isSome(usedBy)) return { _tag: "ReferenceUsed", usedBy: usedBy.value }
          if (posting !== undefined) {
            const [outcome] = yield* postWithin([posting])
            if (outcome?._tag !== "Posted") return { _tag: "Refused", detail: describe(outcome) }
          }
          const ended = yield* repo.end({
            id,
            ending,
            transferId: posting?.id ?? null,
            settledBy: decision?.principal ?? null
          })
          if (decision !== undefined) yield* decision.record
          return { _tag: "Ended", request: ended }
        })
        const outcome = yield* PostingTransaction.run(database, work)
        if (outcome._tag === "Ended")
          yield* Metric.update(
            FundingMetrics.requests.of({ direction: request.direction, state: ending.state }),
            1
          )
        return outcome
      })

      const apply = Effect.fn("FundingSettlement.apply")(function* (
        request: FundingRequest,
        answer: FundingAnswer,
        isValid?: Effect.Effect<boolean, SqlError.SqlError>
      ) {
        if (answer.state === "pending") return request
        const outcome = yield* end(request, answer, undefined, isValid)
        switch (outcome._tag) {
          case "Ended":
            return outcome.request
          case "EndedBefore":
            if (!isSame(outcome.request, answer))
              yield* Effect.logError(
                `The provider states another outcome of the ${request.direction} ${request.id} than ${
                  outcome.request.settledBy === null
                    ? "the one that it ended with"
                    : "the administrator who ended it"
                }`,
                answer
              )
            return outcome.request
          case "ReferenceUsed":
            yield* Effect.logError(
              `The provider completed the ${request.direction} ${request.id} with the payment of ${outcome.usedBy}; it stays pending until an administrator decides`
            )
            return request
          case "Refused":
            yield* Effect.logWarning(
              `The ${request.direction} ${request.id} stays pending: ${outcome.detail}`
            )
            return request
        }
      })

      return FundingSettlement.of({ end, apply })
    })
  )
}

const isSame = (request: FundingRequest, ending: FundingEnding) =>
  request.state === ending.state &&
  (ending.state === "failed" || request.settledBy !== null || request.reference === ending.reference)

/** The posting that ends a request. Undefined for a failed deposit, which moves nothing. */
const postingOf = (
  { amount, direction, holdId, id: fundingId, note, provider }: FundingRequest,
  ending: FundingEnding,
  { account, house, id }: { id: TransferId; house: LedgerAccountId; account: LedgerAccountId }
): LedgerPosting | undefined => {
  const details = {
    funding_id: fundingId,
    ...(note === null ? {} : { note }),
    ...(provider === "sandbox" ? { sandbox: true } : {})
  }
  if (ending.state === "failed")
    return holdId === null
      ? undefined
      : {
          id,
          kind: `${direction}.failed`,
          details: { ...details, reason: ending.reason },
          entries: [],
          opens: [],
          ends: [{ holdId, outcome: "voided", posted: ZERO }]
        }
  const change = direction === "deposit" ? amount : BigDecimal.negate(amount)
  return {
    id,
    kind: direction,
    details: { ...details, reference: ending.reference },
    entries: [
      { account: house, amount: BigDecimal.negate(change) },
      { account, amount: change }
    ],
    opens: [],
    ends: holdId === null ? [] : [{ holdId, outcome: "posted", posted: amount }]
  }
}

const describe = (outcome: PostOutcome | undefined): string =>
  outcome?._tag === "AccountFrozen"
    ? `Account ${outcome.account} of the ledger is frozen; unfreeze it first`
    : `The ledger refuses the posting (${outcome?._tag ?? "no outcome"})`
