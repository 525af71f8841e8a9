import * as Options from "../Options.ts"
import type { PagedList } from "../Pages.ts"
import type { CallOptions } from "../Requests.ts"
import type { FundingDirection, FundingState } from "../wallets/WalletValues.ts"
import type { AdminRequests, ListOptions, Reason } from "./AdminRequests.ts"
import type { ManagedFunding } from "./AdminValues.ts"
import type { Batch, BatchDetail, BatchState } from "./SettlementValues.ts"

/** Decisions on deposits and withdrawals. */
export interface FundingAdminCalls {
  list(
    options?: ListOptions & {
      readonly state?: FundingState | undefined
      readonly direction?: FundingDirection | undefined
    }
  ): PagedList<ManagedFunding>
  /** Completes a pending request: the payment with this reference has arrived, or was made. */
  confirm(
    fundingId: string,
    payment: { readonly reference: string },
    options?: CallOptions
  ): Promise<ManagedFunding>
  /** Fails a pending request with a reason that the user sees. */
  refuse(fundingId: string, reason: Reason, options?: CallOptions): Promise<ManagedFunding>
}

/** The settlement of orders. */
export interface BatchCalls {
  list(
    options?: ListOptions & {
      readonly state?: BatchState | undefined
      /** `true`: only batches that were given up. */
      readonly dead?: "true" | "false" | undefined
    }
  ): PagedList<Batch>
  get(batchId: string, options?: CallOptions): Promise<BatchDetail>
  /** Continues to settle a batch that was given up, or waits. */
  retry(batchId: string, reason: Reason, options?: CallOptions): Promise<Batch>
}

/** Makes the calls that decide on deposits and withdrawals. */
export const makeFunding = ({ action, list }: AdminRequests): FundingAdminCalls => ({
  list: (options = {}) => list("funding.list", "/funding", options, ["state", "direction"]),
  confirm: action("funding.confirm", (id) => `/funding/${id}/confirm`, ["reference"]),
  refuse: action("funding.refuse", (id) => `/funding/${id}/refuse`, ["reason"])
})

/** Makes the calls that settle orders. */
export const makeBatches = ({ action, get, list }: AdminRequests): BatchCalls => ({
  list: (options = {}) => list("batches.list", "/batches", options, ["state", "dead"]),
  get: async (id, options) =>
    get("batches.get", `/batches/${Options.pathId("batchId", id)}`, "history", options),
  retry: action("batches.retry", (id) => `/batches/${id}/retry`, ["reason"])
})
