import { sendOnce } from "../IdempotentRequests.ts"
import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import { CALL_OPTIONS, type CallOptions, send, type ServerAccess } from "../Requests.ts"
import type { Recipient, SentTransfer, Transfer } from "./WalletValues.ts"

export interface TransferRequest {
  /** Username or wallet id of the recipient. */
  readonly to: string
  /** Code of the asset, such as `USD` or `BTC`. */
  readonly asset: string
  /** Decimal text with no more decimals than the asset has. */
  readonly amount: string
  /** Both sides see it. */
  readonly note?: string | undefined
  /**
   * Requests with the same key send once, and get the outcome of the first one, also a refusal. Default: a random key,
   * which makes the retries of this call safe. An error has the key as `idempotencyKey`.
   */
  readonly idempotencyKey?: string | undefined
}

/** Transfers to other users. */
export interface TransferCalls {
  /**
   * Sends money to a user, at once or after a review. Rejects with `InsufficientFunds` if the wallet has less. Retries are
   * safe.
   */
  send(request: TransferRequest, options?: CallOptions): Promise<SentTransfer>
  /** Returns a transfer that the wallet sent or received, with its state. */
  get(transferId: string, options?: CallOptions): Promise<Transfer>
  /** Returns who would receive a transfer, before money moves. */
  recipient(to: string, options?: CallOptions): Promise<Recipient>
}

/** Makes the calls of transfers. */
export const make = (access: ServerAccess): TransferCalls => ({
  async send({ idempotencyKey, ...request }, options = {}) {
    Options.requireKnown("transfers.send", request, ["to", "asset", "amount", "note", "idempotencyKey"])
    Options.requireKnown("transfers.send", options, CALL_OPTIONS)
    const body = {
      ...request,
      to: recipientText(request.to),
      asset: Options.requiredText("asset", request.asset, "USD"),
      amount: Options.amount(request.amount)
    }
    const input = { path: "/api/v1/transfers", body, as: "user" } as const
    const response = await sendOnce(access, input, idempotencyKey, "amount", options)
    // The server says the state only of a transfer that is held.
    return Json.decode<SentTransfer>({ state: "completed", ...response })
  },

  async get(transferId, options = {}) {
    Options.requireKnown("transfers.get", options, CALL_OPTIONS)
    const path = `/api/v1/transfers/${Options.pathId("transferId", transferId)}`
    return Json.decode<Transfer>(await send(access, { path, as: "user" }, "state", options))
  },

  async recipient(to, options = {}) {
    Options.requireKnown("transfers.recipient", options, CALL_OPTIONS)
    const request = {
      path: "/api/v1/transfers/recipient",
      query: { to: recipientText(to) },
      as: "user"
    } as const
    return Json.decode<Recipient>(await send(access, request, "wallet_id", options))
  }
})

const recipientText = (to: string) => Options.requiredText("to", to, "amara")
