import { BigDecimal, Context, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import * as KeyOwners from "../access/KeyOwners.ts"
import { AdminActions } from "../accounts/AdminActions.ts"
import { Settings } from "../config/Settings.ts"
import type { UserId } from "../domain/accounts/User.ts"
import * as AdjustmentDomain from "../domain/ledger/Adjustment.ts"
import type { Adjustment, AdjustmentState } from "../domain/ledger/Adjustment.ts"
import type { LedgerAccountId } from "../domain/ledger/LedgerAccount.ts"
import { TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { type AdjustmentDecision, AdjustmentRepo, type AdjustmentRequest } from "./AdjustmentRepo.ts"
import { Ledger } from "./Ledger.ts"

/** Role of the accounts that adjustments are posted against. */
const ROLE = "adjustment"

type RequestError =
  | StoreUnavailable
  | AdjustmentDomain.LedgerSubjectNotFound
  | AdjustmentDomain.AdjustmentAmountInvalid
  | AdjustmentDomain.AdjustmentRefused
  | AdjustmentDomain.AdjustmentKeyMismatch
type DecisionError =
  | StoreUnavailable
  | AdjustmentDomain.LedgerSubjectNotFound
  | AdjustmentDomain.AdjustmentDecided
  | AdjustmentDomain.AdjustmentRefused
  | AdjustmentDomain.SecondAdministratorRequired

/** Corrections of balances by administrators. */
export class Adjustments extends Context.Service<
  Adjustments,
  {
    /**
     * Posts an adjustment, or stores it as pending if its amount is above `LEDGER_ADJUSTMENT_LIMIT` or it is of the wallet of
     * the administrator.
     */
    readonly request: (request: AdjustmentRequest) => Effect.Effect<Adjustment, RequestError>
    /** Posts a pending adjustment. Neither who requested it nor the owner of the wallet can decide on it. */
    readonly approve: (decision: AdjustmentDecision) => Effect.Effect<Adjustment, DecisionError>
    readonly reject: (decision: AdjustmentDecision) => Effect.Effect<Adjustment, DecisionError>
    /** At most `limit` adjustments before an id, newest first. */
    readonly page: (
      state: AdjustmentState | undefined,
      before: TransferId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Adjustment>, StoreUnavailable>
    /** Freezes or releases an account. A frozen account accepts no entries and no new holds. */
    readonly setFrozen: (
      account: LedgerAccountId,
      isFrozen: boolean,
      by: { readonly principal: string; readonly reason: string }
    ) => Effect.Effect<void, StoreUnavailable | AdjustmentDomain.LedgerSubjectNotFound>
  }
>()("effex/ledger/Adjustments") {
  static readonly layerNoDeps = Layer.effect(
    Adjustments,
    Effect.gen(function* () {
      const { ledgerAdjustmentLimit } = yield* Settings
      const { transaction } = yield* Database
      const { record } = yield* AdminActions
      const { openAccounts, postWithin, setFrozen } = yield* Ledger
      const random = yield* SecureRandom.SecureRandom
      const repo = yield* AdjustmentRepo
      const haveOneOwner = yield* KeyOwners.make

      const found = (adjustment: Option.Option<Adjustment>) =>
        Effect.mapError(
          Effect.fromOption(adjustment),
          () => new AdjustmentDomain.LedgerSubjectNotFound({ subject: "adjustment" })
        )

      const post = Effect.fnUntraced(function* ({ account, amount, asset, id, reason }: Posting) {
        const [house] = yield* openAccounts([{ owner: null, role: ROLE, asset, minBalance: null }])
        if (house === undefined) return yield* Effect.die("the account of adjustments was not opened")
        const [outcome] = yield* postWithin([
          {
            id,
            kind: ROLE,
            details: { reason },
            entries: [
              { account, amount },
              { account: house, amount: BigDecimal.negate(amount) }
            ],
            opens: [],
            ends: []
          }
        ])
        if (outcome?._tag !== "Posted")
          return yield* new AdjustmentDomain.AdjustmentRefused({ detail: describe(outcome) })
      })

      const recorded = (action: string, { account, amount, asset, id }: Posting, by: AdjustmentDecision) =>
        record({
          principal: by.principal,
          action: `ledger.adjustment.${action}`,
          subject: id,
          reason: by.reason,
          details: { account, asset, amount: Decimal.format(amount) }
        })

      const request = Effect.fn("Adjustments.request")(
        function* (asked: AdjustmentRequest) {
          const { account, amount, key, principal, reason } = asked
          const known = yield* repo.accountOf(account)
          if (Option.isNone(known))
            return yield* new AdjustmentDomain.LedgerSubjectNotFound({ subject: "account" })
          const { asset, decimals } = known.value
          yield* checkAmount(amount, asset, decimals)
          const id = TransferId.make(yield* random.uuidV7())
          const needsSecond =
            isOwn(known.value, principal) ||
            BigDecimal.isGreaterThan(BigDecimal.abs(amount), ledgerAdjustmentLimit)
          if (!(yield* repo.insert(id, asked, needsSecond ? "pending" : "posted"))) {
            const first = yield* found(yield* repo.byKey(principal, key ?? ""))
            const isSame =
              first.account === account && first.reason === reason && BigDecimal.equals(first.amount, amount)
            return isSame ? first : yield* new AdjustmentDomain.AdjustmentKeyMismatch()
          }
          const posting = { id, account, amount, asset, reason }
          if (!needsSecond) yield* post(posting)
          yield* recorded(needsSecond ? "request" : "post", posting, { id, principal, reason })
          return yield* found(yield* repo.byId(id))
        },
        (work) => transaction(work)
      )

      const decide = Effect.fnUntraced(
        function* (decision: AdjustmentDecision, state: "posted" | "rejected") {
          const adjustment = yield* found(yield* repo.lock(decision.id))
          if (adjustment.state !== "pending")
            return yield* new AdjustmentDomain.AdjustmentDecided({ id: decision.id, state: adjustment.state })
          const account = yield* repo.accountOf(adjustment.account)
          if (
            Option.exists(account, (adjusted) => isOwn(adjusted, decision.principal)) ||
            (yield* haveOneOwner(adjustment.requestedBy, decision.principal))
          )
            return yield* new AdjustmentDomain.SecondAdministratorRequired()
          yield* repo.decide(decision, state)
          if (state === "posted") yield* post(adjustment)
          yield* recorded(state === "posted" ? "approve" : "reject", adjustment, decision)
          return yield* found(yield* repo.byId(decision.id))
        },
        (work) => transaction(work)
      )

      const freeze = Effect.fn("Adjustments.setFrozen")(
        function* (
          account: LedgerAccountId,
          isFrozen: boolean,
          by: { readonly principal: string; readonly reason: string }
        ) {
          if (!(yield* setFrozen(account, isFrozen)))
            return yield* new AdjustmentDomain.LedgerSubjectNotFound({ subject: "account" })
          yield* record({
            ...by,
            action: isFrozen ? "ledger.account.freeze" : "ledger.account.unfreeze",
            subject: account
          })
        },
        (work) => transaction(work)
      )

      return Adjustments.of({
        request,
        approve: (decision) => decide(decision, "posted"),
        reject: (decision) => decide(decision, "rejected"),
        page: repo.page,
        setFrozen: freeze
      })
    })
  )

  static readonly layer = Adjustments.layerNoDeps.pipe(Layer.provide(AdjustmentRepo.layer))
}

type Posting = Pick<Adjustment, "id" | "account" | "amount" | "asset" | "reason">

const isOwn = ({ userId }: { readonly userId: UserId | null }, principal: string) =>
  userId !== null && principal === `user:${userId}`

const checkAmount = (amount: BigDecimal.BigDecimal, asset: string, decimals: number) => {
  const given = Math.max(0, BigDecimal.normalize(amount).scale)
  if (BigDecimal.isZero(amount))
    return Effect.fail(new AdjustmentDomain.AdjustmentAmountInvalid({ detail: "the amount must not be 0" }))
  return given > decimals
    ? Effect.fail(
        new AdjustmentDomain.AdjustmentAmountInvalid({
          detail: `the amount has ${given} decimals; ${asset} allows ${decimals}`
        })
      )
    : Effect.void
}

const describe = (outcome: PostOutcome | undefined): string => {
  if (outcome?._tag === "InsufficientFunds")
    return `Account ${outcome.account} has only ${Decimal.format(outcome.available)} available`
  if (outcome?._tag === "AccountFrozen") return `Account ${outcome.account} is frozen; unfreeze it first`
  return "The ledger refuses the adjustment"
}
