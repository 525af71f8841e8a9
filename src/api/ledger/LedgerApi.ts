import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { AdjustmentState } from "../../domain/ledger/Adjustment.ts"
import { RequireAdministrator } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { TimeFromText } from "../TimeFromText.ts"
import {
  AdjustmentBody,
  AdjustmentMessage,
  AdjustmentPage,
  LedgerAccountMessage,
  LedgerAccountPage,
  LedgerEntryPage,
  LedgerReasonBody,
  LedgerTransferMessage,
  LedgerVerificationMessage,
  TrialBalanceMessage
} from "./LedgerMessage.ts"

const account = { account_id: Schema.String }
const notFound = [Problem.NotFound, Problem.StoreUnavailable] as const

const freezing = {
  params: account,
  payload: LedgerReasonBody,
  success: LedgerAccountMessage,
  error: notFound
} as const

const decision = {
  params: { adjustment_id: Schema.String },
  payload: LedgerReasonBody,
  success: AdjustmentMessage,
  error: [...notFound, Problem.AlreadyDecided, Problem.AdjustmentRefused]
} as const

/** The double-entry ledger, for administrators. */
export class LedgerApi extends HttpApiGroup.make("ledger")
  .add(
    HttpApiEndpoint.get("accounts", "/accounts", {
      query: PageMessage.query,
      success: LedgerAccountPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List the accounts of the ledger",
        "Returns the accounts in the order of their ids: those of wallets, whose `owner` is the id of the wallet, and those of the house. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.get("account", "/accounts/:account_id", {
      params: account,
      success: LedgerAccountMessage,
      error: notFound
    }).annotateMerge(describe("Get an account of the ledger", "Returns the account with its balance.")),
    HttpApiEndpoint.get("entries", "/accounts/:account_id/entries", {
      params: account,
      query: PageMessage.query,
      success: LedgerEntryPage,
      error: notFound
    }).annotateMerge(
      describe(
        "List the entries of an account",
        "Returns the entries with the balance after each, newest first. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.post("freeze", "/accounts/:account_id/freeze", freezing).annotateMerge(
      describe(
        "Freeze an account",
        "The account accepts no entries and no new holds until it is unfrozen, except the share of an order that has joined a batch. Open holds can be voided, and expire."
      )
    ),
    HttpApiEndpoint.post("unfreeze", "/accounts/:account_id/unfreeze", freezing).annotateMerge(
      describe("Unfreeze an account", "The account accepts entries and holds again.")
    ),
    HttpApiEndpoint.get("trialBalance", "/trial-balance", {
      query: { at: Schema.optionalKey(TimeFromText) },
      success: TrialBalanceMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "Get the trial balance",
        "Returns the sum of the balances by asset and role, now or at a time. The balances of each asset add up to zero."
      )
    ),
    HttpApiEndpoint.get("transfer", "/transfers/:transfer_id", {
      params: { transfer_id: Schema.String },
      success: LedgerTransferMessage,
      error: notFound
    }).annotateMerge(
      describe(
        "Get a transfer of the ledger",
        "Returns the transfer with all its entries, and the holds that it opened or ended."
      )
    ),
    HttpApiEndpoint.get("verify", "/verify", {
      success: LedgerVerificationMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "Verify the ledger",
        "Recomputes every entry, balance, hold, transfer and total. Returns the first account, transfer or asset that does not fit, with the reason. Runs for as long as the ledger is large."
      )
    ),
    HttpApiEndpoint.get("adjustments", "/adjustments", {
      query: { state: Schema.optionalKey(AdjustmentState), ...PageMessage.query },
      success: AdjustmentPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe("List adjustments", "Returns adjustments, newest first. Follow `next` for more pages.")
    ),
    HttpApiEndpoint.post("adjust", "/adjustments", {
      headers: { "idempotency-key": Schema.optionalKey(Schema.String) },
      payload: AdjustmentBody,
      success: AdjustmentMessage.pipe(HttpApiSchema.status(201)),
      error: [...notFound, Problem.AdjustmentRefused, Problem.IdempotencyMismatch]
    }).annotateMerge(
      describe(
        "Adjust a balance",
        "Changes the balance of an account by `amount`, against the account `adjustment` of the house. Above `LEDGER_ADJUSTMENT_LIMIT`, and in the wallet of the administrator, it stays `pending` until another administrator approves it. A retry with the same `Idempotency-Key` returns the first adjustment."
      )
    ),
    HttpApiEndpoint.post("approve", "/adjustments/:adjustment_id/approve", decision).annotateMerge(
      describe(
        "Approve an adjustment",
        "Posts a pending adjustment. The administrator who requested it cannot approve it."
      )
    ),
    HttpApiEndpoint.post("reject", "/adjustments/:adjustment_id/reject", decision).annotateMerge(
      describe(
        "Reject an adjustment",
        "Ends a pending adjustment without posting it. The administrator who requested it cannot reject it."
      )
    )
  )
  .prefix("/api/v1/admin/ledger")
  .middleware(RequireAdministrator)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Ledger",
      description:
        "Accounts, transfers and corrections of the double-entry ledger. Requires an administrator."
    })
  ) {}
