import { BigDecimal, Effect, Option, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import { Caller } from "../../../api/access/Caller.ts"
import * as Problem from "../../../api/Problem.ts"
import type * as Errors from "../../../domain/ledger/Adjustment.ts"
import { LedgerAccountId } from "../../../domain/ledger/LedgerAccount.ts"
import { TransferId } from "../../../domain/ledger/LedgerPosting.ts"
import * as Decimal from "../../../domain/money/Decimal.ts"
import { Adjustments } from "../../../ledger/Adjustments.ts"
import { Ledger } from "../../../ledger/Ledger.ts"
import { LedgerVerifier } from "../../../ledger/LedgerVerifier.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as IdempotencyKey from "../../encoding/IdempotencyKey.ts"
import * as LedgerMessages from "./LedgerMessages.ts"

/** Handlers of the administration of the ledger. */
export const layer = HttpApiBuilder.group(
  Api,
  "ledger",
  Effect.fn(function* (handlers) {
    const ledger = yield* Ledger
    const adjustments = yield* Adjustments
    const { verify } = yield* LedgerVerifier

    const findAccount = Effect.fnUntraced(function* (text: string) {
      const id = yield* parseAccountId(text)
      const account = yield* ledger.accountById(id).pipe(Effect.catchTags(Problems.storeErrors))
      return Option.isSome(account) ? account.value : yield* noAccount
    })

    const setFrozen = Effect.fnUntraced(function* (text: string, isFrozen: boolean, reason: string) {
      const id = yield* parseAccountId(text)
      const { id: principal } = yield* Caller
      yield* adjustments.setFrozen(id, isFrozen, { principal, reason }).pipe(Effect.catchTags(subjectErrors))
      return LedgerMessages.ofAccount(yield* findAccount(text))
    })

    const decisionOf = Effect.fnUntraced(function* (text: string, reason: string) {
      const id = yield* Effect.mapError(Schema.decodeEffect(TransferId)(text), () => noAdjustment)
      const { id: principal } = yield* Caller
      return { id, principal, reason }
    })

    return handlers
      .handle(
        "accounts",
        Effect.fnUntraced(function* ({ query }) {
          const after = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(LedgerAccountId))
          const size = Pagination.sizeOf(query)
          const found = yield* ledger.accounts(after, size + 1).pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, LedgerMessages.ofAccount, ({ id }) => id)
        })
      )
      .handle("account", ({ params }) => Effect.map(findAccount(params.account_id), LedgerMessages.ofAccount))
      .handle(
        "entries",
        Effect.fnUntraced(function* ({ params, query }) {
          const { id } = yield* findAccount(params.account_id)
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(LedgerAccountId))
          const size = Pagination.sizeOf(query)
          const found = yield* ledger
            .entriesOf(id, before === undefined ? undefined : BigInt(before), size + 1)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, LedgerMessages.ofEntry, ({ version }) => version.toString())
        })
      )
      .handle("freeze", ({ params, payload }) => setFrozen(params.account_id, true, payload.reason))
      .handle("unfreeze", ({ params, payload }) => setFrozen(params.account_id, false, payload.reason))
      .handle("trialBalance", ({ query }) =>
        ledger.trialBalance(query.at).pipe(
          Effect.map((rows) => LedgerMessages.ofTrialBalance(rows, query.at)),
          Effect.catchTags(Problems.storeErrors)
        )
      )
      .handle(
        "transfer",
        Effect.fnUntraced(function* ({ params }) {
          const id = yield* Effect.mapError(
            Schema.decodeEffect(TransferId)(params.transfer_id),
            () => noTransfer
          )
          const found = yield* ledger.transfer(id).pipe(Effect.catchTags(Problems.storeErrors))
          return Option.isSome(found) ? LedgerMessages.ofTransfer(found.value) : yield* noTransfer
        })
      )
      .handle("verify", () => Effect.catchTags(verify, Problems.storeErrors))
      .handle(
        "adjustments",
        Effect.fnUntraced(function* ({ query }) {
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(TransferId))
          const size = Pagination.sizeOf(query)
          const found = yield* adjustments
            .page(query.state, before, size + 1)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, LedgerMessages.ofAdjustment, ({ id }) => id)
        })
      )
      .handle(
        "adjust",
        Effect.fnUntraced(function* ({ payload, request }) {
          const key = yield* IdempotencyKey.ofRequest(request)
          const { id: principal } = yield* Caller
          const { account, reason } = payload
          const amount = yield* parseAmount(payload.amount)
          const adjustment = yield* adjustments
            .request({ account, amount, reason, principal, key })
            .pipe(Effect.catchTags(requestErrors))
          return LedgerMessages.ofAdjustment(adjustment)
        })
      )
      .handle("approve", ({ params, payload }) =>
        decisionOf(params.adjustment_id, payload.reason).pipe(
          Effect.flatMap(adjustments.approve),
          Effect.map(LedgerMessages.ofAdjustment),
          Effect.catchTags(decisionErrors)
        )
      )
      .handle("reject", ({ params, payload }) =>
        decisionOf(params.adjustment_id, payload.reason).pipe(
          Effect.flatMap(adjustments.reject),
          Effect.map(LedgerMessages.ofAdjustment),
          Effect.catchTags(decisionErrors)
        )
      )
  })
)

const MAX_AMOUNT_DECIMALS = 18

const noAccount = new Problem.NotFound({ detail: "The ledger has no account with this id" })
const noTransfer = new Problem.NotFound({ detail: "The ledger has no transfer with this id" })
const noAdjustment = new Problem.NotFound({ detail: "The ledger has no adjustment with this id" })

const MAX_BIGINT = 2n ** 63n - 1n

const parseAccountId = (text: string) =>
  Effect.filterOrFail(
    Effect.mapError(Schema.decodeEffect(LedgerAccountId)(text), () => noAccount),
    (id) => BigInt(id) <= MAX_BIGINT,
    () => noAccount
  )

const parseAmount = (text: string) => {
  const isNegative = text.startsWith("-")
  const amount = Decimal.parse(isNegative ? text.slice(1) : text, MAX_AMOUNT_DECIMALS)
  return Option.isSome(amount)
    ? Effect.succeed(isNegative ? BigDecimal.negate(amount.value) : amount.value)
    : Effect.fail(
        Problems.invalid("/body/amount", "expected a decimal number in plain digits, such as 12.50 or -12.50")
      )
}

const subjectErrors = {
  ...Problems.storeErrors,
  LedgerSubjectNotFound: ({ message }: Errors.LedgerSubjectNotFound) =>
    Effect.fail(new Problem.NotFound({ detail: message }))
}

const refusedErrors = {
  ...subjectErrors,
  AdjustmentRefused: ({ message }: Errors.AdjustmentRefused) =>
    Effect.fail(new Problem.AdjustmentRefused({ detail: message }))
}

const requestErrors = {
  ...refusedErrors,
  AdjustmentAmountInvalid: ({ message }: Errors.AdjustmentAmountInvalid) =>
    Effect.fail(Problems.invalid("/body/amount", message)),
  AdjustmentKeyMismatch: ({ message }: Errors.AdjustmentKeyMismatch) =>
    Effect.fail(new Problem.IdempotencyMismatch({ detail: message }))
}

const decisionErrors = {
  ...refusedErrors,
  AdjustmentDecided: ({ message }: Errors.AdjustmentDecided) =>
    Effect.fail(new Problem.AlreadyDecided({ detail: message })),
  SecondAdministratorRequired: ({ message }: Errors.SecondAdministratorRequired) =>
    Effect.fail(new Problem.Forbidden({ detail: message }))
}
