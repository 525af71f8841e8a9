import { sendOnce } from "../IdempotentRequests.ts"
import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import * as Pages from "../Pages.ts"
import { CALL_OPTIONS, type CallOptions, send, type ServerAccess } from "../Requests.ts"
import type { Funding, FundingDirection, FundingReceipt, FundingState } from "./WalletValues.ts"

export interface FundingRequest {
  /** Decimal text with no more decimals than the asset has. */
  readonly amount: string
  /** Code of the asset. Default: the home currency of the server. */
  readonly asset?: string | undefined
  readonly note?: string | undefined
  /**
   * Requests with the same key move money once, and get the first request in its present state. Default: a random key,
   * which makes the retries of this call safe. An error has the key as `idempotencyKey`.
   */
  readonly idempotencyKey?: string | undefined
}

/** Selects deposits and withdrawals. */
export interface FundingFilter extends CallOptions {
  readonly state?: FundingState | undefined
  readonly direction?: FundingDirection | undefined
  /** Rows per request, 1 to 1000. Default: 50. */
  readonly pageSize?: number | undefined
}

/** Money in and out of the wallet. */
export interface FundingCalls {
  /** Requests a deposit. It is `pending` until its payment is known. */
  deposit(request: FundingRequest, options?: CallOptions): Promise<FundingReceipt>
  /** Requests a withdrawal, and holds its amount. Rejects with `InsufficientFunds` if the wallet has less. */
  withdraw(request: FundingRequest, options?: CallOptions): Promise<FundingReceipt>
  /** Lists deposits and withdrawals, newest first. */
  list(filter?: FundingFilter): Pages.PagedList<Funding>
  /** Returns a deposit or a withdrawal in its present state. */
  get(fundingId: string, options?: CallOptions): Promise<Funding>
}

const WALLET = "/api/v1/accounts/wallet"
const FILTER_OPTIONS = ["state", "direction", "pageSize", ...CALL_OPTIONS] as const

/** Makes the calls of deposits and withdrawals. */
export const make = (access: ServerAccess): FundingCalls => {
  const move = async (
    owner: "deposit" | "withdraw",
    { idempotencyKey, ...request }: FundingRequest,
    options: CallOptions
  ) => {
    Options.requireKnown(`funding.${owner}`, request, ["amount", "asset", "note", "idempotencyKey"])
    Options.requireKnown(`funding.${owner}`, options, CALL_OPTIONS)
    const body = { ...request, amount: Options.amount(request.amount) }
    const input = { path: `${WALLET}/${owner}`, method: "PATCH", body, as: "user" } as const
    return Json.decode<FundingReceipt>(await sendOnce(access, input, idempotencyKey, "direction", options))
  }

  return {
    deposit: (request, options = {}) => move("deposit", request, options),
    withdraw: (request, options = {}) => move("withdraw", request, options),

    list(filter = {}) {
      Options.requireKnown("funding.list", filter, FILTER_OPTIONS)
      const { direction, pageSize, state } = filter
      const query = {
        direction: Options.oneOf("direction", direction, ["deposit", "withdrawal"]),
        state: Options.oneOf("state", state, ["pending", "completed", "failed"]),
        page_size: Options.pageSize(pageSize)
      }
      return Pages.read<Funding>(access, { path: `${WALLET}/funding`, query, as: "user" }, filter)
    },

    async get(fundingId, options = {}) {
      Options.requireKnown("funding.get", options, CALL_OPTIONS)
      const request = {
        path: `${WALLET}/funding/${Options.pathId("fundingId", fundingId)}`,
        as: "user"
      } as const
      return Json.decode<Funding>(await send(access, request, "direction", options))
    }
  }
}
